"""Settings of the whole server: whether it issues tokens, its URLs, its database, and its administrator's pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import urlsplit

from .checks import ConfigurationError, boolean, names, one_of, optional_boolean, positive
from .readers.database_uri import read_database_uri, read_database_uris
from .readers.redis_url import read_redis_url
from .setting import setting


def read_issuer(key: str, value: Any) -> str | None:
    """A URL without query and fragment (RFC 8414 section 2), without a slash at its end."""
    if value is None:
        return None
    allowed = "a URL such as 'https://auth.example.com', without query, fragment or a slash at its end; or None"
    if not isinstance(value, str):
        raise ConfigurationError(key, value, allowed)
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(key, value, allowed) from error
    is_plain = re.fullmatch(r"[\x21-\x7e]+", value) and "@" not in parts.netloc and not {"?", "#"}.intersection(value)
    if parts.scheme not in ("http", "https") or not host or not is_plain or value.endswith("/"):
        raise ConfigurationError(key, value, allowed)
    return value


def read_url_prefix(key: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", value):
        raise ConfigurationError(key, value, 'a path such as "/oauth", without a slash at its end')
    return value


def read_trusted_proxies(key: str, value: Any) -> int | tuple[IPv4Network | IPv6Network, ...]:
    """The number of proxies, or the networks in which they are."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 20:
        return value
    wrong = ConfigurationError(key, value, "a number of proxies, or a list of addresses and networks ('10.0.0.0/8')")
    if isinstance(value, int):
        raise wrong
    try:
        return tuple(map(ip_network, names(key, value)))
    except ValueError:
        raise wrong from None


@dataclass(frozen=True, init=False, repr=False, eq=False)
class ServerSettings:
    """A group of `Settings`."""

    __slots__ = ()

    issuer: str | None = setting(
        None,
        read_issuer,
        "The authorization server's own URL, without query or fragment (RFC 8414 section 2), and without a slash"
        " at its end. Where it is left out, the request's root URL is taken in debug, in testing and on loopback;"
        " elsewhere, every answer that would carry the issuer is `server_error` (503), which says what to set.",
    )
    allow_http: bool = setting(
        False,
        boolean,
        "Whether `OAUTH_ISSUER` may be plain http beyond loopback, debug and testing too.",
    )
    url_prefix: str = setting(
        "/oauth",
        read_url_prefix,
        "The path under which the endpoints stand; those below `/.well-known/` stand at the root.",
    )
    resource_server: bool = setting(
        False,
        boolean,
        "Whether the app is only a resource server: it checks the tokens of `OAUTH_TRUSTED_TOKEN_ISSUERS`, issues"
        " none, and has no database.",
    )
    database_uri: str | None = setting(
        None,
        read_database_uri,
        "An SQLAlchemy URL, used only where the app has no `db` of its own. Where it is left out, the gateway"
        " uses the SQLite file `oauth.db` in the instance folder, in WAL mode, and makes the file and its tables"
        " on first use.",
    )
    database_prepared: bool | None = setting(
        None,
        optional_boolean,
        "Whether PostgreSQL's statements may have names, which are quicker, and not safe behind a pooler such as PgBouncer"
        " in transaction mode. Where it is left out, each new connection finds out whether there is one.",
    )
    database_read_uris: tuple[str, ...] = setting(
        (),
        read_database_uris,
        "SQLAlchemy URLs of replicas, from which views and introspection look tokens up in turn; what decides or spends goes"
        " to the primary, and so does what a late replica can't tell. Every process that revokes needs the same"
        " setting.",
    )
    redis_url: str | None = setting(
        None,
        read_redis_url,
        "A URL of [Redis or Valkey](engines/redis.md): of one server (`redis://`, `rediss://` with TLS, `unix://`), of"
        " Sentinels (`redis+sentinel://`) or of a Cluster (`redis+cluster://`). Through Redis, many processes share rate limits,"
        " and each drops a revoked token from its cache at once. Without Redis, each process counts by itself,"
        " and looks for revoked tokens by itself.",
    )
    trusted_proxies: int | tuple[IPv4Network | IPv6Network, ...] = setting(
        0,
        read_trusted_proxies,
        "Whose `X-Forwarded-For` is believed, for rate limits and the audit trail: a number of proxies in front"
        " of the app, or a list of the addresses and networks that the proxies are in. 0 is right where"
        " Werkzeug's `ProxyFix` reads the header.",
    )
    max_body: int = setting(
        131072,
        positive,
        "How many bytes the body of a request to an endpoint may have; a larger body is answered with 413.",
    )
    admin: bool = setting(
        False,
        boolean,
        "Whether there are pages for administrators at `/oauth/admin/`: clients, tokens, keys, issuers, audit"
        " trail. A user may enter if the hook `@gateway.is_admin` says `True` of that user; without the hook,"
        " nobody may.",
    )
    compatibility: str | None = setting(
        None,
        one_of(None, "apigee", "axway"),
        '`"apigee"` or `"axway"`: the answers have the shape that clients of that gateway expect.',
    )

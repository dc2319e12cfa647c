"""Settings of the server as a whole: whether it issues tokens, its addresses, its database, its administrator's pages."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from . import checks as check
from .setting import setting


@dataclass(frozen=True)
class ServerSettings:
    __slots__ = ()

    issuer: str | None = setting(
        None,
        check.issuer,
        "The authorization server's own URL, without query or fragment (RFC 8414 section 2). Left out, it is the"
        " request's root URL in debug, in testing and on loopback; elsewhere whatever carries it answers 503.",
    )
    allow_http: bool = setting(
        False,
        check.boolean,
        "Let `OAUTH_ISSUER` be plain http beyond loopback, debug and testing.",
    )
    url_prefix: str = setting(
        "/oauth", check.url_prefix, "The path under which the endpoints stand; the well-known ones stand at the root."
    )
    resource_server: bool = setting(
        False,
        check.boolean,
        "The app only checks tokens, those of `OAUTH_TRUSTED_TOKEN_ISSUERS`: it has no database and issues none.",
    )
    database_uri: str | None = setting(
        None,
        check.database_uri,
        "An SQLAlchemy URL, used only where the app has no `db` of its own. Left out: the SQLite file `oauth.db` in"
        " the instance folder, in WAL mode, made with its tables on first use.",
    )
    redis_url: str | None = setting(
        None,
        check.redis_url,
        "A URL of Redis (`redis://`, `rediss://`, `unix://`), through which many processes share rate limits, and drop a"
        " revoked token from their caches at once. Without it each counts by itself, and looks by itself.",
    )
    trusted_proxies: int | tuple[IPv4Network | IPv6Network, ...] = setting(
        0,
        check.trusted_proxies,
        "Whose `X-Forwarded-For` is believed, for rate limits and the audit trail: a number of proxies in front of the app,"
        " or a list of the addresses and networks that they are in. 0 where Werkzeug's `ProxyFix` does it.",
    )
    max_body: int = setting(131072, check.positive, "Bytes of the largest body that an endpoint reads; more is 413.")
    admin: bool = setting(
        False,
        check.boolean,
        "The administrator's pages at `/oauth/admin/`: clients, tokens, keys, issuers, audit trail. Whom the hook"
        " `@gateway.is_admin` says `True` of may enter; without it nobody.",
    )
    compatibility: str | None = setting(
        None,
        check.one_of(None, "apigee", "axway"),
        'Answers in the shape that clients of another gateway expect: `"apigee"` or `"axway"`.',
    )

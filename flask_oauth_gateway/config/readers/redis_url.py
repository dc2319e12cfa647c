"""`OAUTH_REDIS_URL`: one server of Redis or Valkey, the Sentinels that watch over one, or nodes of a Cluster.

No error message repeats the URL, which may hold passwords.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ..checks import ConfigurationError, secret_text

KEY = "OAUTH_REDIS_URL"
#: As redis-py calls them: it speaks to Valkey too.
SCHEMES = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss", "unix": "unix"}
PORTS = {"sentinel": 26379, "cluster": 6379}
PLACE = "<user>:<password>@<host>:6379"
SENTINELS = "'redis+sentinel://<host>:26379,<host>:26379,<host>:26379/<service>/0'"
NODES = f"'redis+cluster://{PLACE},<host>:6379'"
READABLE = f"a URL such as 'rediss://{PLACE}/0', {SENTINELS} or {NODES}"


class RedisServers(NamedTuple):
    """What a URL names. `options` are those of redis-py's connections, `sentinel` those of connections to Sentinels."""

    kind: str  # "server", "sentinel" or "cluster"
    options: dict[str, Any]
    hosts: tuple[tuple[str, int], ...] = ()
    service: str = ""
    sentinel: Mapping[str, Any] = MappingProxyType({})


def read_redis_url(key: str, value: Any) -> str | None:
    """A URL of Redis, or `None`."""
    text = secret_text(key, value)
    if text is None:
        return None
    try:
        from redis import ConnectionPool, SSLConnection
    except ImportError:
        raise ConfigurationError(
            key, "a URL", "used where redis is installed: pip install 'flask-oauth-gateway[redis]'"
        ) from None
    options = dict(servers_of(text).options)
    if options.pop("ssl", False):
        options["connection_class"] = SSLConnection
    try:
        ConnectionPool(**options).make_connection()  # which doesn't connect yet
    except (TypeError, ValueError):
        raise ConfigurationError(key, "a URL with an option that redis doesn't know", READABLE) from None
    return text


def servers_of(url: str) -> RedisServers:
    """What a URL names. Raises `ConfigurationError`."""
    from redis.connection import parse_url

    read: Any = parse_url  # it has no types
    scheme, _, rest = url.partition("://")
    scheme, plus, kind = scheme.partition("+")
    unreadable = ConfigurationError(KEY, "what redis can't read", READABLE)
    if scheme not in SCHEMES or bool(plus) != (kind in PORTS) or (kind and scheme == "unix"):
        raise unreadable
    try:
        if not kind:
            if scheme != "unix" and not re.fullmatch(r"/?\d*/?", urlsplit(f"//{rest}").path):  # redis-py passes over it
                raise ConfigurationError(KEY, "a URL whose database is no number", READABLE)
            return RedisServers("server", read(f"{SCHEMES[scheme]}://{rest}"))
        authority, path, query = re.fullmatch(r"([^/?#]*)([^?#]*)(\?.*)?", rest, re.DOTALL).groups("")  # type: ignore[union-attr]
        credentials, at, hosts = authority.rpartition("@")
        options = read(f"{SCHEMES[scheme]}://{credentials}{at}host/{query}")
        return _several(kind, options, tuple(_place(host, PORTS[kind]) for host in hosts.split(",")), path)
    except ConfigurationError:  # says more: it is a ValueError too
        raise
    except (AttributeError, ValueError):
        raise unreadable from None


def _several(kind: str, options: dict[str, Any], hosts: tuple[tuple[str, int], ...], path: str) -> RedisServers:
    encrypted = {name: value for name, value in options.items() if name.startswith("ssl_")}
    if options.pop("connection_class", None) is not None:
        encrypted["ssl"] = True
    del options["host"]
    options |= encrypted
    if kind == "cluster":
        if path.strip("/") not in ("", "0") or options.pop("db", 0) != 0:
            raise ConfigurationError(
                KEY, "a URL of a Cluster with a database: a Cluster has no numbered databases", NODES
            )
        return RedisServers(kind, options, hosts)
    sentinel = {name: options.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    service, _, database = path.strip("/").partition("/")
    if not service:
        raise ConfigurationError(KEY, "a URL of Sentinels without the name of the service that they watch", SENTINELS)
    if not re.fullmatch(r"\d*", database):
        raise ConfigurationError(KEY, "a URL of Sentinels whose database is no number", SENTINELS)
    if database:
        options["db"] = int(database)
    return RedisServers(kind, options, hosts, unquote(service), sentinel | encrypted)


def _place(host: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    if not parts.hostname or parts.path or parts.query:
        raise ValueError
    return unquote(parts.hostname), parts.port or port

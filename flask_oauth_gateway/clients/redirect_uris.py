"""The redirect URIs that a client may use: exactly those registered; a loopback one, `localhost` too, with any port."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..config.checks import is_loopback

if TYPE_CHECKING:
    from ..stores.registered_client import Client

DEFAULT_PORTS = {"http": ":80", "https": ":443"}  # browsers leave these out


def is_registered(uri: str, client: Client) -> bool:
    """Whether a redirect URI is one of the client's, byte by byte; a loopback URI may have any port (RFC 8252 section 7.3)."""
    if uri in client.redirect_uris:
        return True
    without_port = _without_loopback_port(uri)
    return without_port is not None and any(
        without_port == _without_loopback_port(known) for known in client.redirect_uris
    )


def is_same_on_loopback(registered: str, uri: str) -> bool:
    """Whether both are loopback URIs, and differ in nothing but host and port, as `localhost` and 127.0.0.1 do.

    That isn't forgiven, as another program may listen there; but it is said, since some programs do it.
    """
    path = _loopback_path(uri)
    return path is not None and path == _loopback_path(registered)


def is_impersonable(uri: str) -> bool:
    """Whether any app on the user's machine can receive what is sent to this URI (RFC 8252 section 8.6)."""
    parts = urlsplit(uri)
    return parts.scheme not in ("http", "https") or is_loopback(parts.hostname or "")


def origin_of(uri: str) -> str | None:
    """The origin of an http or https URI, as a browser writes it; `None` for other schemes."""
    parts = urlsplit(uri)
    if parts.scheme not in DEFAULT_PORTS:
        return None
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(DEFAULT_PORTS[parts.scheme])}"


def is_own_origin(origin: str, client: Client) -> bool:
    """Whether an origin is that of one of the client's redirect URIs; that of a loopback URI may have any port, too."""
    mine, without_port = origin.lower(), _without_loopback_port(origin.lower())
    return any(
        mine == known or (without_port is not None and without_port == _without_loopback_port(known))
        for known in map(origin_of, client.redirect_uris)
        if known is not None
    )


def _loopback_path(uri: str) -> str | None:
    """What follows the host and port of a loopback URI; `None` for any other URI."""
    bare = _without_loopback_port(uri)
    return None if bare is None else bare.removeprefix("http://").partition("/")[2]


def _without_loopback_port(uri: str) -> str | None:
    """A loopback URI without its port; `None` for any other URI."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme != "http" or not host or not is_loopback(host):
        return None
    bare = f"[{host}]" if ":" in host else host
    if parts.netloc != (bare if port is None else f"{bare}:{port}"):
        return None  # a user name, a second colon, leading zeros: only a plain address with a port is compared loosely
    return uri.replace(f"http://{parts.netloc}", f"http://{bare}", 1)

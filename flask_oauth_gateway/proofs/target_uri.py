"""The URI for which a proof is made: what it says (`htu`), and what the request's own is, by the configuration.

Both are brought into one form (RFC 3986 sections 6.2.2 and 6.2.3), without query and fragment. WSGI hands on a path whose
percent-encoding is undone, so that of `htu` is undone too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from ..errors import NotConfigured

if TYPE_CHECKING:
    from flask import Flask, Request

    from ..config import Settings

_URI = re.compile(r"(https?)://([^/?#]*)([^?#]*)(?:[?#].*)?", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:@\[\]/\\]+)(?::([0-9]{0,5}))?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class Targets:
    """Tells which URIs stand for a request of one app.

    The path is the request's own. The origin is that of the issuer, of the path's resource, or another one of the
    settings; the Host header says it only in debug mode and in tests. `resource_of` gives the identifier of a path's
    resource where the configuration names one.
    """

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        mount_point: Callable[[], str],
        resource_of: Callable[[str], str | None],
    ) -> None:
        self._app = app
        self._mount_point = mount_point
        self._resource_of = resource_of
        named = (settings.issuer, settings.mtls_url, *settings.public_origins)
        self._origins = frozenset(origin for each in named if each and (origin := origin_of(each)))

    def of(self, http: Request, path: str | None = None) -> frozenset[str]:
        """The URIs of a request, in the form that `canonical` gives; `path`: of the request that a proxy asks about.

        Raises `NotConfigured` where nothing says under which origin the app is reached.
        """
        origins, resource = self._origins, self._resource_of(http.path if path is None else path)
        more = None if resource is None else origin_of(resource)
        if more is not None and more not in origins:
            origins |= {more}
        if self._app.debug or self._app.testing:
            own = origin_of(http.host_url)
            origins |= set() if own is None else {own}
        if not origins:
            raise NotConfigured(
                "The server does not know under which origin it is reached: its configuration needs OAUTH_ISSUER,"
                " or OAUTH_PUBLIC_ORIGINS."
            )
        own_path = self._path(http.environ) if path is None else canonical_path(path)
        return frozenset([origin + own_path for origin in origins])

    def _path(self, environ: Mapping[str, Any]) -> str:
        """The request's path behind the origin, with the path at which the app is mounted."""
        mount = (environ.get("SCRIPT_NAME") or self._mount_point()).rstrip(
            "/"
        )  # as Flask reads what a proxy says of it
        return _without_dots(f"{mount}{environ.get('PATH_INFO', '')}")


@lru_cache(maxsize=512)
def canonical(uri: str) -> str | None:
    """A URI in the one form in which two are compared; `None` where it is no URI of http or https."""
    found = _URI.fullmatch(uri)
    if found is None:
        return None
    origin = _origin(found[1], found[2])
    return None if origin is None else origin + canonical_path(found[3])


@lru_cache(maxsize=128)
def origin_of(uri: str) -> str | None:
    """The origin of a URI: scheme and host in lower case, and the port where it isn't the scheme's own."""
    found = _URI.fullmatch(uri)
    return None if found is None else _origin(found[1], found[2])


def canonical_path(raw: str) -> str:
    """A path as it stands in a URI, in the form that WSGI gives it: decoded, each byte as one character."""
    return _without_dots(unquote_to_bytes(raw).decode("latin-1"))


def _origin(scheme: str, authority: str) -> str | None:
    scheme, parts = scheme.lower(), _AUTHORITY.fullmatch(authority)
    if parts is None:
        return None
    host, port = parts[1].lower(), parts[2] and (parts[2].lstrip("0") or "0")
    return f"{scheme}://{host}" if port in (None, "", _DEFAULT_PORTS[scheme]) else f"{scheme}://{host}:{port}"


def _without_dots(path: str) -> str:
    """A path without its dot segments (RFC 3986 section 5.2.4); that of an empty one is "/"."""
    if "/." not in path:
        return path or "/"
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)

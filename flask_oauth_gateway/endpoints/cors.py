"""Tells browsers which origins' scripts may read an answer: those of the client's redirect URIs, or `OAUTH_CORS_ORIGINS`.

A preflight names no client and reveals nothing, so every origin passes it. Only the client's own origins may read the
answer itself; where a client registers, every origin's may, as nobody knows it yet. An error that comes before the client
has proved who it is may be read by the origins of the client that the request names: it holds nothing else than what is
wrong. No cookies are ever involved.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from flask import Response, request

from ..clients.redirect_uris import is_own_origin
from ..errors import TemporarilyUnavailable
from ..web.environ import CLIENT, NAMED, current_environ

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..stores.registered_client import Client

ALLOWED_HEADERS = "Authorization, Content-Type, DPoP, X-Requested-With"
EXPOSED_HEADERS = "WWW-Authenticate, Retry-After, DPoP-Nonce"
PREFLIGHT_SECONDS = "3600"
MANAGED = "oauth.registration_preflight"


class Cors:
    """Lets scripts of other origins read the answers of `endpoints`. `configured`: the setting `OAUTH_CORS_ORIGINS`.

    `anybody`: those of the endpoints whose caller isn't a client yet. `find` finds a client by its `client_id`.
    """

    def __init__(
        self,
        configured: tuple[str, ...] | None,
        endpoints: frozenset[str],
        anybody: frozenset[str],
        find: Callable[[str], Client | None] | None,
    ) -> None:
        self._configured = configured
        self._endpoints = endpoints
        self._anybody = anybody
        self._find = find

    def preflight(self, **_: str) -> Response:
        """Answer a browser's preflight (Fetch standard)."""
        response = Response(status=204)
        origin = request.headers.get("Origin")
        if origin and (self._configured is None or self._is_configured(origin)):
            response.headers.update(
                {
                    "Access-Control-Allow-Origin": origin,
                    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS"
                    if request.endpoint == MANAGED
                    else "GET, POST, OPTIONS",
                    "Access-Control-Allow-Headers": ALLOWED_HEADERS,
                    "Access-Control-Max-Age": PREFLIGHT_SECONDS,
                    "Vary": "Origin",
                }
            )
        return response

    def allow_origin(self, response: Response) -> Response:
        """Let the origin's script read the answer of these endpoints, where the calling client has that origin."""
        origin = current_environ().get("HTTP_ORIGIN")
        if origin is None or request.endpoint not in self._endpoints or request.method == "OPTIONS":
            return response
        if self._configured is None and request.endpoint in self._anybody:
            allowed = True
        elif self._configured is None:
            client = request.environ.get(CLIENT) or (self._named() if response.status_code >= 400 else None)
            allowed = client is not None and is_own_origin(origin, client)
        else:
            allowed = self._is_configured(origin)
        if allowed:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
            response.headers.add("Vary", "Origin")
        return response

    def _named(self) -> Client | None:
        """The client that a request names without having proved that it is this one."""
        name = request.environ.get(NAMED) or (request.authorization.username if request.authorization else None)
        if not name or self._find is None:
            return None
        with suppress(TemporarilyUnavailable):
            return self._find(name)
        return None

    def _is_configured(self, origin: str) -> bool:
        return self._configured is not None and ("*" in self._configured or origin in self._configured)

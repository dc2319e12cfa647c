"""Tells browsers which origins' scripts may read an answer: those of the client's redirect URIs, or `OAUTH_CORS_ORIGINS`.

A preflight names no client and reveals nothing, so every origin passes it. Only the client's own origins may read the
answer itself. No cookies are ever involved.
"""

from __future__ import annotations

from flask import Response, request

from ..clients.redirect_uris import origin_of
from ..web.environ import CLIENT

ALLOWED_HEADERS = "Authorization, Content-Type, DPoP"
EXPOSED_HEADERS = "WWW-Authenticate, Retry-After"
PREFLIGHT_SECONDS = "3600"


class Cors:
    """Lets scripts of other origins read the answers of `endpoints`. `configured`: the setting `OAUTH_CORS_ORIGINS`."""

    def __init__(self, configured: tuple[str, ...] | None, endpoints: frozenset[str]) -> None:
        self._configured = configured
        self._endpoints = endpoints

    def preflight(self, **_: str) -> Response:
        """Answer a browser's preflight (Fetch standard)."""
        response = Response(status=204)
        origin = request.headers.get("Origin")
        if origin and (self._configured is None or self._is_configured(origin)):
            response.headers.update(
                {
                    "Access-Control-Allow-Origin": origin,
                    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
                    "Access-Control-Allow-Headers": ALLOWED_HEADERS,
                    "Access-Control-Max-Age": PREFLIGHT_SECONDS,
                    "Vary": "Origin",
                }
            )
        return response

    def allow_origin(self, response: Response) -> Response:
        """Let the origin's script read the answer of these endpoints, where the calling client has that origin."""
        origin = request.environ.get("HTTP_ORIGIN")
        if origin is None or request.endpoint not in self._endpoints or request.method == "OPTIONS":
            return response
        client = request.environ.get(CLIENT)
        if self._configured is None:
            allowed = client is not None and origin.lower() in map(origin_of, client.redirect_uris)
        else:
            allowed = self._is_configured(origin)
        if allowed:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
            response.headers.add("Vary", "Origin")
        return response

    def _is_configured(self, origin: str) -> bool:
        return self._configured is not None and ("*" in self._configured or origin in self._configured)

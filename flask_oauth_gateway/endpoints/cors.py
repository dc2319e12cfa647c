"""Which origins' scripts may read an answer: those of the client's redirect URIs, or `OAUTH_CORS_ORIGINS`.

A preflight tells nothing about anybody and knows no client, so every origin passes it; the answer itself is readable by
the client's own origins alone. No cookies are ever involved.
"""

from __future__ import annotations

from flask import Response, request

from ..clients.redirect_uris import origin_of
from ..web.environ import CLIENT, current_state

ALLOWED_HEADERS = "Authorization, Content-Type, DPoP"
EXPOSED_HEADERS = "WWW-Authenticate, Retry-After"
PREFLIGHT_SECONDS = "3600"


def preflight(**_: str) -> Response:
    """The answer to a browser that asks whether it may (Fetch standard)."""
    response = Response(status=204)
    origin = request.headers.get("Origin")
    configured = current_state().settings.cors_origins
    if origin and (configured is None or "*" in configured or origin in configured):
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


def allow_origin(response: Response, endpoints: frozenset[str]) -> Response:
    """Let the origin's script read the answer of these endpoints, where the client that asked is at home there."""
    origin = request.environ.get("HTTP_ORIGIN")
    if origin is None or request.endpoint not in endpoints or request.method == "OPTIONS":
        return response
    client = request.environ.get(CLIENT)
    configured = current_state().settings.cors_origins
    if configured is None:
        allowed = client is not None and origin.lower() in map(origin_of, client.redirect_uris)
    else:
        allowed = "*" in configured or origin in configured
    if allowed:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        response.headers.add("Vary", "Origin")
    return response

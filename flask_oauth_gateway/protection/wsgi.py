"""`gateway.wsgi(application, "scope")`: lets only requests with a fitting token reach a WSGI application (PEP 3333)."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import request

from ..web.environ import TOKEN, USAGE
from .guard import Requirement, current_guard

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask

    from ..web.rate_limits import Usage


def guarded_application(app: Flask, application: WSGIApplication, wanted: Requirement) -> WSGIApplication:
    """The application behind a check of the token, which puts the token's contents into the environ.

    `oauth.client_id`, `oauth.subject` (`None` where there is none), `oauth.scopes` (a frozenset), `oauth.attributes`
    (a dict). All of them are set at each request, so no value comes from elsewhere; no header can have such a name.
    """

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # The body is the application's: whatever OAUTH_BEARER_METHODS says, it isn't read here.
        asked = {**environ, "wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0", **place_in(app, environ)}
        with app.request_context(asked):
            refusal = current_guard().admit(wanted)  # a preflight too: the application answers it itself
            token, usage = request.environ.get(TOKEN), request.environ.get(USAGE)
        if refusal is not None:
            return refusal(environ, start_response)
        about: dict[str, Any] = {
            TOKEN: token,
            "oauth.client_id": token.client_id if token else None,
            "oauth.subject": token.subject if token else None,
            "oauth.scopes": token.scopes if token else frozenset(),
            "oauth.attributes": dict(token.attributes) if token else {},
        }
        environ.update(about)
        return application(environ, start_response if usage is None else _with_usage(start_response, usage))

    return guarded


def _with_usage(start_response: StartResponse, usage: Usage) -> StartResponse:
    """A `start_response` that also sends what is left of the client's quota."""
    from .plans import headers_of

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
        return start_response(status, [*headers, *headers_of(usage)], exc_info)

    return start


def place_in(app: Flask, environ: WSGIEnvironment) -> dict[str, str]:
    """The request's path as the app would route it: with the path where the application is mounted."""
    mount = str(app.config["APPLICATION_ROOT"]).rstrip("/")
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    if not f"{path}/".startswith(f"{mount}/"):
        mount = ""
    return {"SCRIPT_NAME": mount, "PATH_INFO": path.removeprefix(mount)}

"""`gateway.wsgi(application, "scope")`: lets only requests with a fitting token reach a WSGI application (PEP 3333)."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import request

from ..web.environ import CHECKED_BY, NEW_NONCE, PROVED, TOKEN, USAGE
from .guard import Requirement, current_guard

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask


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
            token, headers = request.environ.get(TOKEN), headers_of_answer(request.environ)
            # The application may be an app that checks the token again: once is enough, as a proof is good once.
            checked = {name: request.environ.get(name) for name in (TOKEN, CHECKED_BY, PROVED)}
        if refusal is not None:
            return refusal(environ, start_response)
        about: dict[str, Any] = {
            **checked,
            "oauth.client_id": token.client_id if token else None,
            "oauth.subject": token.subject if token else None,
            "oauth.scopes": token.scopes if token else frozenset(),
            "oauth.attributes": dict(token.attributes) if token else {},
        }
        environ.update(about)
        return application(environ, _with_headers(start_response, headers) if headers else start_response)

    return guarded


def headers_of_answer(environ: WSGIEnvironment) -> list[tuple[str, str]]:
    """What goes with the answer to a request that is let through: what is left of a quota, and the next proof's nonce."""
    usage, nonce = environ.get(USAGE), environ.get(NEW_NONCE)
    headers = [] if nonce is None else [("DPoP-Nonce", nonce)]
    if usage is not None:
        from .plans import headers_of

        headers += headers_of(usage)
    return headers


def _with_headers(start_response: StartResponse, further: list[tuple[str, str]]) -> StartResponse:
    """A `start_response` that also sends what goes with the answer."""

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Any:
        return start_response(status, [*headers, *further], exc_info)

    return start


def place_in(app: Flask, environ: WSGIEnvironment) -> dict[str, str]:
    """The request's path as the app would route it: with the path where the application is mounted."""
    mount = str(app.config["APPLICATION_ROOT"]).rstrip("/")
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    if not f"{path}/".startswith(f"{mount}/"):
        mount = ""
    return {"SCRIPT_NAME": mount, "PATH_INFO": path.removeprefix(mount)}

"""Who this server says it is: `OAUTH_ISSUER`, and where that may be left out."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import has_request_context, request

from ..config.checks import is_loopback
from ..errors import TemporarilyUnavailable

if TYPE_CHECKING:
    from ..resource_server import Checker


def issuer_of(state: Checker) -> str:
    """The issuer: the setting, or in debug, in testing and on loopback the request's root URL.

    Anywhere else the Host header doesn't decide it. Raises `TemporarilyUnavailable`, which says what is missing.
    """
    if state.settings.issuer is not None:
        return state.settings.issuer
    if not state.issues_tokens and "/" in state.settings.resources:
        return state.settings.resources["/"].rstrip("/")  # what an app that only checks tokens is called
    app = state.app
    if not has_request_context():
        if app.testing:
            return "http://localhost"  # as Flask's test client has it
    elif app.debug or app.testing or is_loopback(_host()):
        return request.root_url.rstrip("/")
    raise TemporarilyUnavailable("The server does not know its own name: its configuration needs OAUTH_ISSUER.")


def absolute_url(state: Checker, path: str) -> str:
    """A path of this app as a URL that people can type: on the issuer's host."""
    scheme, _, rest = issuer_of(state).partition("://")
    return f"{scheme}://{rest.partition('/')[0]}{path}"


def _host() -> str:
    """The host that the request names, without its port."""
    try:
        return urlsplit(request.root_url).hostname or ""
    except ValueError:
        return ""

"""`GET /.well-known/oauth-protected-resource[/<path>]`: what an API's tokens are and who issues them (RFC 9728)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask

from ..config import ADMIN_SCOPE
from ..errors import NotFound, TemporarilyUnavailable, render_error
from ..permissions.resources import WELL_KNOWN
from ..web.documents import publish
from ..web.environ import current_state
from ..web.issuer import issuer_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from ..resource_server import Checker


def add_resource_metadata(app: Flask) -> None:
    """Route the documents at the root: a resource's path stands behind the well-known part (section 3.1)."""
    for rule in (WELL_KNOWN, f"{WELL_KNOWN}/<path:path>"):
        app.add_url_rule(rule, "oauth_resource_metadata", resource_metadata, methods=["GET"])


def resource_metadata(path: str = "") -> BaseResponse:
    """What a client needs to know of the resource at this path, or of the one whose identifier has it."""
    state = current_state()
    try:
        prefix = state.resources.prefix_at(f"/{path}" if path else "")
        if prefix is None:
            return render_error(NotFound("No resource of this server is described at this address."))
        identifier = state.resources.of(prefix)
        name = ("resource", issuer_of(state), identifier)
        return publish(state, name, lambda: describe_resource(state, identifier))
    except TemporarilyUnavailable as error:
        return render_error(error)


def describe_resource(state: Checker, identifier: str) -> dict[str, Any]:
    """A resource's metadata (RFC 9728 section 2)."""
    settings = state.settings
    body: dict[str, Any] = {"resource": identifier, "authorization_servers": authorization_servers(state)}
    scopes = [name for name in settings.scopes if name != ADMIN_SCOPE]
    if scopes:
        body["scopes_supported"] = scopes
    body["bearer_methods_supported"] = list(settings.bearer_methods)
    return body


def authorization_servers(state: Checker) -> list[str]:
    """Whose tokens are taken: this server's own, and those of the trusted issuers."""
    own = [issuer_of(state)] if state.issues_tokens else []
    return [*own, *state.settings.trusted_token_issuers]

"""`GET /.well-known/oauth-protected-resource[/<path>]`: which tokens an API takes, and who issues them (RFC 9728)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Flask

from ..config import OFFLINE_ACCESS
from ..errors import NotConfigured, NotFound
from ..permissions.resources import WELL_KNOWN
from ..protection import resources
from ..web.answers import bound, render_error
from ..web.documents import publish_at
from ..web.place import places_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from ..authorization_server import AuthorizationServer
    from ..config.permissions import Resource
    from ..resource_server import Server


def add_resource_metadata(app: Flask, server: Server) -> None:
    """Route the documents at the root: a resource's path follows the well-known part (section 3.1)."""
    view = bound(resource_metadata, server)
    named = [each.identifier for each in server.settings.resources.values() if each.identifier is not None]
    places = places_of(app, [server.settings.issuer, *named])
    for rule in (WELL_KNOWN, f"{WELL_KNOWN}/<path:path>"):
        publish_at(app, places, rule, "oauth.resource_metadata", view)


def resource_metadata(server: Server, path: str = "") -> BaseResponse:
    """Answer with the metadata of the resource at this path, or of the one whose identifier has this path."""
    try:
        # A slash at the end stays where a client makes the address of one in the identifier (section 3.1).
        identifier = server.resources.described_at(f"/{path}".rstrip("/"))
        if identifier is None:
            return render_error(NotFound("No resource of this server is described at this address."))
        name = ("resource", server.issuer.identifier(), identifier)
        return server.documents.publish(name, lambda: describe_resource(server, identifier))
    except NotConfigured as error:
        return render_error(error)


def describe_resource(server: Server, identifier: str) -> dict[str, Any]:
    """A resource's metadata (RFC 9728 section 2)."""
    settings = server.settings
    own = [server.issuer.identifier()] if server.issues_tokens else []
    body: dict[str, Any] = {
        "resource": identifier,
        "authorization_servers": [*own, *settings.trusted_token_issuers],  # those whose tokens are taken
    }
    resource = server.resources.all()[identifier]
    scopes = settings.app_scopes if resource.scopes is None else resource.scopes
    scopes = [name for name in scopes if name != OFFLINE_ACCESS]  # no scope of a resource: it asks for a refresh token
    if scopes:
        body["scopes_supported"] = scopes
    body["bearer_methods_supported"] = list(settings.bearer_methods)
    if settings.authorization_details:
        body["authorization_details_types_supported"] = list(settings.authorization_details)  # section 2
    if settings.dpop:
        body["dpop_signing_alg_values_supported"] = list(settings.dpop_algorithms)
        body["dpop_bound_access_tokens_required"] = (
            settings.dpop == "required" and not settings.mtls
        )  # which binds, too
    if settings.mtls:
        body["tls_client_certificate_bound_access_tokens"] = True
    further = {"resource_name": resource.name, "resource_documentation": resource.documentation}
    return body | {name: value for name, value in further.items() if value is not None}


def add_resource(server: Server, path: str, resource: Resource) -> None:
    """Add a resource after the settings were read (`gateway.resource`), and what clients of old specifications look for at it."""
    resources.add_resource(server.app, server.settings, server.resources, path, resource)
    if server.issues_tokens and server.settings.in_profile.for_old_clients:
        from .metadata import publish_for

        publish_for(server.app, cast("AuthorizationServer", server), path.rstrip("/"))

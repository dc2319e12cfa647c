"""What this server can do, for clients that configure themselves.

`GET /.well-known/oauth-authorization-server` (RFC 8414), and `GET /.well-known/openid-configuration` where OpenID Connect is on
(OpenID Connect Discovery): the same members, and more of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, request

from ..authorization.answer import response_modes
from ..config import OFFLINE_ACCESS
from ..config.keys import SIGNING_ALGORITHMS
from ..errors import NotConfigured, NotFound
from ..features import CONFIDENTIAL_METHODS, METHODS, endpoints_that_are_on
from ..features.grants import ID_JAG, JWT_BEARER
from ..web.answers import bound, render_error
from ..web.documents import publish_at
from ..web.place import path_for, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug.wrappers import Response as BaseResponse

    from ..authorization_server import AuthorizationServer
    from ..config import Settings

#: The endpoints that clients call themselves: browsers must not be asked for a certificate.
ALIASED = (
    "token_endpoint", "revocation_endpoint", "introspection_endpoint", "pushed_authorization_request_endpoint",
    "device_authorization_endpoint", "userinfo_endpoint", "registration_endpoint", "backchannel_authentication_endpoint",
)  # fmt: skip
WELL_KNOWN = "/.well-known/oauth-authorization-server"
OPENID_WELL_KNOWN = "/.well-known/openid-configuration"


def add_metadata(app: Flask, server: AuthorizationServer) -> None:
    """Route the metadata at the root, followed by the issuer's path where it has one (RFC 8414 section 3.1).

    OpenID's stand behind the issuer's path (Discovery section 4), and where RFC 8414 looks for them (section 5). Where the app
    is mounted at that path, it is no part of what the app sees. Where the profile is for old clients, who look where the
    resource is, the metadata are at the root and for the path of each resource, too.
    """
    settings = server.settings
    path = urlsplit(settings.issuer or "").path
    paths = [path, *(("", *settings.resources) if settings.in_profile.for_old_clients else ())]
    for each in dict.fromkeys(one.rstrip("/") for one in paths):
        publish_for(app, server, each)
    if settings.oidc and "" not in paths:
        _publish(app, server, OPENID_WELL_KNOWN, "oauth.openid_metadata", openid_metadata)


def publish_for(app: Flask, server: AuthorizationServer, path: str) -> None:
    """Route the metadata where clients look who know the server, or its resource, by a URL with this path ("" for the root)."""
    _publish(app, server, WELL_KNOWN + path, "oauth.metadata", metadata)
    if server.settings.oidc:
        for rule in dict.fromkeys((path + OPENID_WELL_KNOWN, OPENID_WELL_KNOWN + path)):
            _publish(app, server, rule, "oauth.openid_metadata", openid_metadata)


def _publish(app: Flask, server: AuthorizationServer, rule: str, endpoint: str, view: Callable[..., Any]) -> None:
    publish_at(app, [place_of(app, server.settings.issuer)], rule, endpoint, bound(view, server))


def metadata(server: AuthorizationServer) -> BaseResponse:
    """Answer with the metadata, which names only what is on."""
    try:
        name = ("server", server.issuer.identifier(), server.issuer.mount_point())
        return server.documents.publish(name, lambda: describe(server))
    except NotConfigured as error:
        return render_error(error)


def openid_metadata(server: AuthorizationServer) -> BaseResponse:
    """Answer with the OpenID provider metadata."""
    from ..oidc.discovery import openid_metadata as further

    path = urlsplit(server.settings.issuer or "").path
    is_elsewhere = path and request.path == OPENID_WELL_KNOWN and request.script_root != path
    if is_elsewhere and not server.settings.in_profile.for_old_clients:
        raise NotFound("There is nothing at this address.")
    try:
        name = ("openid", server.issuer.identifier(), server.issuer.mount_point())
        return server.documents.publish(
            name, lambda: describe(server) | further(server.settings, server.openid.user_claims)
        )
    except NotConfigured as error:
        return render_error(error)


def _offline_access(settings: Settings) -> list[str]:
    """The scope that asks for a refresh token, where the profile offers it, and none of the app's scopes has its name."""
    is_given = settings.in_profile.offers_offline_access and "refresh_token" in settings.grant_types
    # Alone it gives access to nothing, and some clients ask for all that is named here.
    return [OFFLINE_ACCESS] if is_given and settings.app_scopes and OFFLINE_ACCESS not in settings.scopes else []


def describe(server: AuthorizationServer) -> dict[str, Any]:
    """The server's metadata (RFC 8414 section 2). Raises `NotConfigured` where the issuer isn't known."""
    settings, issuer = server.settings, server.issuer
    methods = list(settings.client_auth_methods)
    mount = "" if request.script_root else issuer.mount_point()
    body: dict[str, Any] = {"issuer": issuer.identifier()}
    for name, endpoint in endpoints_that_are_on(settings, issues_tokens=True):
        if endpoint.metadata is not None:
            body[endpoint.metadata] = issuer.url(mount + path_for(f"oauth.{name}"))
    body |= {
        "scopes_supported": [*settings.app_scopes, *_offline_access(settings)],
        "response_types_supported": list(server.response_types),
        "grant_types_supported": list(server.grants),
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": [name for name in methods if name in CONFIDENTIAL_METHODS],
    }
    if JWT_BEARER in server.grants and any(each.id_jag for each in server.jwt_assertions.issuers.values()):
        body["authorization_grant_profiles_supported"] = [ID_JAG]
    body["protected_resources"] = list(server.resources.all())  # RFC 9728 section 4
    algorithms = [name for method, each in METHODS.items() if method in methods for name in each.algorithms]
    algorithms = list(filter(settings.in_profile.takes, algorithms))
    if algorithms:
        for name in ("token", "revocation", "introspection"):
            body[f"{name}_endpoint_auth_signing_alg_values_supported"] = algorithms
    if server.sealing.has_key():
        body["introspection_signing_alg_values_supported"] = [settings.signing_algorithm]  # RFC 9701 section 7
    if settings.acr_values:
        body["acr_values_supported"] = list(settings.acr_values)  # RFC 9470 section 7
    if "authorization_endpoint" in body:
        body |= _of_authorization_requests(settings)
    if settings.mtls:
        body |= _mutual_tls(settings, body)
    types = list(settings.authorization_details)  # RFC 9396 section 10
    body |= {"authorization_details_types_supported": types} if types else {}
    if settings.dpop:
        body["dpop_signing_alg_values_supported"] = list(settings.dpop_algorithms)  # RFC 9449 section 5.1
    if "authorization_code" in settings.grant_types:
        body["code_challenge_methods_supported"] = list(settings.pkce_methods)
    return body


def _mutual_tls(settings: Settings, body: Mapping[str, Any]) -> dict[str, Any]:
    """What the metadata say of certificates, and where clients show them (RFC 8705 sections 3.3 and 5)."""
    found: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": True}
    if settings.mtls_url is not None:
        found["mtls_endpoint_aliases"] = {
            name: settings.mtls_url + urlsplit(body[name]).path for name in ALIASED if name in body
        }
    return found


def _of_authorization_requests(settings: Settings) -> dict[str, Any]:
    """What is said of the authorize endpoint: what it is asked by, and how it answers."""
    found: dict[str, Any] = {"response_modes_supported": list(response_modes(settings.jarm))}
    if settings.jarm:
        algorithms = list(filter(settings.in_profile.takes, SIGNING_ALGORITHMS))
        found["authorization_signing_alg_values_supported"] = algorithms  # JARM section 4
    found["authorization_response_iss_parameter_supported"] = True  # RFC 9207 section 3
    if settings.par:
        found["require_pushed_authorization_requests"] = settings.par == "required"  # RFC 9126 section 5
    if settings.client_id_metadata:
        found["client_id_metadata_document_supported"] = True
    if settings.jar:
        from ..authorization.signed_requests import metadata as of_signed_requests

        found |= of_signed_requests(settings)
    return found

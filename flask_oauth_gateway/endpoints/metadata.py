"""`GET /.well-known/oauth-authorization-server`: what this server can do, for clients that configure themselves (RFC 8414)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, request, url_for

from ..authentication import CONFIDENTIAL_METHODS
from ..authorization.request import RESPONSE_MODES, RESPONSE_TYPES
from ..config import ADMIN_SCOPE
from ..errors import TemporarilyUnavailable, render_error
from ..permissions.resources import mount_point
from ..web.documents import publish
from ..web.environ import current_state
from ..web.issuer import absolute_url, issuer_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from ..authorization_server import State
    from ..config import Settings

WELL_KNOWN = "/.well-known/oauth-authorization-server"


def add_metadata(app: Flask, settings: Settings) -> None:
    """Route the metadata at the root; behind it the issuer's path, where it has one (RFC 8414 section 3.1)."""
    path = urlsplit(settings.issuer or "").path
    app.add_url_rule(WELL_KNOWN + path, "oauth_metadata", metadata, methods=["GET"])


def metadata() -> BaseResponse:
    """The document. It says what is on, and nothing else."""
    state = current_state()
    try:
        return publish(state, ("server", issuer_of(state), mount_point(state)), lambda: describe(state))
    except TemporarilyUnavailable as error:
        return render_error(error)


def describe(state: State) -> dict[str, Any]:
    """The server's metadata (RFC 8414 section 2). Raises `TemporarilyUnavailable` where it has no name."""
    settings, routed = state.settings, state.app.view_functions
    methods = list(settings.client_auth_methods)
    mount = "" if request.script_root else mount_point(state)
    body: dict[str, Any] = {"issuer": issuer_of(state)}
    for member, endpoint in (
        ("authorization_endpoint", "authorize"),
        ("token_endpoint", "token"),
        ("revocation_endpoint", "revoke"),
        ("introspection_endpoint", "introspect"),
        ("device_authorization_endpoint", "device_authorization"),
        ("jwks_uri", "jwks"),
    ):
        if f"oauth.{endpoint}" in routed:
            body[member] = absolute_url(state, mount + url_for(f"oauth.{endpoint}"))
    body |= {
        "scopes_supported": [name for name in settings.scopes if name != ADMIN_SCOPE],
        "response_types_supported": [name for name, grant in RESPONSE_TYPES.items() if grant in settings.grant_types],
        "grant_types_supported": list(state.server.grants),
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": [name for name in methods if name in CONFIDENTIAL_METHODS],
    }
    body["protected_resources"] = list(dict.fromkeys(state.resources.all().values()))  # RFC 9728 section 4
    algorithms = _algorithms(methods)
    if algorithms:
        for endpoint in ("token", "revocation", "introspection"):
            body[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = algorithms
    from ..crypto.sealing import has_key  # cryptography, which an app with opaque tokens does without

    if has_key(state):
        body["introspection_signing_alg_values_supported"] = [settings.signing_algorithm]  # RFC 9701 section 7
    if "authorization_endpoint" in body:
        body["response_modes_supported"] = list(RESPONSE_MODES)
        body["authorization_response_iss_parameter_supported"] = True  # RFC 9207 section 3
    if "authorization_code" in settings.grant_types:
        body["code_challenge_methods_supported"] = list(settings.pkce_methods)
    return body


def _algorithms(methods: list[str]) -> list[str]:
    """What a client may sign its assertions with."""
    names: list[str] = []
    if "private_key_jwt" in methods:
        names += ["ES256", "RS256", "PS256", "EdDSA", "ES384", "ES512", "RS384", "RS512", "PS384", "PS512"]
    if "client_secret_jwt" in methods:
        names += ["HS256", "HS384", "HS512"]
    return names

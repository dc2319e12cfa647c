"""Every part of the protocol that an app may have: `FEATURES`, one row each. This file imports nothing of the package.

Routing, the grants, client authentication, the server's metadata, the checks of registrations, the command line's
choices, the OpenAPI document and the documentation's list of features are made from these rows. A row names classes and
views as "module:name", relative to the package; they are imported only where the feature is on. The metadata documents
and the management API are no rows (`endpoints/metadata.py`, `endpoints/resource_metadata.py`, `management/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SAML2_BEARER = "urn:ietf:params:oauth:grant-type:saml2-bearer"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint: its path under `OAUTH_URL_PREFIX`, the methods that it takes (`()`: any) and the view that answers."""

    path: str
    methods: tuple[str, ...]
    view: str
    metadata: str | None = None  # the member of the server's metadata that holds its URL (RFC 8414 section 2)
    cors: bool = False  # scripts on the client's own origins may read the endpoint's answers
    document: bool = False  # a public document, which any script may read


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One part of the protocol. It is on where all of these hold that it names, and always where it names none.

    `grant_type`: `OAUTH_GRANT_TYPES` holds it. `method`: `OAUTH_CLIENT_AUTH_METHODS` holds it. `setting`: this setting
    (a property of `Settings`) is true. `grants`: `OAUTH_GRANT_TYPES` holds one of them.
    """

    source: str  # the RFC, or whatever else defines it
    page: str  # the page of the documentation
    grant_type: str | None = None
    grant: str | None = None  # the grant's class
    response_type: str | None = None  # what a client asks the authorize endpoint for (RFC 6749 section 3.1.1)
    openapi: tuple[str, tuple[str, ...]] | None = None  # OpenAPI's name of the flow, and the endpoints in it
    refreshable: bool = False  # the OpenAPI flow has a refreshUrl
    method: str | None = None
    proves: bool = True  # the method proves who the client is; "none" doesn't
    secret: str | None = None  # how the method's client_secret is kept, if it needs one: "hashed" or "sealed"
    algorithms: tuple[str, ...] = ()  # with which a client may sign its assertions
    setting: str | None = None
    grants: tuple[str, ...] = ()
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    checks_tokens: bool = False  # a resource server has this feature too

    def is_on(self, settings: Any) -> bool:
        """Whether an app with these settings has this feature."""
        if self.setting is not None and not getattr(settings, self.setting):
            return False
        named = ((self.grant_type, settings.grant_types), (self.method, settings.client_auth_methods))
        if any(name is not None and name not in held for name, held in named):
            return False
        return not self.grants or any(grant in settings.grant_types for grant in self.grants)


WITH_A_PERSON = ("authorization_code", "implicit", "password", DEVICE_CODE)

_GET, _POST, _FORM = ("GET",), ("POST",), ("GET", "POST")

#: The administrator's pages, by their file in `pages/admin/`: each one's view, its path below `/admin`, and its methods.
_ADMIN_PAGES: Mapping[str, list[tuple[str, str, tuple[str, ...]]]] = {
    "clients": [
        ("clients", "/clients", _GET), ("client", "/client", _GET), ("client_secret", "/client/secret", _POST),
        ("client_switch", "/client/switch", _POST), ("client_delete", "/client/delete", _FORM),
    ],
    "client_form": [("client_new", "/clients/new", _FORM), ("client_edit", "/client/edit", _FORM)],
    "applications": [
        ("applications", "/applications", _GET), ("application", "/application", _GET),
        ("application_new", "/applications/new", _FORM), ("application_edit", "/application/edit", _FORM),
        ("application_status", "/application/status", _POST), ("application_delete", "/application/delete", _FORM),
    ],
    "tokens": [("grants", "/grants", _FORM), ("tokens", "/tokens", _FORM), ("revoke_all", "/revoke", _POST)],
    "overview": [("overview", "/", _GET)], "keys": [("keys", "/keys", _FORM)], "issuers": [("issuers", "/issuers", _GET)],
    "audit": [("audit", "/audit", _GET), ("audit_export", "/audit/export", _GET)],
}  # fmt: skip

FEATURES: Mapping[str, Feature] = {
    # The protocol's own endpoints.
    "authorization": Feature(
        source="RFC 6749 section 3.1, RFC 9207",
        page="consent.md",
        grants=("authorization_code", "implicit"),
        endpoints={"authorize": Endpoint("/authorize", _FORM, "pages.authorize:authorize", "authorization_endpoint")},
    ),
    "tokens": Feature(
        source="RFC 6749 section 3.2",
        page="tokens.md",
        endpoints={"token": Endpoint("/token", _POST, "endpoints.token:token", "token_endpoint", cors=True)},
    ),
    "revocation": Feature(
        source="RFC 7009",
        page="tokens.md",
        endpoints={"revoke": Endpoint("/revoke", _POST, "endpoints.revoke:revoke", "revocation_endpoint", cors=True)},
    ),
    "introspection": Feature(
        source="RFC 7662, RFC 9701",
        page="tokens.md",
        endpoints={
            "introspect": Endpoint("/introspect", _POST, "endpoints.introspect:introspect", "introspection_endpoint")
        },
    ),
    "tokeninfo": Feature(
        source="API gateways",
        page="tokens.md",
        endpoints={"tokeninfo": Endpoint("/tokeninfo", _FORM, "endpoints.tokeninfo:tokeninfo")},
    ),
    "jwks": Feature(
        source="RFC 7517 section 5",
        page="tokens.md",
        endpoints={"jwks": Endpoint("/jwks", _GET, "endpoints.jwks:jwks", "jwks_uri", document=True)},
    ),
    # The grants.
    "authorization_code": Feature(
        source="RFC 6749 section 4.1, RFC 7636",
        page="flows/authorization_code.md",
        grant_type="authorization_code",
        grant="grants.authorization_code:AuthorizationCodeGrant",
        response_type="code",
        openapi=("authorizationCode", ("authorize", "token")),
        refreshable=True,
    ),
    "client_credentials": Feature(
        source="RFC 6749 section 4.4",
        page="flows/client_credentials.md",
        grant_type="client_credentials",
        grant="grants.client_credentials:ClientCredentialsGrant",
        openapi=("clientCredentials", ("token",)),
    ),
    "refresh_token": Feature(
        source="RFC 6749 section 6",
        page="flows/refresh_token.md",
        grant_type="refresh_token",
        grant="grants.refresh_token:RefreshTokenGrant",
    ),
    "password": Feature(
        source="RFC 6749 section 4.3",
        page="flows/password.md",
        grant_type="password",
        grant="grants.password:PasswordGrant",
        openapi=("password", ("token",)),
        refreshable=True,
    ),
    "implicit": Feature(
        source="RFC 6749 section 4.2",
        page="flows/implicit.md",
        grant_type="implicit",
        grant="grants.implicit:ImplicitGrant",
        response_type="token",
        openapi=("implicit", ("authorize",)),
    ),
    "jwt_bearer": Feature(
        source="RFC 7523 section 2.1",
        page="flows/jwt_bearer.md",
        grant_type=JWT_BEARER,
        grant="grants.jwt_bearer:JwtBearerGrant",
    ),
    "saml2_bearer": Feature(
        source="RFC 7522 section 2.1",
        page="flows/saml2_bearer.md",
        grant_type=SAML2_BEARER,
        grant="grants.saml2_bearer:Saml2BearerGrant",
    ),
    "device_code": Feature(
        source="RFC 8628",
        page="flows/device_code.md",
        grant_type=DEVICE_CODE,
        grant="grants.device_code:DeviceCodeGrant",
        endpoints={
            "device_authorization": Endpoint(
                "/device_authorization",
                _POST,
                "endpoints.device_authorization:device_authorization",
                "device_authorization_endpoint",
                cors=True,
            ),
            "device": Endpoint("/device", _FORM, "pages.device:device"),
        },
    ),
    # Client authentication: `token_endpoint_auth_method` (RFC 7591 section 2).
    "client_secret_basic": Feature(
        source="RFC 6749 section 2.3.1", page="client-authentication.md", method="client_secret_basic", secret="hashed"
    ),
    "client_secret_post": Feature(
        source="RFC 6749 section 2.3.1", page="client-authentication.md", method="client_secret_post", secret="hashed"
    ),
    "none": Feature(source="RFC 6749 section 2.1", page="client-authentication.md", method="none", proves=False),
    "private_key_jwt": Feature(
        source="RFC 7523 section 2.2",
        page="client-authentication.md",
        method="private_key_jwt",
        algorithms=("ES256", "RS256", "PS256", "EdDSA", "ES384", "ES512", "RS384", "RS512", "PS384", "PS512"),
    ),
    "client_secret_jwt": Feature(
        source="RFC 7523 section 2.2",
        page="client-authentication.md",
        method="client_secret_jwt",
        secret="sealed",
        algorithms=("HS256", "HS384", "HS512"),
    ),
    "saml2_bearer_client": Feature(
        source="RFC 7522 section 2.2", page="client-authentication.md", method="saml2_bearer"
    ),
    # A person.
    "approvals": Feature(
        source="RFC 9700 section 4.14",
        page="consent.md",
        grants=WITH_A_PERSON,
        endpoints={
            "applications": Endpoint("/applications", _GET, "pages.approvals:approvals"),
            "revoke_approval": Endpoint("/applications/revoke", _POST, "pages.approvals:withdraw_approval"),
            "revoke_application": Endpoint(  # of pages that apps wrote themselves; browsers change some paths
                "/applications/<path:client_id>/revoke", _POST, "pages.approvals:withdraw_approval"
            ),
        },
    ),
    "userinfo": Feature(
        source="OpenID Connect Core section 5.3",
        page="openid.md",
        setting="oidc",
        endpoints={
            "userinfo": Endpoint("/userinfo", _FORM, "endpoints.userinfo:userinfo", "userinfo_endpoint", cors=True)
        },
    ),
    "logout": Feature(
        source="OpenID Connect RP-Initiated Logout",
        page="openid.md",
        setting="oidc",
        endpoints={"logout": Endpoint("/logout", _FORM, "pages.logout:logout", "end_session_endpoint")},
    ),
    # What operators use.
    "admin": Feature(
        source="API gateways",
        page="admin.md",
        setting="admin",
        endpoints={"admin": Endpoint("/admin", _GET, "pages.admin.overview:overview")}
        | {
            f"admin_{name}": Endpoint(f"/admin{path}", methods, f"pages.admin.{file}:{name}")
            for file, pages in _ADMIN_PAGES.items()
            for name, path, methods in pages
        },
    ),
    "admin_sessions": Feature(
        source="OpenID Connect",
        page="openid.md",
        setting="has_admin_sessions",
        endpoints={"admin_sessions": Endpoint("/admin/sessions", _FORM, "pages.admin.sessions:sessions")},
    ),
    "forward_auth": Feature(
        source="API gateways",
        page="forward-auth.md",
        setting="forward_auth",
        checks_tokens=True,
        endpoints={
            "verify": Endpoint("/verify", (), "endpoints.verify:verify"),
            "verify_root": Endpoint("/verify/", (), "endpoints.verify:verify_path"),
            "verify_path": Endpoint("/verify/<path:original>", (), "endpoints.verify:verify_path"),
        },
    ),
    "metrics": Feature(
        source="Prometheus",
        page="observability.md",
        setting="metrics_scope",
        checks_tokens=True,
        endpoints={"metrics": Endpoint("/metrics", _GET, "endpoints.metrics:metrics")},
    ),
}

#: The grants by `grant_type`, the methods of client authentication by name, and the endpoints by name.
GRANTS: Mapping[str, Feature] = {each.grant_type: each for each in FEATURES.values() if each.grant_type}
METHODS: Mapping[str, Feature] = {each.method: each for each in FEATURES.values() if each.method}
ENDPOINTS: Mapping[str, Endpoint] = {name: one for each in FEATURES.values() for name, one in each.endpoints.items()}
#: Each `response_type` of the authorize endpoint, and the grant type that answers it.
RESPONSE_TYPES: Mapping[str, str] = {
    each.response_type: each.grant_type for each in GRANTS.values() if each.response_type and each.grant_type
}
#: The methods that prove who the client is: grants for confidential clients take these.
CONFIDENTIAL_METHODS = tuple(name for name, each in METHODS.items() if each.proves)
#: The methods that need a `client_secret`, and those of them that send it.
SECRET_METHODS = tuple(name for name, each in METHODS.items() if each.secret)
SENT_SECRET_METHODS = tuple(name for name, each in METHODS.items() if each.secret == "hashed")


def endpoints_that_are_on(settings: Any, *, issues_tokens: bool) -> Iterator[tuple[str, Endpoint]]:
    """The names and endpoints of an app with these settings; a resource server has only those that check tokens."""
    for feature in FEATURES.values():
        if feature.is_on(settings) and (issues_tokens or feature.checks_tokens):
            yield from feature.endpoints.items()

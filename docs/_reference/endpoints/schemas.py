"""What requests and answers hold: the schemas that the operations name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_oauth_gateway.features import METHODS
from flask_oauth_gateway.features.grants import DEVICE_CODE, JWT_BEARER, SAML2_BEARER
from flask_oauth_gateway.management.clients import METADATA as MEMBERS

Schema = Mapping[str, Any]


def text(about: str, **more: Any) -> Schema:
    return {"type": "string", "description": about, **more}


def seconds(about: str) -> Schema:
    return {"type": "integer", "minimum": 0, "description": about}


def an_object(properties: Mapping[str, Schema], required: tuple[str, ...] = (), **more: Any) -> Schema:
    found = {"type": "object", "properties": dict(properties), **more}
    return {**found, "required": list(required)} if required else found


SCOPE = text("Scopes, with spaces between them.", examples=["notes:read"])
RESOURCE = text("An API that the token is for (RFC 8707). May stand several times.", format="uri")
DETAILS = text("Authorization details, as a JSON array (RFC 9396), where `OAUTH_AUTHORIZATION_DETAILS` is set.")
GRANTED_DETAILS: Schema = {"type": "array", "items": {"type": "object"}, "description": "What was granted (RFC 9396)."}

#: Who the client is, where no header and no certificate says it.
CREDENTIALS: Mapping[str, Schema] = {
    "client_id": text("The client, where it doesn't authenticate by HTTP Basic."),
    "client_secret": text("Its secret, with `client_secret_post`."),
    "client_assertion": text("With `private_key_jwt`, `client_secret_jwt` or `saml2_bearer`: the signed assertion."),
    "client_assertion_type": text(
        "What the assertion is.",
        enum=[
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        ],
    ),
}
#: The parameters of each grant at the token endpoint: those that it needs, and those that it may have.
GRANT_PARAMETERS: Mapping[str, tuple[Mapping[str, Schema], Mapping[str, Schema]]] = {
    "authorization_code": (
        {"code": text("The code that the browser brought.")},
        {
            "redirect_uri": text("The one of the authorization request, where that named one.", format="uri"),
            "code_verifier": text("PKCE's secret (RFC 7636): needed where the request had a `code_challenge`."),
            "resource": RESOURCE,
            "authorization_details": DETAILS,
        },
    ),
    "client_credentials": ({}, {"scope": SCOPE, "resource": RESOURCE, "authorization_details": DETAILS}),
    "refresh_token": (
        {"refresh_token": text("The newest one of the approval.")},
        {"scope": SCOPE, "resource": RESOURCE, "authorization_details": DETAILS},
    ),
    "password": (
        {"username": text("The user's name."), "password": text("The user's password.")},
        {"scope": SCOPE, "resource": RESOURCE},
    ),
    JWT_BEARER: ({"assertion": text("The signed JWT.")}, {"scope": SCOPE, "resource": RESOURCE}),
    SAML2_BEARER: ({"assertion": text("The SAML assertion, as base64url.")}, {"scope": SCOPE, "resource": RESOURCE}),
    DEVICE_CODE: ({"device_code": text("The device's code.")}, {"resource": RESOURCE}),
}
#: An authorization request, at the authorize endpoint or pushed.
AUTHORIZATION: Mapping[str, Schema] = {
    "response_type": text("`code`; for old clients `token`; with OpenID Connect the others that the metadata name."),
    "client_id": text("The client."),
    "redirect_uri": text("Where to answer, as it is registered to the letter.", format="uri"),
    "scope": SCOPE,
    "state": text("Comes back with the answer. At most 8 KiB."),
    "code_challenge": text("PKCE (RFC 7636): the hash of the `code_verifier`."),
    "code_challenge_method": text("How it was hashed.", examples=["S256"]),
    "response_mode": text("How the answer comes: see `response_modes_supported`."),
    "resource": RESOURCE,
    "authorization_details": DETAILS,
    "nonce": text("OpenID Connect: comes back in the ID token. At most 2 KiB."),
    "prompt": text("`none`, `login`, `consent`, `select_account`, `create`."),
    "max_age": seconds("How old the sign-in may be."),
    "acr_values": text("How strong the sign-in should be, the best first."),
    "login_hint": text("Who is likely to sign in."),
    "id_token_hint": text("An ID token of whoever should be signed in."),
    "ui_locales": text("The languages of the pages, the preferred one first."),
    "claims": text("OpenID Connect: claims that are asked for by their names, as JSON."),
    "dpop_jkt": text("DPoP: the thumbprint of the key to which the code is bound (RFC 9449 section 10)."),
}
ELSEWHERE: Mapping[str, Schema] = {
    "request": text("The whole request as a signed JWT (RFC 9101), where `OAUTH_JAR` is on."),
    "request_uri": text("The name of a pushed request (RFC 9126), or the URL of a signed one."),
}

ERROR = an_object(
    {
        "error": text("The code: see Errors. Programs go by this one and the status.", examples=["invalid_grant"]),
        "error_description": text("A sentence for people, which may change."),
    },
    ("error", "error_description"),
)
TOKEN = an_object(
    {
        "access_token": text("The token: opaque, or a JWT."),
        "token_type": text("`DPoP`: it is bound to a key.", enum=["Bearer", "DPoP"]),
        "expires_in": seconds("For how many seconds it is good."),
        "scope": text("What was given, which may be less than was asked for."),
        "refresh_token": text("Where the client may have one: the next one, which replaces the last."),
        "id_token": text("With OpenID Connect, where `openid` was allowed: who the user is, as a JWT."),
        "authorization_details": GRANTED_DETAILS,
    },
    ("access_token", "token_type", "expires_in", "scope"),
    description="Custom attributes of the token stand beside these.",
)
TOKENINFO = an_object(
    {
        "client_id": text("Whose token it is."),
        "audience": text("What it is for; the client, where no resource was named."),
        "user_id": {"type": ["string", "null"], "description": "The user, or null for a client's own token."},
        "scope": text("Its scopes."),
        "expires_in": seconds("For how many seconds it is still good."),
        "issued_at": seconds("When it was given, in seconds since 1970."),
        "grant_type": text("By which grant."),
    },
    ("client_id", "audience", "user_id", "scope", "expires_in", "issued_at", "grant_type"),
    description="Custom attributes of the token stand beside these.",
)
INTROSPECTION = an_object(
    {
        "active": {"type": "boolean", "description": "Whether it is good. Where it isn't, nothing else is said."},
        "client_id": text("Whose token it is."),
        "sub": text("The user, as the token's client knows them. A client's own token has none."),
        "scope": text("Its scopes."),
        "aud": {"type": ["string", "array"], "items": {"type": "string"}, "description": "What it is for."},
        "iss": text("Who has made it, where it is a JWT."),
        "exp": seconds("Until when it is good."),
        "iat": seconds("When it was given."),
        "token_type": text("`Bearer` or `DPoP`. A refresh token has none."),
        "token_use": text("`refresh_token` for one.", enum=["refresh_token"]),
        "jti": text("The token's id, as listings name it."),
        "grant_type": text("By which grant it was given."),
        "acr": text("How strongly its user signed in (RFC 9470)."),
        "auth_time": seconds("When."),
        "cnf": {"type": "object", "description": "What it is bound to: `jkt`, `x5t#S256`."},
        "authorization_details": GRANTED_DETAILS,
    },
    ("active",),
    description="Custom attributes of the token stand beside these.",
)
DEVICE = an_object(
    {
        "device_code": text("What the device asks with."),
        "user_code": text("What the user types.", examples=["WDJB-MJHT"]),
        "verification_uri": text("Where they type it.", format="uri"),
        "verification_uri_complete": text("The same with the code in it, for a QR code.", format="uri"),
        "expires_in": seconds("How long the user has."),
        "interval": seconds("How long the device waits between two questions."),
    },
    ("device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"),
)
PUSHED = an_object(
    {"request_uri": text("What the browser brings."), "expires_in": seconds("Within how many seconds.")},
    ("request_uri", "expires_in"),
)
#: What a stranger's registration says of itself is the public part of what a client has (`management/clients.py`).
OURS = {
    "skip_consent", "access_token_format", "access_token_lifetime", "refresh_token_lifetime", "certificate", "attributes",
    "resource_server", "plan", "default_scope", "require_pkce", "pushed_redirect_uris", "id_token_claims",
}  # fmt: skip
REGISTRATION = {name: schema for name, schema in MEMBERS.items() if name not in OURS}
REGISTERED = an_object(
    {
        "client_id": text("The client."),
        "client_secret": text("Its secret, shown once, where its method needs one."),
        "client_id_issued_at": seconds("When it was registered."),
        "client_secret_expires_at": seconds("0: it doesn't expire."),
        "registration_access_token": text("What changes or deletes this registration."),
        "registration_client_uri": text("Where.", format="uri"),
        **REGISTRATION,
    },
    ("client_id", "client_id_issued_at", "registration_access_token", "registration_client_uri"),
)
USERINFO = an_object(
    {
        "sub": text("The user, as this client knows them."),
        "name": text("With the scope `profile`."),
        "email": text("With the scope `email`."),
        "email_verified": {"type": "boolean"},
    },
    ("sub",),
    description="And the other claims that the token's scopes let out.",
)
KEYS = an_object(
    {"keys": {"type": "array", "items": an_object({"kty": text("Its type."), "kid": text("Its name.")}, ("kty",))}},
    ("keys",),
)
SCHEMAS: Mapping[str, Schema] = {
    "Error": ERROR,
    "Token": TOKEN,
    "TokenInfo": TOKENINFO,
    "Introspection": INTROSPECTION,
    "DeviceAuthorization": DEVICE,
    "PushedRequest": PUSHED,
    "Registration": an_object(REGISTRATION),
    "Registered": REGISTERED,
    "UserInfo": USERINFO,
    "KeySet": KEYS,
}
#: OpenAPI's schemes of client authentication; the other methods are parameters of the body.
SCHEMES: Mapping[str, Schema] = {
    "client_secret_basic": {"type": "http", "scheme": "basic", "description": "`client_id` and `client_secret`."},
    "certificate": {"type": "mutualTLS", "description": "`tls_client_auth`, `self_signed_tls_client_auth` (RFC 8705)."},
    "access_token": {"type": "http", "scheme": "bearer", "description": "An access token (RFC 6750)."},
    "bound_token": {"type": "http", "scheme": "DPoP", "description": "One that is bound to a key (RFC 9449)."},
    "registration_access_token": {
        "type": "http",
        "scheme": "bearer",
        "description": "That of the registration (RFC 7592).",
    },
    "initial_access_token": {
        "type": "http",
        "scheme": "bearer",
        "description": 'Where `OAUTH_REGISTRATION` is `"token"`.',
    },
}
METHOD_NAMES = ", ".join(f"`{name}`" for name in METHODS)

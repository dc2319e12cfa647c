"""What each endpoint for programs takes and answers. Paths, methods, sources and settings come from the rows of `features/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from . import schemas
from .schemas import Schema, text

FORM, JSON, HTML = "application/x-www-form-urlencoded", "application/json", "text/html"
#: Who may ask: alternatives, each a list of schemes; an empty one: nothing in a header.
CLIENT = ("client_secret_basic", "certificate", "")
TOKEN = ("access_token", "bound_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """An endpoint, by its method where that changes something."""

    summary: str
    about: str = ""
    asks: tuple[str, ...] = ()
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)
    form: Mapping[str, Schema] = field(default_factory=dict)
    body: str | None = None  # the schema of a JSON body
    needs: tuple[str, ...] = ()
    status: int = 200
    answer: str | None = None  # the schema of the answer
    answers: Mapping[str, str] = field(default_factory=dict)  # further media types, or another status: what it is
    refusals: tuple[int, ...] = (400, 401, 413, 429, 503)


HINT: Schema = text("Whether it is an access token or a refresh token. It is found either way.")
PROXY: Mapping[str, Schema] = {
    "X-Original-URI": text("nginx, HAProxy: what was asked for."),
    "X-Original-Method": text("nginx, HAProxy: by which method."),
    "X-Forwarded-Uri": text("Traefik, Caddy: what was asked for."),
    "X-Forwarded-Method": text("Traefik, Caddy: by which method."),
    "X-Forwarded-Host": text("Traefik, Caddy: at which host."),
}
PAGE_ANSWERS = {"302": "Back to the client, with the answer; or to the sign-in"}
_REGISTRATION = Described(
    summary="Show a registration",
    asks=("registration_access_token",),
    answer="Registered",
    refusals=(400, 401, 429, 503),
)
_INFO = Described(
    summary="What a token is, for whoever has it",
    about="A token that is no longer good is `invalid_token`, with 400.",
    asks=(*TOKEN, ""),
    answer="TokenInfo",
    refusals=(400, 413, 503),
)
_USERINFO = Described(
    summary="Who the user of a token is",
    about="The token needs the scope `openid`.",
    asks=TOKEN,
    answer="UserInfo",
    answers={"application/jwt": "The same signed, for clients that are registered for that"},
    refusals=(400, 401, 403, 503),
)
_AUTHORIZE = Described(
    summary="A browser asks for a user's approval",
    about=(
        "The browser is sent here. The user signs in and is asked, then the browser goes back to the client with `code`, `state`"
        " and `iss`, or with `error`. Where the client or its redirect URI is wrong, there is a page, and no redirect."
    ),
    query={**schemas.AUTHORIZATION, **schemas.ELSEWHERE},
    needs=("client_id",),
    answers=PAGE_ANSWERS,
    refusals=(),
)
_LOGOUT = Described(
    summary="A client sends its user to be signed out",
    query={
        "id_token_hint": text("The client's last ID token of this user: it saves them a question."),
        "client_id": text("The client, where there is no hint."),
        "post_logout_redirect_uri": text("Where to go afterwards, as it is registered.", format="uri"),
        "state": text("Comes back with it."),
        "logout_hint": text("Who is meant."),
        "ui_locales": text("The languages of the page."),
    },
    answers={"302": "Back to the client"},
    refusals=(),
)
#: By the name of the row's endpoint, or by that and the method.
OPERATIONS: Mapping[str, Described] = {
    "authorize": _AUTHORIZE,
    "token": Described(
        summary="Get a token, by any grant",
        about="Which grants there are, `OAUTH_GRANT_TYPES` says, and `grant_types_supported` in the metadata.",
        asks=CLIENT,
        headers={"DPoP": text("A proof that binds the tokens to a key, where `OAUTH_DPOP` is on (RFC 9449).")},
        answer="Token",
    ),
    "revoke": Described(
        summary="Take back a token of one's own",
        about="A refresh token takes with it all that its approval gave. The answer is the same for a token that is unknown.",
        asks=CLIENT,
        form={"token": text("The token."), "token_type_hint": HINT, **schemas.CREDENTIALS},
        needs=("token",),
        answers={"200": "It is no longer good"},
    ),
    "leaked_tokens": Described(
        summary="End tokens that have leaked",
        about=(
            "Every kind of token is ended. The answer is the same for what is no token. As `application/json` it takes GitHub's"
            " alerts: a list of objects with `token` and `url`."
        ),
        form={
            "token": text("A token. May stand up to a hundred times."),
            "url": text("Where it was found: kept in the audit trail.", format="uri"),
        },
        needs=("token",),
        answers={"200": "`received`: how many there were in the report"},
        refusals=(400, 413, 429, 503),
    ),
    "introspect": Described(
        summary="What a token is, for an API",
        about="A client learns of its own tokens, one with `resource_server` of all; of others it hears that they aren't active.",
        asks=CLIENT,
        form={"token": text("The token."), "token_type_hint": HINT, **schemas.CREDENTIALS},
        needs=("token",),
        answer="Introspection",
        answers={"application/token-introspection+jwt": "The same signed (RFC 9701), where `Accept` asks for it"},
    ),
    "tokeninfo": _INFO,
    "tokeninfo POST": replace(_INFO, form={"access_token": text("The token, where no header has it.")}),
    "jwks": Described(summary="The keys that check this server's signatures", answer="KeySet", refusals=(503,)),
    "par": Described(
        summary="Push an authorization request",
        asks=CLIENT,
        headers={"DPoP": text("A proof of the key to which the code is to be bound (RFC 9449 section 10.1).")},
        form={**schemas.AUTHORIZATION, "request": schemas.ELSEWHERE["request"], **schemas.CREDENTIALS},
        status=201,
        answer="PushedRequest",
    ),
    "register": Described(
        summary="A program registers itself",
        asks=("initial_access_token", ""),
        body="Registration",
        status=201,
        answer="Registered",
    ),
    "registration": _REGISTRATION,
    "registration PUT": Described(
        summary="Replace a registration",
        asks=_REGISTRATION.asks,
        body="Registration",
        answer="Registered",
        refusals=(400, 401, 413, 429, 503),
    ),
    "registration DELETE": Described(
        summary="Delete a registration",
        asks=_REGISTRATION.asks,
        status=204,
        answers={"204": "It is gone"},
        refusals=(400, 401, 429, 503),
    ),
    "device_authorization": Described(
        summary="A device asks for its codes",
        asks=CLIENT,
        form={
            "scope": schemas.SCOPE,
            "resource": schemas.RESOURCE,
            "authorization_details": schemas.DETAILS,
            **schemas.CREDENTIALS,
        },
        answer="DeviceAuthorization",
    ),
    "userinfo": _USERINFO,
    "logout": _LOGOUT,
    "verify": Described(
        summary="May a request go on? A proxy asks",
        about="Any method. What is asked for stands in the URL that the proxy calls, or in `OAUTH_PROTECT` by path.",
        asks=TOKEN,
        query={
            "scope": text("Scopes, all of which the token needs."),
            "any_of": text("Scopes, one of which it needs."),
            "audience": text("What it must be for."),
        },
        headers=PROXY,
        status=204,
        answers={
            "204": "It may: `X-Auth-Subject`, `X-Auth-Client`, `X-Auth-Scopes` and `X-Auth-Attributes` say whose it is"
        },
        refusals=(401, 403, 429, 503),
    ),
    "verify_root": Described(
        summary="The same for Envoy, about the root",
        asks=TOKEN,
        answers={"200": "It may, with the same headers"},
        refusals=(401, 403, 429, 503),
    ),
    "verify_path": Described(
        summary="The same for Envoy, which appends its caller's path",
        asks=TOKEN,
        answers={"200": "It may, with the same headers"},
        refusals=(401, 403, 429, 503),
    ),
    "metrics": Described(
        summary="Metrics for Prometheus",
        about="The token needs the scope that `OAUTH_METRICS` names.",
        asks=TOKEN,
        answers={"text/plain": "In Prometheus' format"},
        refusals=(400, 401, 403, 503),
    ),
}
#: Documents that stand at the root, beside the rows.
DOCUMENTS: Mapping[str, tuple[str, Described]] = {
    "/.well-known/oauth-authorization-server": (
        "RFC 8414",
        Described(summary="What this server can do, and where", answer="ServerMetadata", refusals=(503,)),
    ),
    "/.well-known/openid-configuration": (
        "OpenID Connect Discovery",
        Described(summary="The same with what OpenID Connect adds", answer="ServerMetadata", refusals=(503,)),
    ),
    "/.well-known/oauth-protected-resource": (
        "RFC 9728",
        Described(summary="Which tokens the API takes", answer="ResourceMetadata", refusals=(404, 503)),
    ),
    "/.well-known/oauth-protected-resource/{path}": (
        "RFC 9728",
        Described(
            summary="Which tokens the resource at this path takes", answer="ResourceMetadata", refusals=(404, 503)
        ),
    ),
}

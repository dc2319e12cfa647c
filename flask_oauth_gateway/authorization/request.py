"""An authorization request: read and checked in RFC 6749's order (section 4.1.1), and how it is answered.

Until the client and its redirect URI are known to be right, an error is shown and redirects nowhere (`PageError`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ..clients.redirect_uris import is_registered
from ..errors import InvalidRequestError, InvalidScopeError, OAuth2Error, UnauthorizedClientError, clean
from ..permissions.scopes import resolve_scopes
from ..tokens.lifetimes import refresh_token_ends

if TYPE_CHECKING:
    from ..authorization_server import State
    from ..stores.clients import Client

RESPONSE_TYPES = {"code": "authorization_code", "token": "implicit"}
RESPONSE_MODES = ("query", "fragment", "form_post")
PROMPTS = ("none", "login", "consent", "select_account")
CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
MAX_STATE = 4096
OFFLINE_ACCESS = "offline_access"


class PageError(Exception):
    """An error before the redirect URI is known to be the client's: shown to the user, redirected nowhere."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


class AuthorizationError(OAuth2Error):
    """An error that the client gets, at its redirect URI (RFC 6749 section 4.1.2.1)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(clean(description), error=error)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """What the app's login is told: why somebody must sign in, and where to come back to, a path on this site."""

    return_to: str
    prompt: tuple[str, ...] = ()
    login_hint: str | None = None
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    client: Client | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a user granted: who, which scopes, until when, and how they signed in."""

    subject: str
    scopes: tuple[str, ...]
    lasts_until: int | None = None
    refreshable: bool = True
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """An authorization request whose client and redirect URI are right, with what it asks for."""

    client: Client
    redirect_uri: str
    redirect_uri_sent: bool
    state: str | None
    response_mode: str = "query"
    response_type: str = ""
    scopes: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()  # the resources that it asks for (RFC 8707); none: the default
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    prompt: tuple[str, ...] = ()
    login_hint: str | None = None
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()

    def answer(self, parameters: Mapping[str, Any], issuer: str) -> dict[str, str]:
        """The parameters of an answer or error, with `state` and `iss` (RFC 9207)."""
        answer = {name: str(value) for name, value in parameters.items() if value is not None}
        if self.state is not None:
            answer["state"] = self.state
        return answer | {"iss": issuer}

    def location(self, answer: Mapping[str, str]) -> str:
        """Where an answer is redirected to, in the query or the fragment."""
        if self.response_mode == "fragment":
            return f"{self.redirect_uri}#{urlencode(answer)}"
        return f"{self.redirect_uri}{'&' if '?' in self.redirect_uri else '?'}{urlencode(answer)}"


def read(state: State, pairs: list[tuple[str, str]]) -> tuple[Authorization, dict[str, str], set[str]]:
    """The client and where to answer it; with the parameters, and the names of repeated ones. Raises `PageError`."""
    data: dict[str, str] = {}
    repeated = set()
    for name, value in pairs:
        if value and name in data and name != "resource":
            repeated.add(name)
        elif value:
            data[name] = value
    for name in ("client_id", "redirect_uri"):
        if name in repeated:
            raise PageError("invalid_request", f"The parameter '{name}' is repeated.")
    client_id = data.get("client_id")
    if client_id is None:
        raise PageError("invalid_request", "The parameter 'client_id' is missing.")
    client = state.clients.load(client_id)
    if client is None or not client.enabled:
        raise PageError("invalid_client", "The application that sent you here is not known.")
    redirect_uri = data.get("redirect_uri")
    if redirect_uri is None and len(client.redirect_uris) != 1:
        raise PageError("invalid_request", "The parameter 'redirect_uri' is missing.")
    if redirect_uri is not None and not is_registered(redirect_uri, client):
        raise PageError(
            "invalid_request", "The address to send you back to is not one that is registered for the application."
        )
    asked = data.get("response_mode")
    mode = asked if asked in RESPONSE_MODES else "fragment" if data.get("response_type") == "token" else "query"
    authorization = Authorization(
        client=client,
        redirect_uri=redirect_uri or client.redirect_uris[0],
        redirect_uri_sent=redirect_uri is not None,
        state=None if "state" in repeated else data.get("state"),
        response_mode=mode,
        audience=tuple(value for name, value in pairs if name == "resource" and value),
    )
    return authorization, data, repeated


def check(state: State, authorization: Authorization, data: Mapping[str, str], repeated: set[str]) -> Authorization:
    """The rest of the request, checked. Raises an `OAuth2Error` for the client to get."""
    client, settings = authorization.client, state.settings
    if repeated:
        raise InvalidRequestError(f"The parameter '{clean(min(repeated), 40)}' is repeated.")
    if len(authorization.state or "") > MAX_STATE:
        raise InvalidRequestError(f"The parameter 'state' is longer than {MAX_STATE} characters.")
    response_type = data.get("response_type")
    if response_type is None:
        raise InvalidRequestError("The parameter 'response_type' is missing.")
    grant_type = RESPONSE_TYPES.get(response_type)
    if grant_type is None or grant_type not in settings.grant_types:
        raise AuthorizationError(
            "unsupported_response_type", f"The response type '{clean(response_type, 40)}' is not on here."
        )
    if not client.check_grant_type(grant_type) or (grant_type == "implicit" and not client.is_public):
        raise UnauthorizedClientError(f"This client is not registered for the response type '{response_type}'.")
    _check_response_mode(data.get("response_mode"), response_type)
    for name, error in (("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")):
        if name in data:
            raise AuthorizationError(error, f"The parameter '{name}' is not supported here.")
    challenge, method = _check_pkce(state, client, response_type, data)
    return replace(
        authorization,
        response_type=response_type,
        scopes=_resolve_scopes(state, client, data.get("scope")),
        audience=state.resources.resolve(authorization.audience),
        code_challenge=challenge,
        code_challenge_method=method,
        prompt=_check_prompt(data.get("prompt")),
        login_hint=data.get("login_hint"),
        max_age=_check_max_age(data.get("max_age")),
        acr_values=tuple(data.get("acr_values", "").split()),
    )


def _check_response_mode(mode: str | None, response_type: str) -> None:
    if mode is not None and mode not in RESPONSE_MODES:
        raise InvalidRequestError("The parameter 'response_mode' must be query, fragment or form_post.")
    if mode == "query" and response_type == "token":
        raise InvalidRequestError("A token is never sent in a query: use the response mode fragment or form_post.")


def _check_pkce(
    state: State, client: Client, response_type: str, data: Mapping[str, str]
) -> tuple[str | None, str | None]:
    """The code challenge and its method (RFC 7636 section 4.3). A challenge without a method would mean plain."""
    challenge, method = data.get("code_challenge"), data.get("code_challenge_method")
    if response_type != "code":
        return None, None
    if challenge is None:
        if method is not None:
            raise InvalidRequestError("The parameter 'code_challenge' is missing.")
        required = state.settings.require_pkce
        if required is True or (required == "public" and client.is_public):
            raise InvalidRequestError("The parameter 'code_challenge' is missing: this server asks for PKCE.")
        return None, None
    if (method or "plain") not in state.settings.pkce_methods:
        raise InvalidRequestError(
            f"The parameter 'code_challenge_method' must be {' or '.join(state.settings.pkce_methods)}."
        )
    if not CHALLENGE.fullmatch(challenge):
        raise InvalidRequestError("The 'code_challenge' must be 43 to 128 letters, digits, '-', '.', '_' and '~'.")
    return challenge, method or "plain"


def _check_prompt(value: str | None) -> tuple[str, ...]:
    prompt = tuple((value or "").split())
    for name in prompt:
        if name not in PROMPTS:
            raise InvalidRequestError(f"The prompt '{clean(name, 40)}' is not supported here.")
    if "none" in prompt and len(prompt) > 1:
        raise InvalidRequestError("The prompt 'none' goes with no other.")
    return prompt


def _check_max_age(value: str | None) -> int | None:
    if value is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise InvalidRequestError("The parameter 'max_age' is a number of seconds.")
    return int(value)


def _resolve_scopes(state: State, client: Client, asked: str | None) -> tuple[str, ...]:
    """The scopes asked for. OIDC's `offline_access` asks for a refresh token, and counts where the client may have one."""
    if asked is None or OFFLINE_ACCESS in state.settings.scopes:
        return resolve_scopes(asked, client, state.settings)
    names = [name for name in asked.split(" ") if name != OFFLINE_ACCESS]
    if not names:
        raise InvalidScopeError("The scope 'offline_access' alone gives access to nothing.")
    scopes = resolve_scopes(" ".join(names), client, state.settings)
    offline = OFFLINE_ACCESS in asked.split(" ") and refresh_token_ends(state, client) is not None
    return (*scopes, OFFLINE_ACCESS) if offline else scopes

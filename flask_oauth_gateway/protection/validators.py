"""Where a presented token is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..errors import InvalidToken, UnknownToken
from ..tokens import opaque
from ..users.accounts import load_user

if TYPE_CHECKING:
    from ..authorization_server import State
    from ..resource_server import Checker
    from ..tokens.access_token import AccessToken

MAX_TOKEN = 16384
JWT_START = "eyJ"  # '{"' in base64url


def is_jwt(token: str) -> bool:
    """Whether a token has the shape of a JWT."""
    return token.startswith(JWT_START) and token.count(".") == 2


def validate(state: Checker, token: str) -> AccessToken:
    """The token that was presented, found good. Raises `InvalidToken`; `TemporarilyUnavailable` where nobody can tell."""
    if len(token) > MAX_TOKEN:
        raise InvalidToken("The access token is too long.")
    found = _jwt(state, token) if is_jwt(token) else _opaque(state, token)
    if state.settings.check_user and found.subject is not None and found.issuer == state.users_from:
        _check_user(state, found.subject, found.client_id)
    if state.plans is not None and found.issuer is None:
        found = state.plans.of(found)
    return found


def _check_user(state: Checker, subject: str, client_id: str) -> None:
    if load_user(state, subject) is None:
        raise InvalidToken("The user of this access token is gone.", client_id)


def validate_own(state: State, token: str) -> AccessToken:
    """The same, of a token that this server issued: another's is unknown here. Raises `InvalidToken`."""
    found = validate(state, token)
    if found.issuer is not None:
        raise InvalidToken("The access token is not one of this server's.")
    return found


def _jwt(state: Checker, token: str) -> AccessToken:
    trusted = state.trusted_tokens
    found = None if trusted is None else trusted.read_jwt(token, state.token_cache)
    if found is not None:
        return found
    if not state.issues_tokens:
        raise InvalidToken("The access token's issuer is not trusted here.")
    return cast("State", state).read_jwt(token)


def _opaque(state: Checker, token: str) -> AccessToken:
    trusted = state.trusted_tokens
    if state.issues_tokens:
        try:
            return opaque.read(cast("State", state), token)
        except UnknownToken:
            if trusted is None or not trusted.can_ask:
                raise
    if trusted is None:  # not in an app that was set up: there one of the two is on
        raise UnknownToken("The access token is not known here.")
    return trusted.read_opaque(token, state.token_cache)

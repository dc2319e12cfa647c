"""Where a presented token is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import InvalidToken
from .tokens import opaque
from .users import load_user

if TYPE_CHECKING:
    from .extension import State
    from .tokens.access_token import AccessToken

MAX_TOKEN = 16384
JWT_START = "eyJ"  # '{"' in base64url


def is_jwt(token: str) -> bool:
    """Whether a token has the shape of a JWT."""
    return token.startswith(JWT_START) and token.count(".") == 2


def validate(state: State, token: str) -> AccessToken:
    """The token that was presented, found good. Raises `InvalidToken`."""
    if len(token) > MAX_TOKEN:
        raise InvalidToken("The access token is too long.")
    if is_jwt(token):
        from .tokens import jwt  # loaded by the first JWT: an app with opaque tokens never needs it

        found = jwt.read(state, token)
    else:
        found = opaque.read(state, token)
    if state.settings.check_user and found.subject is not None and load_user(state, found.subject) is None:
        raise InvalidToken("The user of this access token is gone.", found.client_id)
    return found

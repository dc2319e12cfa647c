"""The browser gets the access token directly (RFC 6749 section 4.2). For old apps only: new ones use authorization code."""

from __future__ import annotations

from .approval import ask
from .exchange import UnexpectedAnswer
from .walk import Getting, Held, Walk


def get(to: Walk) -> Getting:
    brought = yield from ask(to, "token")
    if "refresh_token" in brought:
        raise UnexpectedAnswer("there should be no refresh token in this flow")
    to.tell(
        "The token is in the fragment, behind the #, which a browser sends to no server; the app's script reads it there."
    )
    return Held(to.app_id, {"access_token": brought["access_token"], "scope": brought.get("scope", "")})

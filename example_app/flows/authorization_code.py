"""An app asks for a user's approval by way of their browser (RFC 6749 section 4.1, with PKCE: RFC 7636)."""

from __future__ import annotations

from .approval import approve
from .walk import Flow, Getting, Held, Walk


def get(to: Walk) -> Getting:
    return (yield from approve(to, untick="weather:write"))


def refusals(to: Walk, held: Held) -> Flow:
    title = "A code is good once. Whoever brings it again has stolen it …"
    answer = yield to.request(title, "POST", "/oauth/token", form=held.redeemed, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the refusal says why")

    title = "… so all that it gave has ended."
    answer = yield to.request(title, "GET", "/api/me", token=held.token, expect=401)
    to.check(answer.json["error"] == "invalid_token", "the token works no more")

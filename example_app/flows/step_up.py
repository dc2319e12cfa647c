"""A view wants more than a password: the app sends the user back, to sign in more strongly (RFC 9470)."""

from __future__ import annotations

import re

from .approval import approve
from .walk import Flow, Getting, Held, Walk

RESTART = "/api/station/restart"


def get(to: Walk) -> Getting:
    first = yield from approve(to)

    to.chapter("Sign in more strongly")
    title = "The token has the scope for it, but to restart the station takes more than a password."
    answer = yield to.request(title, "POST", RESTART, held=first, form={}, expect=401)
    asked = re.search(r'acr_values="([^"]+)"', answer.headers.get("WWW-Authenticate", ""))
    to.check(answer.json["error"] == "insufficient_user_authentication", "the refusal says why")
    to.check(asked is not None, "and it says what would do")
    to.tell("The app asks anew, with what the view asked for. The user types a code, too.")
    held = yield from approve(to, acr_values="" if asked is None else asked[1])
    title = "The new token says how the user signed in."
    answer = yield to.request(title, "POST", RESTART, held=held, form={})
    to.check(answer.json["restarted"] is True, "the station is restarted")
    held.redeemed |= {"first": first.token}
    return held


def refusals(to: Walk, held: Held) -> Flow:
    title = "The first token hasn't become stronger by that."
    answer = yield to.request(title, "POST", RESTART, token=held.redeemed["first"], form={}, expect=401)
    to.check(answer.json["error"] == "insufficient_user_authentication", "it still says that it was a password alone")

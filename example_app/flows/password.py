"""The user tells the app their password (RFC 6749 section 4.3). For old apps only: RFC 9700 forbids it."""

from __future__ import annotations

from .browser import PASSWORD, USERNAME
from .walk import Flow, Getting, Held, Walk


def get(to: Walk) -> Getting:
    form = asked(to, PASSWORD)
    answer = yield to.request("The app sends what alice typed into it.", "POST", "/oauth/token", form=form)
    to.check("refresh_token" in answer.json, "a refresh token comes with it: the app needn't keep the password")
    return Held(to.app_id, answer.json)


def refusals(to: Walk, held: Held) -> Flow:
    answer = yield to.request("A wrong password.", "POST", "/oauth/token", form=asked(to, "guessed"), expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the refusal doesn't say which of the two was wrong")


def asked(to: Walk, password: str) -> dict[str, str]:
    return {
        "grant_type": "password",
        "client_id": to.app_id,
        "username": USERNAME,
        "password": password,
        "scope": "weather:read",
    }

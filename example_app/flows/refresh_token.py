"""An app gets new access tokens without asking again (RFC 6749 section 6), and what a stolen refresh token sets off."""

from __future__ import annotations

from typing import Any

from .approval import approve
from .walk import Answer, Walk


def walk(to: Walk) -> None:
    to.tell("First, an approval: the authorization code flow.")
    _, first = approve(to)

    second = refresh(to, "The app asks for a new access token.", first).json
    to.check(second["refresh_token"] != first["refresh_token"], "there is a new refresh token with it: they rotate")

    answer = refresh(to, "It may ask for less, for this access token alone …", second, scope="weather:read")
    third = answer.json
    to.check(third["scope"] == "weather:read", "the access token has less")

    answer = refresh(to, "… but never for more than alice approved.", third, scope="weather:control", expect=400)
    to.check(answer.json["error"] == "invalid_scope", "the refusal says why")

    answer = refresh(to, "A refresh token is good once. Somebody comes with an old one …", first, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the refusal says why")

    answer = refresh(to, "… so the newest one is dead too: one of the two is a thief.", third, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the approval has ended")

    to.send("The access tokens are dead as well.", "GET", "/api/me", token=third["access_token"], expect=401)


def refresh(to: Walk, title: str, token: dict[str, Any], *, scope: str | None = None, expect: int = 200) -> Answer:
    form = {"grant_type": "refresh_token", "client_id": to.app_id, "refresh_token": token["refresh_token"]}
    if scope is not None:
        form["scope"] = scope
    return to.send(title, "POST", "/oauth/token", form=form, expect=expect)

"""An app gets new access tokens without asking the user again (RFC 6749 section 6); a refresh token is stolen."""

from __future__ import annotations

from .approval import approve
from .exchange import Step
from .walk import Flow, Getting, Held, Walk


def get(to: Walk) -> Getting:
    to.tell("First, an approval: the authorization code flow.")
    first = yield from approve(to)

    answer = yield refresh(to, "Later, the app asks for a new access token: the user needn't be there.", first.answer)
    rotated = answer.json["refresh_token"] != first.answer["refresh_token"]
    to.check(rotated, "there is a new refresh token with it: they rotate")
    return Held(to.app_id, answer.json, redeemed={"refresh_token": first.answer["refresh_token"]})


def refusals(to: Walk, held: Held) -> Flow:
    title = "The refresh token gives the next access token. It may ask for less, for this one alone …"
    less = held.scopes[0] if held.scopes else ""
    third = (yield refresh(to, title, held.answer, less)).json
    to.check(third["scope"] == less, "the access token has less")

    answer = yield refresh(to, "… but never for more than was approved.", third, "weather:control", expect=400)
    to.check(answer.json["error"] == "invalid_scope", "the refusal says why")

    answer = yield refresh(
        to, "A refresh token is good once. Somebody comes with an old one …", held.redeemed, expect=400
    )
    to.check(answer.json["error"] == "invalid_grant", "the refusal says why")

    answer = yield refresh(to, "… so the newest one is dead too: one of the two is a thief.", third, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the approval has ended")

    yield to.request("The access tokens are dead as well.", "GET", "/api/me", token=third["access_token"], expect=401)


def refresh(
    to: Walk, title: str, token: dict[str, str], scope: str = "", *, client_id: str = "", expect: int = 200
) -> Step:
    form = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    form["client_id"] = client_id or to.app_id
    if scope:
        form["scope"] = scope
    return to.request(title, "POST", "/oauth/token", form=form, expect=expect)

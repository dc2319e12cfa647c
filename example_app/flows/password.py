"""The user tells the app their password (RFC 6749 section 4.3). For old apps: RFC 9700 says that nobody should any more."""

from __future__ import annotations

from .browser import PASSWORD, USERNAME
from .walk import Walk


def walk(to: Walk) -> None:
    form = {"grant_type": "password", "client_id": to.app_id, "username": USERNAME, "password": PASSWORD}
    answer = to.send("The app sends what alice typed into it.", "POST", "/oauth/token", form=form)
    to.check("refresh_token" in answer.json, "a refresh token comes with it: the app needn't keep the password")
    token = answer.json["access_token"]

    answer = to.send("The token is alice's.", "GET", "/api/me", token=token)
    to.check(answer.json["subject"] == "alice", "the view knows whose it is")

    form = {**form, "password": "guessed"}
    answer = to.send("A wrong password.", "POST", "/oauth/token", form=form, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the refusal doesn't say which of the two was wrong")

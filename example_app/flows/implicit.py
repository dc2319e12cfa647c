"""The access token straight to the browser (RFC 6749 section 4.2). For old apps: today's use the authorization code flow."""

from __future__ import annotations

import secrets

from .approval import ask_alice, authorization_url
from .walk import Walk


def walk(to: Walk) -> None:
    state = secrets.token_urlsafe(16)
    brought = ask_alice(to, authorization_url(to, "token", state))
    to.check(brought["state"] == state, "the state is the one that the app sent")
    to.check("access_token" in brought, "the token is in the fragment, which a browser sends to no server")
    to.check("refresh_token" not in brought, "there is no refresh token in this flow")

    answer = to.send("The token is alice's.", "GET", "/api/me", token=brought["access_token"])
    to.check(answer.json["subject"] == "alice", "the view knows whose it is")

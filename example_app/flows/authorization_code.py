"""An app asks for a user's approval by way of their browser (RFC 6749 section 4.1, with PKCE: RFC 7636)."""

from __future__ import annotations

from .approval import approve
from .walk import Walk


def walk(to: Walk) -> None:
    redeemed, token = approve(to, leave_out=(("scope", "weather:write"),))
    to.check(token["scope"] == "weather:read", "the token has what alice left ticked")

    answer = to.send("The token is alice's.", "GET", "/api/me", token=token["access_token"])
    to.check(answer.json["subject"] == "alice", "the view knows whose it is")

    answer = to.send(
        "What she unticked, it can't do.", "POST", "/api/weather", token=token["access_token"], form={}, expect=403
    )
    to.check(answer.json["error"] == "insufficient_scope", "the refusal says why")

    answer = to.send(
        "A code is good once. Whoever brings it again has stolen it …",
        "POST",
        "/oauth/token",
        form=redeemed,
        expect=400,
    )
    to.check(answer.json["error"] == "invalid_grant", "the refusal says why")

    answer = to.send("… so what it gave is revoked.", "GET", "/api/me", token=token["access_token"], expect=401)
    to.check(answer.json["error"] == "invalid_token", "the token works no more")

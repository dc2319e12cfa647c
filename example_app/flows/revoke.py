"""A client gives a token back (RFC 7009)."""

from __future__ import annotations

from .walk import Walk


def walk(to: Walk) -> None:
    token = to.token()

    to.send("The token works.", "GET", "/api/weather", token=token)

    to.send("Its client gives it back.", "POST", "/oauth/revoke", client=True, form={"token": token})

    answer = to.send("It works no more.", "GET", "/api/weather", token=token, expect=401)
    to.check(answer.json["error"] == "invalid_token", "the refusal says why")

    answer = to.send("It isn't active.", "POST", "/oauth/introspect", client=True, form={"token": token})
    to.check(answer.json == {"active": False}, "nothing more is said")

    to.send(
        "Giving it back twice does no harm: the answer is the same.",
        "POST",
        "/oauth/revoke",
        client=True,
        form={"token": token},
    )

"""What a token is: asked by whoever holds it, and by an authenticated client (RFC 7662)."""

from __future__ import annotations

from .walk import Walk


def walk(to: Walk) -> None:
    token = to.token()

    answer = to.send("Whoever holds a token may ask what it is.", "GET", "/oauth/tokeninfo", token=token)
    to.check(answer.json["client_id"] == to.client_id, "it is this client's")
    to.check(answer.json["user_id"] is None, "no user takes part")

    answer = to.send("The same, with the token in the body.", "POST", "/oauth/tokeninfo", form={"access_token": token})
    to.check(answer.json["scope"] == "weather:read", "it has the scope")

    answer = to.send(
        "A client asks by introspection; it sees its own tokens.",
        "POST",
        "/oauth/introspect",
        client=True,
        form={"token": token},
    )
    to.check(answer.json["active"] is True, "the token is good")

    answer = to.send(
        "What isn't a token is an error to its holder …", "GET", "/oauth/tokeninfo", token="no-such-token", expect=400
    )
    to.check(answer.json["error"] == "invalid_token", "the refusal says why")

    answer = to.send(
        "… and just not active in an introspection.",
        "POST",
        "/oauth/introspect",
        client=True,
        form={"token": "no-such-token"},
    )
    to.check(answer.json == {"active": False}, "nothing more is said")

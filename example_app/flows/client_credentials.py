"""A client asks for a token of its own: no user takes part (RFC 6749 section 4.4)."""

from __future__ import annotations

from .walk import Walk


def walk(to: Walk) -> None:
    answer = to.send(
        "The client says who it is, and asks for a token.",
        "POST",
        "/oauth/token",
        client=True,
        form={"grant_type": "client_credentials", "scope": "weather:read"},
    )
    to.check(answer.json["token_type"] == "Bearer", "the token is a bearer token")
    to.check(answer.json["scope"] == "weather:read", "the answer names the scope that was given")
    token = answer.json["access_token"]

    answer = to.send("The token opens the protected view.", "GET", "/api/weather", token=token)
    to.check(answer.json["for"] == to.client_id, "the view knows which client is calling")

    to.send("Without a token the view stays shut.", "GET", "/api/weather", expect=401)

    answer = to.send("No user takes part, so this is nobody's token.", "GET", "/api/me", token=token, expect=403)
    to.check(answer.json["error"] == "insufficient_scope", "the refusal says why")

    answer = to.send(
        "A scope that isn't the client's is refused.",
        "POST",
        "/oauth/token",
        client=True,
        form={"grant_type": "client_credentials", "scope": "weather:control"},
        expect=400,
    )
    to.check(answer.json["error"] == "invalid_scope", "the refusal says why")

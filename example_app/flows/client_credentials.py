"""A client asks for a token for itself; no user takes part (RFC 6749 section 4.4)."""

from __future__ import annotations

from .walk import Flow, Getting, Held, Walk


def get(to: Walk) -> Getting:
    answer = yield to.request(
        "The client says who it is, and asks for a token.",
        "POST",
        "/oauth/token",
        client=True,
        form={"grant_type": "client_credentials", "scope": "weather:read"},
    )
    to.check(answer.json["token_type"] == "Bearer", "the token is a bearer token")
    to.check(answer.json["scope"] == "weather:read", "the answer names the scope that was given")
    return Held(to.client_id, answer.json, by_user=False)


def refusals(to: Walk, held: Held) -> Flow:
    title, form = "A scope that isn't the client's.", {"grant_type": "client_credentials", "scope": "weather:control"}
    answer = yield to.request(title, "POST", "/oauth/token", client=True, form=form, expect=400)
    to.check(answer.json["error"] == "invalid_scope", "the refusal says why")

    title, form = "A wrong secret.", {"grant_type": "client_credentials"}
    wrong = (to.client_id, "guessed")
    answer = yield to.request(title, "POST", "/oauth/token", client=wrong, form=form, expect=401)
    to.check(answer.json["error"] == "invalid_client", "the refusal doesn't say whether there is such a client")

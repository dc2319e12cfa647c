"""The holder of a token asks what it is, and so does an authenticated client (RFC 7662)."""

from __future__ import annotations

from . import client_credentials
from .walk import Flow, Held, Walk

get = client_credentials.get


def look_up(to: Walk, held: Held) -> Flow:
    """Ask about a good token in both ways."""
    answer = yield to.request("Whoever holds a token may ask what it is.", "GET", "/oauth/tokeninfo", held=held)
    to.check(answer.json["client_id"] == held.client_id, "it is this client's")
    user = answer.json["user_id"]
    to.check(user in to.users if held.by_user else user is None, "it says which user takes part, or that none does")

    title = "The API asks by introspection, with a secret of its own. (Any client may ask so for its own tokens.)"
    form = {"token": held.token}
    answer = yield to.request(title, "POST", "/oauth/introspect", client=to.api, form=form)
    to.check(answer.json["active"] is True, "the token is good")


def refusals(to: Walk, held: Held) -> Flow:
    yield from look_up(to, held)

    title, form = "The same question with the token in the body.", {"access_token": held.token}
    answer = yield to.request(title, "POST", "/oauth/tokeninfo", form=form)
    to.check(answer.json["scope"] == "weather:read", "it has the scope")

    title = "What isn't a token is an error to its holder …"
    answer = yield to.request(title, "GET", "/oauth/tokeninfo", token="no-such-token", expect=400)
    to.check(answer.json["error"] == "invalid_token", "the refusal says why")

    title, form = "… and just not active in an introspection.", {"token": "no-such-token"}
    answer = yield to.request(title, "POST", "/oauth/introspect", client=to.api, form=form)
    to.check(answer.json == {"active": False}, "nothing more is said")

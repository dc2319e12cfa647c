"""A client revokes its token (RFC 7009)."""

from __future__ import annotations

from . import client_credentials
from .walk import Flow, Held, Walk

get = client_credentials.get


def give_back(to: Walk, held: Held) -> Flow:
    """Revoke a token, and show what its client and the API then see."""
    form = {"token": held.token}
    yield to.request_as(held, "Its client gives it back.", "POST", "/oauth/revoke", form)

    answer = yield to.request("It works no more.", "GET", "/api/weather", held=held, expect=401)
    to.check(answer.json["error"] == "invalid_token", "the refusal says why")

    answer = yield to.request("It isn't active.", "POST", "/oauth/introspect", client=to.api, form=form)
    to.check(answer.json == {"active": False}, "nothing more is said")


def refusals(to: Walk, held: Held) -> Flow:
    yield from give_back(to, held)

    title = "Giving it back twice does no harm: the answer is the same."
    yield to.request_as(held, title, "POST", "/oauth/revoke", {"token": held.token})

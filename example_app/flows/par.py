"""An app hands its request over to the server first, and the browser carries only its name (RFC 9126)."""

from __future__ import annotations

from collections.abc import Callable

from .approval import Brought, approve, pkce
from .walk import Approval, Flow, Getting, Held, Walk

PAR = "/oauth/par"


def get(to: Walk) -> Getting:
    return (yield from approve(to, untick="weather:write", through=push))


def push(to: Walk, query: dict[str, str], *, credentials: Callable[[], dict[str, str]] = dict) -> Brought:
    """Hand a request over; returns what the browser carries instead of it."""
    title = "The app hands over all that it asks for, directly to the server. Nobody on the way can read or change it."
    answer = yield to.request(title, "POST", PAR, form={**query, **credentials()}, expect=201)
    uri = answer.json["request_uri"]
    to.check(uri.startswith("urn:ietf:params:oauth:request_uri:"), "it gets a name for it, which nobody can guess")
    return {"client_id": query["client_id"], "request_uri": uri}


def refusals(to: Walk, held: Held) -> Flow:
    used = next(each.url for each in reversed(to.story) if isinstance(each, Approval))
    answer = yield to.request("A name is good for one answer. Somebody brings it again.", "GET", used, expect=400)
    to.check(answer.json["error"] == "invalid_request_uri", "the request is used up")

    query = {
        "response_type": "code",
        "client_id": to.app_id,
        "redirect_uri": to.redirect_uri,
        "scope": "weather:read",
        **pkce("somebody's verifier"),
    }
    title = "A request is handed over …"
    uri = (yield to.request(title, "POST", PAR, form=query, expect=201)).json["request_uri"]
    title = "… and another client brings its name."
    path = f"/oauth/authorize?client_id=weather-tv&request_uri={uri}"
    answer = yield to.request(title, "GET", path, expect=400)
    to.check(answer.json["error"] == "invalid_request_uri", "a name is for the client that got it")

    title, form = (
        "An address that isn't the app's is refused here, before any user is asked.",
        {**query, "redirect_uri": "https://evil.example"},
    )
    answer = yield to.request(title, "POST", PAR, form=form, expect=400)
    to.check(answer.json["error"] == "invalid_request", "the app is told, and no browser is sent anywhere")

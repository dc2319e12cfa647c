"""A program that nobody registered here registers itself (RFC 7591), and looks after that itself (RFC 7592)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from .approval import approve
from .exchange import Step
from .walk import Flow, Getting, Held, Walk

NAME = "Weather assistant"


def get(to: Walk) -> Getting:
    to.tell("The program knows one address, the server's. The server's metadata say where a program may register.")
    title, only = "The program asks where everything is.", ("issuer", "registration_endpoint")
    about = (yield to.request(title, "GET", "/.well-known/oauth-authorization-server", only=only)).json

    registered = yield from register(to, about["registration_endpoint"])
    held = yield from approve(to, client_id=registered["client_id"], scope="weather:read")
    held.redeemed |= {name: registered[name] for name in ("registration_client_uri", "registration_access_token")}
    return held


def register(to: Walk, endpoint: str) -> Generator[Any, Any, dict[str, Any]]:
    """Register a program without a secret; returns what the server answers."""
    metadata = {
        "client_name": NAME,
        "redirect_uris": [to.redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
        "color": "blue",
    }
    answer = yield to.request("It says what it is. Nobody checks that.", "POST", endpoint, json=metadata, expect=201)
    registered: dict[str, Any] = answer.json
    to.check("client_id" in registered, "it has a client_id now")
    to.check("client_secret" not in registered, "it has no secret: it couldn't keep one")
    to.check("weather:read" in registered["scope"], "the answer says all that is registered, what it didn't say too")
    to.check("oauth:admin" not in registered["scope"], "there are scopes that no stranger gets")
    to.check(registered["redirect_uris"] == [to.redirect_uri], "codes go to its own address alone")
    return registered


def refusals(to: Walk, held: Held) -> Flow:
    endpoint = held.redeemed["registration_client_uri"]
    key = held.redeemed["registration_access_token"]
    for title, uri in (
        ("An address where anybody on the way could read the code.", "http://app.example/callback"),
        ("An address that is a script.", "javascript:alert(1)"),
    ):
        metadata = {"redirect_uris": [uri]}
        answer = yield to.request(title, "POST", "/oauth/register", json=metadata, expect=400)
        to.check(answer.json["error"] == "invalid_redirect_uri", "the refusal says why")

    answer = yield managed(to, "Its registration opens to the token that came with it.", "GET", endpoint, key)
    to.check(answer.json["client_name"] == NAME, "there it is")
    title = "Its access token is another thing."
    answer = yield managed(to, title, "GET", endpoint, held.token, expect=401)
    to.check(answer.json["error"] == "invalid_token", "the refusal doesn't say more")
    yield managed(to, "Who removes the program, removes its registration.", "DELETE", endpoint, key, expect=204)
    answer = yield managed(to, "So nobody finds it any more …", "GET", endpoint, key, expect=401)
    to.check(answer.json["error"] == "invalid_token", "the answer is the same as to a wrong token")
    title = "… and nothing that was given to it opens anything."
    yield to.request(title, "GET", "/api/weather", token=held.token, expect=401)


def managed(to: Walk, title: str, method: str, endpoint: str, token: str, *, expect: int = 200) -> Step:
    return to.request(title, method, endpoint, token=token, expect=expect)

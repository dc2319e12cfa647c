"""The answer that the browser brings back is signed: an app can tell that nobody has changed it (JARM)."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from .approval import Brought, approve, pkce, said_in
from .openid import opened as signed_by_the_server
from .use import read_jwt
from .walk import Flow, Getting, Held, Walk

KEYS = "/oauth/jwks"


def get(to: Walk) -> Getting:
    to.tell("The app asks for an answer that is a JWT (response_mode). All else is as ever.")
    return (yield from approve(to, untick="weather:write", response_mode="jwt", opened=opened))


def opened(to: Walk, brought: dict[str, str]) -> Brought:
    """Check an answer as an app must (section 2.4); returns what it says."""
    about = "The browser brings one parameter, a JWT. Nothing stands beside it that could be slipped in."
    to.tell(about, *read_jwt(brought["response"]), is_open=True)
    title = "The app fetches the server's public keys, and checks the answer."
    keys = (yield to.request(title, "GET", KEYS)).json["keys"]
    claims: dict[str, Any] = signed_by_the_server(brought["response"], keys)
    to.check(claims["iss"] == to.url, "this server signed it")
    to.check(claims["aud"] == to.app_id, "it is for this app")
    to.check(claims["exp"] > time.time(), "it is not too old")
    return {name: str(value) for name, value in claims.items()}


def refusals(to: Walk, held: Held) -> Flow:
    query = {
        "response_type": "code",
        "client_id": to.app_id,
        "redirect_uri": to.redirect_uri,
        "scope": "weather:control",
        "response_mode": "jwt",
        **pkce("the app's verifier"),
    }
    title = "An error is signed, too: nobody can make the app believe that the user refused."
    answer = yield to.request(title, "GET", f"/oauth/authorize?{urlencode(query)}", expect=(302, 303))
    said = said_in(dict(parse_qsl(urlsplit(answer.headers["Location"]).query)))
    to.check(said.get("error") == "invalid_scope", "the app is told why")

    title, query = "A mode that there isn't.", {**query, "response_mode": "xml"}
    answer = yield to.request(title, "GET", f"/oauth/authorize?{urlencode(query)}", expect=(302, 303))
    brought = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    to.check(brought.get("error") == "invalid_request", "the app is told that in the plain way")

"""How an app gets a user's approval: from the authorize endpoint by way of their browser (RFC 6749 section 4.1, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Generator
from typing import Any
from urllib.parse import urlencode

from .exchange import UnexpectedAnswer
from .walk import Approval, Getting, Held, Walk

Brought = Generator[Any, Any, dict[str, str]]


class Refused(UnexpectedAnswer):
    """The user or the server refused; the client gets an error instead of a code or token."""


def send(to: Walk, title: str, path: str, query: dict[str, str], *, task: str = "allow", untick: str = "") -> Brought:
    """Send the user's browser somewhere at the server; returns the parameters that it brings back."""
    state = query.get("state") or secrets.token_urlsafe(16)
    url = f"{path if '://' in path else to.url + path}?{urlencode({**query, 'state': state})}"
    brought: dict[str, str] = yield Approval(title, url, to.redirect_uri, state, task, untick)
    if brought.get("state") != state:
        raise UnexpectedAnswer("it should be that the state is the one that the app sent; it isn't")
    return brought


def ask(to: Walk, response_type: str, *, untick: str = "", **more: str) -> Brought:
    """Ask the user for their approval; returns what their browser brings back. Raises `Refused`."""
    query = {
        "response_type": response_type,
        "client_id": to.app_id,
        "redirect_uri": to.redirect_uri,
        "scope": "weather:read weather:write",
        "state": secrets.token_urlsafe(16),
        **more,
    }
    title = "The app sends the user's browser to the server."
    brought = yield from send(to, title, "/oauth/authorize", query, untick=untick)
    if brought.get("iss") != to.url:
        raise UnexpectedAnswer("it should be that the answer names this server (RFC 9207); it doesn't")
    if "error" in brought:
        raise Refused(f"the app is told {brought['error']}: {brought.get('error_description', '')}")
    return brought


def pkce(verifier: str) -> dict[str, str]:
    """Return the parameters by which a request is bound to a verifier (RFC 7636 section 4.3)."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return {"code_challenge": challenge, "code_challenge_method": "S256"}


def approve(to: Walk, untick: str = "", **more: str) -> Getting:
    """Walk through the whole authorization code flow; `untick` is a scope that the user may refuse, `more` is for the request.

    Another client than the app is named by `client_id`; a `resource` is named again where the code is redeemed.
    """
    client_id = more.get("client_id", to.app_id)
    verifier = secrets.token_urlsafe(32)
    challenge = pkce(verifier)
    to.tell(
        "The app makes up a secret for this one request, the verifier, and sends its hash along, the challenge: whoever"
        " steals the code lacks the verifier. It also makes up the state, to know its own answer by.",
        f"verifier:  {verifier}\nchallenge: {challenge['code_challenge']}",
    )
    brought = yield from ask(to, "code", untick=untick, **more, **challenge)
    to.tell("The state is the one that the app sent, and the answer names this server as its issuer. Both must be so.")
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": brought["code"],
        "redirect_uri": to.redirect_uri,
        "code_verifier": verifier,
    }
    if "resource" in more:
        form["resource"] = more["resource"]
    answer = yield to.request("The app redeems the code, and shows the verifier.", "POST", "/oauth/token", form=form)
    to.check(answer.json["token_type"] == "Bearer", "the token is a bearer token")
    return Held(client_id, answer.json, redeemed=form)

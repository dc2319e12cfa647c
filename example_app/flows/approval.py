"""How an app gets a user's approval: from the authorize endpoint by way of their browser (RFC 6749 section 4.1, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Generator
from typing import Any
from urllib.parse import urlencode

from .exchange import UnexpectedAnswer
from .keys import Key
from .use import decoded, read_jwt
from .walk import Approval, Getting, Held, Walk

Brought = Generator[Any, Any, dict[str, str]]
#: Takes a request, and returns what the browser carries of it.
Through = Callable[[Walk, dict[str, str]], Brought]


class Refused(UnexpectedAnswer):
    """The user or the server refused; the client gets an error instead of a code or token."""


def send(
    to: Walk, title: str, path: str, query: dict[str, str], *, state: str = "", task: str = "allow", untick: str = ""
) -> Brought:
    """Send the user's browser somewhere at the server; returns the parameters that it brings back.

    `state` is the one of a request that the server has already; otherwise it is part of the query.
    """
    if not state:
        state = query.get("state") or secrets.token_urlsafe(16)
        query = {**query, "state": state}
    url = f"{path if '://' in path else to.url + path}?{urlencode(query)}"
    brought: dict[str, str] = yield Approval(title, url, to.redirect_uri, state, task, untick)
    if said_in(brought).get("state") != state:
        raise UnexpectedAnswer("it should be that the state is the one that the app sent; it isn't")
    return brought


def said_in(brought: dict[str, str]) -> dict[str, str]:
    """Return what an answer says, also one that is a JWT. Nobody has checked that one's signature yet."""
    try:
        claims = json.loads(decoded(brought["response"].split(".")[1]))
    except (KeyError, IndexError, ValueError):
        return brought
    return {name: str(value) for name, value in claims.items()} if isinstance(claims, dict) else brought


def ask(
    to: Walk,
    response_type: str,
    *,
    untick: str = "",
    through: Through | None = None,
    opened: Through | None = None,
    **more: str,
) -> Brought:
    """Ask the user for their approval; returns what their browser brings back. Raises `Refused`.

    `through` is the way that the request takes, where not all of it goes through the browser as it is; `opened` reads what the
    browser brings, where that is not the answer itself.
    """
    query = {
        "response_type": response_type,
        "client_id": to.app_id,
        "redirect_uri": to.redirect_uri,
        "scope": "weather:read weather:write",
        "state": secrets.token_urlsafe(16),
        **more,
    }
    title = "The app sends the user's browser to the server."
    carried = query if through is None else (yield from through(to, query))
    brought = yield from send(to, title, "/oauth/authorize", carried, state=query["state"], untick=untick)
    brought = brought if opened is None else (yield from opened(to, brought))
    if brought.get("iss") != to.url:
        raise UnexpectedAnswer("it should be that the answer names this server (RFC 9207); it doesn't")
    if "error" in brought:
        raise Refused(f"the app is told {brought['error']}: {brought.get('error_description', '')}")
    return brought


def pkce(verifier: str) -> dict[str, str]:
    """Return the parameters by which a request is bound to a verifier (RFC 7636 section 4.3)."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return {"code_challenge": challenge, "code_challenge_method": "S256"}


def approve(
    to: Walk,
    untick: str = "",
    *,
    through: Through | None = None,
    opened: Through | None = None,
    key: Key | None = None,
    certificate: str | None = None,
    credentials: Callable[[], dict[str, str]] | None = None,
    **more: str,
) -> Getting:
    """Walk through the whole authorization code flow; `untick` is a scope that the user may refuse, `more` is for the request.

    Another client than the app is named by `client_id`; a `resource` is named again where the code is redeemed. `through` is
    the way that the request takes, `opened` reads the answer; `key` or `certificate` is what the token is to be bound to;
    `credentials` say who the client is.
    """
    client_id = more.get("client_id", to.app_id)
    verifier = secrets.token_urlsafe(32)
    challenge = pkce(verifier)
    to.tell(
        "The app makes up a secret for this one request, the verifier, and sends its hash along, the challenge: whoever"
        " steals the code lacks the verifier. It also makes up the state, to know its own answer by.",
        f"verifier:  {verifier}\nchallenge: {challenge['code_challenge']}",
    )
    brought = yield from ask(to, "code", untick=untick, through=through, opened=opened, **more, **challenge)
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
    sent = form if credentials is None else {**form, **credentials()}
    proof = None if key is None else prove(to, key, "POST", to.url + "/oauth/token")
    title = "The app redeems the code, and shows the verifier."
    answer = yield to.request(title, "POST", "/oauth/token", form=sent, proof=proof, certificate=certificate)
    kind = "Bearer" if key is None else "DPoP"
    to.check(
        answer.json["token_type"] == kind,
        "the token is a bearer token" if key is None else "the token is bound to the key",
    )
    return Held(client_id, answer.json, redeemed=form, key=key, certificate=certificate, credentials=credentials)


def prove(to: Walk, key: Key, method: str, url: str, token: str | None = None) -> str:
    """Make a proof, and take it apart."""
    proof = key.proof(method, url, token)
    to.tell("It signs a proof, for this one request:", *read_jwt(proof), is_open=True)
    return proof

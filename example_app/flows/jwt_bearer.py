"""A JWT that alice's company signs is traded for a token: no page, no password to the app (RFC 7523)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from .browser import PASSWORD, USERNAME
from .walk import Answer, Walk


def walk(to: Walk) -> None:
    form = {"username": USERNAME, "password": PASSWORD}
    answer = to.send("Alice signs in at her company's identity provider.", "POST", "/idp/jwt", form=form)
    assertion = answer.json["assertion"]
    header, payload, signature = assertion.split(".")
    to.tell(
        "It says, and signs, who she is, to whom it says so, and until when:\n\n"
        f"{decoded(header)}\n{decoded(payload)}\n{signature}"
    )

    answer = trade(to, "Her program trades that for a token. The signature is proof enough.", assertion)
    to.check(answer.json["token_type"] == "Bearer", "the token is a bearer token")
    to.check(answer.json["scope"] == "weather:read", "it is for what was asked")

    answer = to.send("The token is alice's.", "GET", "/api/me", token=answer.json["access_token"])
    to.check(answer.json["subject"] == "alice", "the view knows whose it is")

    answer = trade(to, "An assertion is good once.", assertion, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the refusal doesn't say why; the server's log does")

    forged = f"{header}.{encoded(decoded(payload).replace('alice', 'bob'))}.{signature}"
    answer = trade(to, "Somebody writes bob where alice stood: the signature doesn't fit.", forged, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the answer is the same")

    unsigned = f"{encoded(json.dumps({'alg': 'none'}))}.{payload}.{signature}"
    answer = trade(
        to, "Or says that it needs no signature: which key and algorithm count, the server knows.", unsigned, expect=400
    )
    to.check(answer.json["error"] == "invalid_grant", "the answer is the same")


def trade(to: Walk, title: str, assertion: str, *, expect: int = 200) -> Answer:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": assertion,
        "scope": "weather:read",
    }
    return to.send(title, "POST", "/oauth/token", form=form, expect=expect)


def decoded(part: str) -> str:
    """The JSON of a part of a JWT."""
    return urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

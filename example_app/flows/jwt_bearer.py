"""A program trades a JWT that alice's company signed for a token; there is no page, and the app sees no password (RFC 7523)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

from ..idp import CLIENT_ID
from .browser import PASSWORD, USERNAME
from .exchange import Step
from .use import decoded, read_jwt
from .walk import Flow, Getting, Held, Walk

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def get(to: Walk) -> Getting:
    form = {"username": USERNAME, "password": PASSWORD}
    answer = yield to.request("Alice signs in at her company's identity provider.", "POST", "/idp/jwt", form=form)
    assertion = answer.json["assertion"]
    to.tell("It says, and signs, who she is, to whom it says so, and until when:", *read_jwt(assertion))

    answer = yield trade(to, "Her program trades that for a token. The signature is proof enough.", assertion)
    to.check(answer.json["token_type"] == "Bearer", "the token is a bearer token")
    to.check(answer.json["scope"] == "weather:read", "it is for what was asked")
    return Held(CLIENT_ID, answer.json, redeemed={"assertion": assertion})


def refusals(to: Walk, held: Held) -> Flow:
    assertion = held.redeemed["assertion"]
    answer = yield trade(to, "An assertion is good once.", assertion, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the refusal doesn't say why; the server's log does")

    header, claims, signature = assertion.split(".")
    forged = f"{header}.{encoded(decoded(claims).replace('alice', 'bob'))}.{signature}"
    answer = yield trade(to, "Somebody writes bob where alice stood: the signature doesn't fit.", forged, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the answer is the same")

    unsigned = f"{encoded(json.dumps({'alg': 'none'}))}.{claims}.{signature}"
    title = "Or says that it needs no signature: which key and algorithm count, the server knows."
    answer = yield trade(to, title, unsigned, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the answer is the same")


def trade(to: Walk, title: str, assertion: str, *, expect: int = 200) -> Step:
    form = {"grant_type": GRANT_TYPE, "assertion": assertion, "scope": "weather:read"}
    return to.request(title, "POST", "/oauth/token", form=form, expect=expect)


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

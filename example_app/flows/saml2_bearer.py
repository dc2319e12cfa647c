"""An assertion that alice's company signs is traded for a token: no page, no password to the app (RFC 7522)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from .browser import PASSWORD, USERNAME
from .walk import Answer, Walk


def walk(to: Walk) -> None:
    form = {"username": USERNAME, "password": PASSWORD}
    answer = to.send("Alice signs in at her company's identity provider.", "POST", "/idp/saml", form=form)
    assertion = answer.json["assertion"]
    to.tell(f"It says in XML, and signs, who she is, to whom it says so, and until when:\n\n{decoded(assertion)}")

    answer = trade(to, "Her program trades that for a token. The signature is proof enough.", assertion)
    to.check(answer.json["token_type"] == "Bearer", "the token is a bearer token")
    to.check(answer.json["department"] == "Meteorology", "an attribute that the identity provider gave goes with it")

    answer = to.send("The token is alice's.", "GET", "/api/me", token=answer.json["access_token"])
    to.check(answer.json["subject"] == "alice", "the view knows whose it is")

    answer = trade(to, "An assertion is good once.", assertion, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the refusal doesn't say why; the server's log does")

    forged = urlsafe_b64encode(decoded(assertion).replace("alice", "bob").encode()).rstrip(b"=").decode()
    answer = trade(to, "Somebody writes bob where alice stood: the signature doesn't fit.", forged, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the answer is the same")


def trade(to: Walk, title: str, assertion: str, *, expect: int = 200) -> Answer:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "assertion": assertion,
        "scope": "weather:read",
    }
    return to.send(title, "POST", "/oauth/token", form=form, expect=expect)


def decoded(assertion: str) -> str:
    """The XML of an assertion."""
    return urlsafe_b64decode(assertion + "=" * (-len(assertion) % 4)).decode()

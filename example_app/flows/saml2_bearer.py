"""A program trades an assertion that alice's company signed for a token; the app sees no password (RFC 7522)."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from lxml import etree

from ..idp import CLIENT_ID
from .browser import PASSWORD, USERNAME
from .exchange import Step
from .use import decoded
from .walk import Flow, Getting, Held, Walk

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:saml2-bearer"


def get(to: Walk) -> Getting:
    form = {"username": USERNAME, "password": PASSWORD}
    answer = yield to.request("Alice signs in at her company's identity provider.", "POST", "/idp/saml", form=form)
    assertion = answer.json["assertion"]
    to.tell("It says in XML, and signs, who she is, to whom it says so, and until when:", indented(decoded(assertion)))

    answer = yield trade(to, "Her program trades that for a token. The signature is proof enough.", assertion)
    to.check(answer.json["token_type"] == "Bearer", "the token is a bearer token")
    to.check(answer.json["department"] == "Meteorology", "an attribute that the identity provider gave goes with it")
    return Held(CLIENT_ID, answer.json, redeemed={"assertion": assertion})


def refusals(to: Walk, held: Held) -> Flow:
    assertion = held.redeemed["assertion"]
    answer = yield trade(to, "An assertion is good once.", assertion, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the refusal doesn't say why; the server's log does")

    forged = urlsafe_b64encode(decoded(assertion).replace("alice", "bob").encode()).rstrip(b"=").decode()
    answer = yield trade(to, "Somebody writes bob where alice stood: the signature doesn't fit.", forged, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the answer is the same")


def trade(to: Walk, title: str, assertion: str, *, expect: int = 200) -> Step:
    form = {"grant_type": GRANT_TYPE, "assertion": assertion, "scope": "weather:read"}
    return to.request(title, "POST", "/oauth/token", form=form, expect=expect)


def indented(xml: str) -> str:
    """Return XML indented for people. Use it only to look at: the signature covers the original text."""
    root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True))
    text: str = etree.tostring(root, pretty_print=True, encoding="unicode")
    return text.rstrip()

"""How an app gets alice's approval: from the authorize endpoint by way of her browser (RFC 6749 section 4.1, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import urlencode

from .browser import Browser
from .walk import Walk

#: Nothing listens there: the script is the app, and looks at where the browser would go. A real one opens a port.
REDIRECT_URI = "http://127.0.0.1:9999/callback"


def authorization_url(to: Walk, response_type: str, state: str, **more: str) -> str:
    query = {
        "response_type": response_type,
        "client_id": to.app_id,
        "redirect_uri": REDIRECT_URI,
        "scope": "weather:read weather:write",
        "state": state,
        **more,
    }
    return f"/oauth/authorize?{urlencode(query)}"


def ask_alice(to: Walk, url: str, leave_out: tuple[tuple[str, str], ...] = ()) -> dict[str, str]:
    """Send alice's browser to the server; returns what it brings back."""
    browser = Browser(to, REDIRECT_URI)
    browser.open("The app opens alice's browser.", url)
    browser.sign_in()
    boxes = f", unticks {', '.join(value for _, value in leave_out)}" if leave_out else ""
    browser.submit(f"alice reads who asks for what{boxes}, and presses Allow.", leave_out=leave_out, decision="allow")
    to.check(bool(browser.brought), "the browser is sent back to the app")
    return browser.brought


def approve(to: Walk, leave_out: tuple[tuple[str, str], ...] = ()) -> tuple[dict[str, str], dict[str, Any]]:
    """The whole of the authorization code flow; returns what the code was redeemed with, and the answer."""
    verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    to.tell(
        "The app makes up a secret for this one request, the verifier, and sends its hash along: whoever steals the code"
        f" lacks the verifier.\n\nverifier:  {verifier}\nchallenge: {challenge}"
    )
    url = authorization_url(to, "code", state, code_challenge=challenge, code_challenge_method="S256")
    brought = ask_alice(to, url, leave_out)
    to.check(brought.get("state") == state, "the state is the one that the app sent")
    to.check(brought.get("iss") == to.url, "the answer names this server (RFC 9207)")
    form = {
        "grant_type": "authorization_code",
        "client_id": to.app_id,
        "code": brought["code"],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": verifier,
    }
    answer = to.send("The app redeems the code, and shows the verifier.", "POST", "/oauth/token", form=form)
    return form, answer.json

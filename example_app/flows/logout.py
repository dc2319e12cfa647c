"""A user signs out of an app, and so of the server and every other app (OpenID Connect RP-Initiated and Back-Channel Logout)."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any
from urllib.parse import urlencode

from .approval import approve, pkce, send
from .exchange import UnexpectedAnswer
from .openid import LEEWAY, discover, fetch_keys, opened
from .refresh_token import refresh
from .use import read_jwt
from .walk import Flow, Held, Walk

SCOPE = "openid weather:read"
PROVIDER = ("issuer", "authorization_endpoint", "token_endpoint", "end_session_endpoint", "jwks_uri")
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def walk(to: Walk) -> Flow:
    """Sign in, sign out with a proof, see what ended, and sign out without a proof."""
    to.chapter("Sign in")
    provider = yield from discover(to, PROVIDER)
    nonce = secrets.token_urlsafe(16)
    held = yield from approve(to, scope=SCOPE, nonce=nonce)
    keys = (yield from fetch_keys(to, provider))["keys"]
    claims = opened(held.answer["id_token"], keys)
    to.check(claims.get("nonce") == nonce, "the ID token is the answer to this app's own request")
    to.check(bool(claims.get("sid")), "it names the session: this user in this browser, at this app")
    if "weather:read" in held.scopes:
        yield to.request("The token opens the protected view.", "GET", "/api/weather", token=held.token)

    to.chapter("Sign out")
    query = {"id_token_hint": held.answer["id_token"], "post_logout_redirect_uri": to.redirect_uri}
    title = "The app forgets its user, and sends the browser to the server with the ID token, a proof of the sign-in."
    yield from send(to, title, provider["end_session_endpoint"], query, task="nothing")
    to.tell(
        "There was no question: only this app has that ID token, so this is no link that somebody wrote. The state came back."
    )
    yield from what_ended(to, held, claims, keys)

    to.chapter("What is refused")
    yield from approve(to, scope=SCOPE, nonce=secrets.token_urlsafe(16))
    query = {"client_id": to.app_id, "post_logout_redirect_uri": to.redirect_uri}
    title = "Without the ID token it may be anybody's link: the server asks the user."
    yield from send(to, title, provider["end_session_endpoint"], query, task="sign out")

    query = {"client_id": to.app_id, "post_logout_redirect_uri": "https://evil.example/"}
    title = "To an address that isn't registered the server sends nobody."
    yield to.request(title, "GET", f"{provider['end_session_endpoint']}?{urlencode(query)}", expect=400)


def what_ended(to: Walk, held: Held, claims: dict[str, Any], keys: Any) -> Flow:
    """See what the app's own server is told, and that the tokens and the sign-in are gone."""
    to.chapter("The app's server is told")
    title = "Meanwhile the server has called the app's own server, as that of every other app. (Here the playground has it.)"
    answer = yield to.request(title, "POST", "/playground/told", form={"sid": claims["sid"]})
    logout_token = answer.json["logout_token"]
    to.tell(
        "That is a logout token: a JWT as the ID token is, of another kind. It comes without the user's browser, so an app whose"
        " page nobody has open hears of it too.",
        *read_jwt(logout_token),
        is_open=True,
    )
    told = opened(logout_token, keys, kind="logout+jwt")
    to.check(told["iss"] == claims["iss"] and told["aud"] == claims["aud"], "it is this server's, and for this app")
    to.check(told["sid"] == claims["sid"] and told["sub"] == claims["sub"], "it names the session that has ended")
    to.check(EVENT in told["events"] and "nonce" not in told, "it says that a session ended, and nothing else")
    to.check(told["iat"] - LEEWAY < time.time() < told["exp"], "its time is now")

    to.chapter("What has ended")
    yield to.request("The access token works no more …", "GET", "/api/me", token=held.token, expect=401)
    answer = yield refresh(to, "… and the refresh token gets no other.", held.answer, expect=400)
    to.check(answer.json["error"] == "invalid_grant", "the refusal says why")
    query = {
        "response_type": "code",
        "client_id": to.app_id,
        "redirect_uri": to.redirect_uri,
        "scope": SCOPE,
        "prompt": "none",
    }
    title = "Is anybody still signed in, in this browser? The app asks without a page."
    challenge = pkce(secrets.token_urlsafe(32))
    brought = yield from send(to, title, "/oauth/authorize", query | challenge, task="nothing")
    if brought.get("error") != "login_required":
        raise UnexpectedAnswer(f"it should be that nobody is signed in; the app is told {json.dumps(brought)}")
    to.tell("login_required: nobody is. With the next sign-in begins another session.")

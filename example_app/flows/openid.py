"""An app signs its user in: an ID token says who that is (OpenID Connect Core section 3.1)."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from .approval import approve, pkce
from .exchange import UnexpectedAnswer
from .refresh_token import refresh
from .use import read_jwt
from .walk import Flow, Getting, Held, Walk

#: The scope `openid` makes it a sign-in; `profile` lets out the user's name.
SCOPE = "openid profile weather:read"
#: Claims that the app asks for by name, beside those of its scopes (section 5.5).
CLAIMS = {"id_token": {"auth_time": {"essential": True}, "email": None}}
#: What servers sign with unless the app registered another algorithm. The app decides what it takes, never the token.
ALGORITHM = "RS256"
LEEWAY = 60  # seconds that two clocks may be apart
#: What an app needs of the server's metadata.
PROVIDER = ("issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")


def get(to: Walk) -> Getting:
    provider = yield from discover(to)
    nonce = secrets.token_urlsafe(16)
    to.tell(
        "The app makes up another secret for this one request, the nonce. The server writes it into the ID token, so that the"
        " app can tell its own user's ID token from one that somebody slipped in.",
        f"nonce: {nonce}",
    )
    held = yield from approve(to, scope=SCOPE, nonce=nonce, claims=json.dumps(CLAIMS))

    to.chapter("Read the ID token")
    id_token = held.answer["id_token"]
    read(to, id_token)
    keys = (yield from fetch_keys(to, provider))["keys"]
    claims = opened(id_token, keys)
    to.check(True, "a key of this server signed the ID token, the one that its header names")
    check_claims(to, claims, nonce)
    to.check(claims.get("at_hash") == half_hash(held.token), "it belongs to the access token that came with it")
    to.check("auth_time" in claims, "it says when the user signed in, as the app asked")
    without = "there is no email address: the user kept it back"
    to.check(True, "the email address is in it: the app asked for it by name" if "email" in claims else without)

    to.chapter("Learn more of the user")
    title = "The name isn't in the ID token: the app asks for it, with the access token."
    user = (yield to.request(title, "GET", provider["userinfo_endpoint"], token=held.token)).json
    to.check(user["sub"] == claims["sub"], "it is about the user of the ID token: else the app would throw it away")

    to.chapter("Go on without the user")
    answer = (yield refresh(to, "With the next access token comes a new ID token.", held.answer)).json
    again = opened(answer["id_token"], keys)
    to.check(again["sub"] == claims["sub"], "it is about the same user")
    to.check(again.get("auth_time") == claims["auth_time"], "its auth_time is still that of the sign-in")
    to.check("nonce" not in again, "there is no nonce in it: no browser took part")
    return Held(to.app_id, answer, redeemed={"id_token": answer["id_token"]})


def refusals(to: Walk, held: Held) -> Flow:
    title = "An ID token opens nothing: it is for the app alone."
    answer = yield to.request(title, "GET", "/oauth/userinfo", token=held.redeemed["id_token"], expect=401)
    to.check(answer.json["error"] == "invalid_token", "the refusal says why")

    title, form = "The weather station's token is nobody's sign-in …", {"grant_type": "client_credentials"}
    token = (yield to.request(title, "POST", "/oauth/token", client=True, form=form)).json["access_token"]
    title = "… so the server tells it of no user."
    answer = yield to.request(title, "GET", "/oauth/userinfo", token=token, expect=403)
    to.check(answer.json["error"] == "insufficient_scope", "the refusal names the scope that is missing")

    query = {
        "response_type": "code",
        "client_id": to.app_id,
        "redirect_uri": to.redirect_uri,
        "scope": "openid",
        "prompt": "none",
        **pkce(secrets.token_urlsafe(32)),
    }
    title = "An app may ask whether somebody is signed in, without any page. In this browser nobody is."
    answer = yield to.request(title, "GET", f"/oauth/authorize?{urlencode(query)}", expect=(302, 303))
    brought = parse_qs(urlsplit(answer.headers["Location"]).query)
    to.check(brought.get("error") == ["login_required"], "the app is told that, and shows its own sign-in button")


def discover(to: Walk, only: tuple[str, ...] = PROVIDER) -> Generator[Any, Any, dict[str, str]]:
    """Read the server's metadata (Discovery section 4); returns them. `only` are those that matter here."""
    to.tell("An app that signs its users in here needs to know one address, the issuer. The server tells it the rest.")
    title = "The app asks where everything is. It does so once, and keeps the answer."
    answer = yield to.request(title, "GET", "/.well-known/openid-configuration", only=only)
    provider: dict[str, str] = answer.json
    to.check(provider["issuer"] == to.url, "the answer names the very issuer that was asked")
    return provider


def fetch_keys(to: Walk, provider: dict[str, str]) -> Generator[Any, Any, Any]:
    """Fetch the server's public keys; returns the key set."""
    title = "The app fetches the server's public keys, and checks the ID token with them."
    return (yield to.request(title, "GET", provider["jwks_uri"])).json


def read(to: Walk, id_token: str) -> None:
    """Take an ID token apart, which anybody can who holds it."""
    to.tell(
        "The ID token is a JWT: three parts with a dot between them. The first two are base64url of JSON: its header, and"
        " its claims, which are what the server says of the sign-in. The third is the signature. The app believes nothing of"
        " it before it has checked all of it.",
        *read_jwt(id_token),
        is_open=True,
    )


def opened(token: str, keys: Any, *, kind: str | None = None) -> dict[str, Any]:
    """Return the claims of a JWT of this kind that the server signed. Raises `UnexpectedAnswer` if it didn't."""
    try:
        found = jwt.decode(token, KeySet.import_key_set({"keys": keys}), algorithms=[ALGORITHM])
    except (JoseError, ValueError) as error:
        raise UnexpectedAnswer(f"the token isn't one of this server's: {error}") from error
    if found.header.get("typ") != kind:
        raise UnexpectedAnswer("the token is of another kind")
    return found.claims


def check_claims(to: Walk, claims: dict[str, Any], nonce: str) -> None:
    """Check what an app must (section 3.1.3.7)."""
    to.check(claims["iss"] == to.url, "it comes from this server")
    to.check(claims["aud"] == to.app_id, "it is for this app")
    to.check(claims.get("nonce") == nonce, "its nonce is the one that the app sent")
    to.check(claims["iat"] - LEEWAY < time.time() < claims["exp"], "its time is now")


def half_hash(text: str) -> str:
    """Return the left half of a text's SHA-256, as ID tokens name the tokens beside them (section 3.1.3.6)."""
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()

"""Another process whose people sign in to programs by OpenID Connect; a browser is a cookie that is handed about."""

from __future__ import annotations

import json
import secrets
from base64 import urlsafe_b64decode
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Flask, request, session
from werkzeug.http import parse_cookie

from tests.support.app import basic, bearer, build_app, gateway_of
from tests.support.other_process import PASSWORD, Person
from tests.support.site import REDIRECT_URI

CONFIG = {
    "OAUTH_OIDC": True,
    "OAUTH_GRANT_TYPES": ["authorization_code", "refresh_token", "implicit"],
    "OAUTH_REQUIRE_PKCE": False,
    "OAUTH_REVOCATION_POLL_SECONDS": 0,
    "OAUTH_RATE_LIMITS": None,
    "OAUTH_LOGIN_URL": "/login",
}


def build(config: dict[str, Any], folder: str) -> Flask:
    """An app whose users sign in by name; with `clear` it begins a new session of its own then."""
    app = build_app(**CONFIG | config, instance_path=folder)
    gateway = gateway_of(app)
    gateway.current_user(lambda: Person(session["user"]) if "user" in session else None)

    gateway.load_user(Person)

    @app.post("/login")
    def login() -> str:
        if request.form["clear"]:
            session.clear()
        session["user"] = request.form["user"]
        session.setdefault("csrf", secrets.token_hex())  # two browsers' cookies of one second aren't the same
        return ""

    @app.post("/logout")
    def logout() -> str:
        if "user" in session:
            gateway.sessions.end_of_browser(session["user"])
            session.pop("user")
        return ""

    return app


class SigningIn:
    """What such a process does. `create` makes the clients, once for all processes."""

    def __init__(self, config: dict[str, Any], folder: str) -> None:
        self.app = build(config, folder)
        self.gateway = gateway_of(self.app)
        self.http = self.app.test_client(use_cookies=False)

    def create(self, client_id: str, **metadata: Any) -> None:
        defaults: dict[str, Any] = {
            "client_secret": PASSWORD,
            "redirect_uris": [REDIRECT_URI],
            "scope": ["openid", "weather:read"],
            "skip_consent": True,
            "grant_types": ["authorization_code", "refresh_token", "implicit"],
        }
        self.gateway.clients.create(client_id=client_id, **defaults | metadata)

    def sign_in(self, cookie: str, person: str, *, clear: bool = False) -> str:
        """The browser's cookie afterwards."""
        return self._post("/login", cookie, user=person, clear="yes" if clear else "")

    def sign_out(self, cookie: str) -> str:
        return self._post("/logout", cookie)

    def authorize(self, cookie: str, client_id: str, scope: str = "openid weather:read", **more: str) -> Any:
        """The browser's cookie afterwards, and what the client gets."""
        asked = {"response_type": "code", "client_id": client_id, "redirect_uri": REDIRECT_URI, "scope": scope, **more}
        response = self.http.get("/oauth/authorize", query_string=asked, headers={"Cookie": cookie})
        assert response.status_code == 302, response.text
        parts = urlsplit(response.headers["Location"])
        return cookie_after(response, cookie), dict(parse_qsl(parts.query or parts.fragment))

    def sids_at_once(self, cookie: str, client_id: str, times: int) -> list[str]:
        """The `sid`s of so many sign-ins that begin together."""
        barrier = Barrier(times)

        def one() -> str:
            barrier.wait(30)
            _, found = self.authorize(cookie, client_id, response_type="id_token", nonce="n")
            return str(claims_in(found["id_token"])["sid"])

        with ThreadPoolExecutor(times) as pool:
            return [each.result() for each in [pool.submit(one) for _ in range(times)]]

    def exchange(self, client_id: str, code: str) -> dict[str, Any]:
        return self._token(client_id, grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI)

    def refresh(self, client_id: str, refresh_token: str) -> dict[str, Any]:
        return self._token(client_id, grant_type="refresh_token", refresh_token=refresh_token)

    def end(self, **which: str) -> int:
        return self.gateway.sessions.end(**which)

    def are_good(self, tokens: list[str]) -> list[bool]:
        return [self.http.get("/weather", headers=bearer(token)).status_code == 200 for token in tokens]

    def _post(self, path: str, cookie: str, **form: str) -> str:
        response = self.http.post(path, data=form, headers={"Cookie": cookie})
        assert response.status_code == 200, response.text
        return cookie_after(response, cookie)

    def _token(self, client_id: str, **form: str) -> dict[str, Any]:
        response = self.http.post("/oauth/token", data=form, headers=basic(client_id, PASSWORD))
        assert response.status_code in (200, 400), response.text
        found: dict[str, Any] = response.get_json()
        assert response.status_code == 200 or found["error"] == "invalid_grant", found
        return found


def claims_in(token: str) -> dict[str, Any]:
    """A JWT's claims, unchecked."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def cookie_after(response: Any, cookie: str) -> str:
    """A browser's cookie after a response."""
    for header in response.headers.getlist("Set-Cookie"):
        if header.startswith("session="):
            value = parse_cookie(header.partition(";")[0])["session"]
            return f"session={value}" if value else ""
    return cookie

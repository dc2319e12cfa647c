"""Two web apps sign alice in by Authlib's Flask client; she signs out of one, and the other hears of it by the back channel."""

from __future__ import annotations

import threading
import warnings
from contextlib import ExitStack
from typing import Any

import requests
from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, request, session, url_for
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import bare_app
from tests.support.serving import Server, Walker, serving

EVENT = "http://schemas.openid.net/event/backchannel-logout"


class RelyingApp:
    """A web app with sessions of its own, by the `sid` of their ID tokens."""

    def __init__(self, provider: Server, name: str, url: str) -> None:
        self.url, self.provider = url, provider
        self.people: dict[str, str] = {}  # `sid` to `sub`
        self.told = threading.Event()
        self.client: Client = provider.register(
            "authorization_code",
            client_name=name,
            redirect_uris=[f"{url}/callback"],
            post_logout_redirect_uris=[f"{url}/bye"],
            backchannel_logout_uri=f"{url}/backchannel?app={name}",
            scope="openid",
        )
        self.app = bare_app(name, SESSION_COOKIE_NAME=name)
        self.ours = OAuth(self.app).register(
            "ours",
            server_metadata_url=f"{provider.url}/.well-known/openid-configuration",
            client_id=self.client.client_id,
            client_secret=self.client.client_secret,
            client_kwargs={"scope": "openid", "code_challenge_method": "S256"},
        )
        views = (self.home, self.login, self.callback, self.logout, self.bye)
        for view in views:
            self.app.add_url_rule("/" if view == self.home else f"/{view.__name__}", view.__name__, view)
        self.app.add_url_rule("/backchannel", "backchannel", self.backchannel, methods=["POST"])

    def home(self) -> str:
        return f"Hello {self.people.get(session.get('sid', ''), 'stranger')}"

    def login(self) -> Any:
        return self.ours.authorize_redirect(url_for("callback", _external=True))

    def callback(self) -> Any:
        token = self.ours.authorize_access_token()
        session["sid"], session["id_token"] = token["userinfo"]["sid"], token["id_token"]
        self.people[token["userinfo"]["sid"]] = token["userinfo"]["sub"]
        return redirect("/")

    def logout(self) -> Any:
        self.people.pop(session.pop("sid"), None)
        return self.ours.logout_redirect(url_for("bye", _external=True), session.pop("id_token"), state="s t/1")

    def bye(self) -> str:
        self.ours.validate_logout_response()
        return "Bye"

    def backchannel(self) -> Any:
        """As Back-Channel Logout section 2.6 says."""
        keys = KeySet.import_key_set(requests.get(f"{self.provider.url}/oauth/jwks", timeout=20).json())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)
            token = jwt.decode(request.form["logout_token"], keys, algorithms=["RS256"])
        claims = token.claims
        assert token.header["typ"] == "logout+jwt"
        assert (claims["iss"], claims["aud"]) == (self.provider.url, self.client.client_id)
        assert (EVENT in claims["events"], "nonce" in claims, request.args["app"]) == (True, False, self.app.name)
        self.people.pop(claims["sid"], None)
        self.told.set()
        return "", 204


def test_one_sign_out_reaches_both_apps(provider: Server, alice: Walker) -> None:
    with ExitStack() as stack:
        apps: list[RelyingApp] = []
        for name in ("dashboard", "wiki"):

            def build(url: str, name: str = name) -> Flask:
                apps.append(RelyingApp(provider, name, url))
                return apps[-1].app

            stack.enter_context(serving(build))
        dashboard, wiki = apps
        for each in apps:
            assert alice.browse(f"{each.url}/login").text == "Hello alice"
        elsewhere = Walker("alice")
        with elsewhere.browser:
            assert elsewhere.browse(f"{wiki.url}/login").text == "Hello alice"
            assert alice.browse(f"{dashboard.url}/logout").text == "Bye", "without a question, and with the state"
            assert all(each.told.wait(20) for each in apps)
            assert [alice.browse(f"{each.url}/").text for each in apps] == ["Hello stranger"] * 2
            assert elsewhere.browse(f"{wiki.url}/").text == "Hello alice", "another browser's session goes on"
        page = alice.browser.get(f"{wiki.url}/login")
        assert 'name="password"' in page.text, "the provider asks for a password again"

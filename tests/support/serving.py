"""A server that real clients talk to over real HTTP, and the person who signs in to it and presses buttons."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from threading import Thread
from typing import Any
from urllib.parse import urljoin

import requests
from flask import Flask, redirect, request, session
from werkzeug.serving import make_server

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from tests.support.app import SCOPES, bare_app
from tests.support.site import Person

GRANT_TYPES = ("authorization_code", "client_credentials", "refresh_token", "device_code", "password", "implicit")
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
SIGN_IN = (
    '<form method="post"><input name="username"><input name="password" type="password"><button>Continue</button></form>'
)


USERS = {name: Person(name) for name in ("alice", "bob")}


def check_password(username: str, password: str) -> Person | None:
    return USERS.get(username) if username == password else None


def build_server(url: str, **config: Any) -> Flask:
    """An app with users, a page to sign in at, a gateway with every grant, and `GET /me`."""
    defaults = {
        "SESSION_COOKIE_NAME": "server",  # cookies know no ports: a client on this host has a "session" too
        "OAUTH_ISSUER": url,
        "OAUTH_GRANT_TYPES": GRANT_TYPES,
        "OAUTH_LOGIN_URL": "/login",
    }
    app = bare_app("server", **defaults | config)
    gateway = OAuthGateway(app)
    gateway.current_user(lambda: USERS.get(session.get("user", "")))
    gateway.load_user(USERS.get)
    gateway.check_password(check_password)
    gateway.logout(lambda: session.pop("user", None))

    @app.route("/login", methods=["GET", "POST"])
    def login() -> Any:
        if request.method == "GET":
            return SIGN_IN
        user = check_password(request.form["username"], request.form["password"])
        session.clear()
        session["user"] = user.id if user else ""
        return redirect(request.args["next"], 303)

    @app.get("/me")
    @require_token("weather:read")
    def me() -> dict[str, Any]:
        return {"client": current_token.client_id, "subject": current_token.subject}

    return app


@contextmanager
def serving(build: Callable[[str], Any], tls_host: str | None = None) -> Iterator[tuple[str, Any]]:
    """The app that `build` makes for an address, served there by a thread; the address, and the app.

    `tls_host`: the name in the address, which is https then, by a certificate that nobody signed.
    """
    made: list[Any] = []

    def app(environ: Any, start_response: Any) -> Any:
        return made[0](environ, start_response)

    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context="adhoc" if tls_host else None)
    url = f"https://{tls_host}" if tls_host else "http://127.0.0.1"
    url += f":{server.server_port}"
    made.append(build(url))
    thread = Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    try:
        yield url, made[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Server:
    """The running server, as a client's configuration knows it."""

    def __init__(self, url: str, app: Flask) -> None:
        self.url = url
        self.app = app
        self.me = f"{url}/me"
        self.authorize = f"{url}/oauth/authorize"
        self.token = f"{url}/oauth/token"
        self.revoke = f"{url}/oauth/revoke"
        self.introspect = f"{url}/oauth/introspect"
        self.device_authorization = f"{url}/oauth/device_authorization"
        self.device = f"{url}/oauth/device"

    def register(self, *grant_types: str, **metadata: Any) -> Any:
        """A new client; a public one where `client_secret` is `None`."""
        with self.app.app_context():
            clients = self.app.extensions["oauth_gateway"].clients
            return clients.create(**{"grant_types": list(grant_types), "scope": list(SCOPES)} | metadata)


class Form(HTMLParser):
    """The first form of a page: where it goes, and what it would send as it stands."""

    def __init__(self, page: requests.Response) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: list[tuple[str, str]] = []
        self._is_open = False
        self._url = page.url
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action, self._is_open = urljoin(self._url, about.get("action", "")), True
        elif tag == "input" and self._is_open and "name" in about and would_send(about):
            self.fields.append((about["name"], about.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_open = False


def would_send(box: dict[str, str]) -> bool:
    """Whether a form sends this field: a box only where it is ticked."""
    return box.get("type") not in ("checkbox", "radio") or "checked" in box


class Walker:
    """Somebody with a browser: keeps cookies, follows redirects on loopback, fills in forms."""

    def __init__(self, username: str) -> None:
        self.username = username
        self.browser = requests.Session()

    def approve(self, url: str, redirect_uri: str, *, without: tuple[str, ...] = (), decision: str = "allow") -> str:
        """Go to a client's authorization URL, sign in, decide; returns where the browser is sent then."""
        page = self._go("GET", url, redirect_uri)
        if isinstance(page, requests.Response) and 'name="password"' in page.text:
            code = {"code": "246810"} if 'name="code"' in page.text else {}  # as the example app's form says
            page = self._send(page, redirect_uri, username=self.username, password=self.username, **code)
        if isinstance(page, requests.Response):
            page = self._send(page, redirect_uri, without, decision=decision)
        assert isinstance(page, str), f"the browser is still at {page.url}: {page.text}"
        return page

    def browse(self, url: str, decision: str = "allow") -> requests.Response:
        """The same where the client is a web app itself: returns the page at the end of the way."""
        page = self._go("GET", url)
        for field, fields in (
            ("password", {"username": self.username, "password": self.username}),
            ("decision", {"decision": decision}),
        ):
            assert isinstance(page, requests.Response)
            if f'name="{field}"' in page.text:
                page = self._send(page, None, **fields)
        assert isinstance(page, requests.Response)
        return page

    def sign_out(self, url: str) -> None:
        """Open the server's own page for that, and press its button."""
        page: Any = self._go("GET", f"{url}/oauth/logout")
        page = self._send(page, None)
        assert "You are signed out" in page.text, page.text

    def connect_device(self, url: str, user_code: str, decision: str = "allow") -> requests.Response:
        """Open the device page, sign in, type the code, compare it, and decide."""
        page: Any = self._go("GET", url)
        if 'name="password"' in page.text:
            page = self._send(page, None, username=self.username, password=self.username)
        page = self._send(page, None, user_code=user_code)
        assert user_code in page.text
        return self._send(page, None, decision=decision)  # type: ignore[return-value]

    def _send(
        self, page: requests.Response, until: str | None, without: tuple[str, ...] = (), **fields: str
    ) -> requests.Response | str:
        form = Form(page)
        assert form.action is not None, f"there is no form at {page.url}: {page.text}"
        kept = [
            (name, value) for name, value in form.fields if name not in fields and (name, value) not in _scopes(without)
        ]
        return self._go("POST", form.action, until, [*kept, *fields.items()])

    def _go(
        self, method: str, url: str, until: str | None = None, form: list[tuple[str, str]] | None = None
    ) -> requests.Response | str:
        for _ in range(8):
            response = self.browser.request(method, url, data=form, allow_redirects=False)
            if not response.is_redirect:
                return response
            url = urljoin(url, response.headers["Location"])
            if until is not None and re.match(re.escape(until) + r"([?#]|$)", url):
                return url
            method, form = "GET", None
        raise AssertionError(f"redirected for ever, at last to {url}")


def _scopes(names: tuple[str, ...]) -> set[tuple[str, str]]:
    return {("scope", name) for name in names}

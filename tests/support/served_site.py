"""A small site with a sign-in page, a client that it sends people back to, and the steps that lead to each page."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, redirect, request, session, url_for
from markupsafe import escape
from werkzeug.serving import WSGIRequestHandler, make_server

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import bare_app, close_app, gateway_of
from tests.support.site import DEVICE_CODE, VERIFIER, Person, challenge_of

SCOPES = {
    "weather:read": "Read the weather of your places",
    "weather:write": "Correct what your weather station measured",
    "profile": "See your name",
}
PASSWORD = "right"

SIGN_IN = """<!doctype html><html lang="en"><title>Sign in</title><h1>Sign in</h1><form method="post">
<label>Name <input name="username" autofocus></label> <label>Password <input name="password" type="password"></label>
<button>Sign in</button></form>"""


class Quiet(WSGIRequestHandler):
    """Says nothing of each request."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        pass


class ServedSite:
    """The app, its address once it is served, and what it was told to have."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.gateway = gateway_of(app)
        self.url = ""
        self.callback = ""
        self.heard: list[dict[str, str]] = []
        self.sends_on: str | None = None  # where the callback sends the browser, instead of showing what it got

    def register(self, **metadata: Any) -> Client:
        defaults = {
            "client_name": "Weather station",
            "grant_types": ["authorization_code", "refresh_token", DEVICE_CODE],
            "redirect_uris": [self.callback],
            "post_logout_redirect_uris": [self.callback],
            "scope": ["openid", *SCOPES],
            "client_uri": "https://weather.example/about",
            "owner": "Example Weather Ltd",
            "policy_uri": "https://weather.example/privacy",
            "tos_uri": "https://weather.example/terms",
        }
        return self.gateway.clients.create(**defaults | metadata)

    def request_for(self, client: Client, **parameters: str) -> str:
        """The URL that a client sends its user to."""
        query = {
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uris[0],
            "response_type": "code",
            "state": "the state",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        return f"{self.url}/oauth/authorize?{urlencode(query | parameters)}"

    def start_device(self, client: Client) -> dict[str, Any]:
        """What a device gets that asks for codes."""
        with self.app.test_client() as device:
            credentials = {"client_id": client.client_id, "client_secret": client.client_secret}
            response = device.post("/oauth/device_authorization", data=credentials, base_url=self.url)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.get_json()
        return answer

    def token(self, client: Client, **form: str) -> dict[str, Any]:
        """The token endpoint's answer to a client."""
        credentials = {"client_id": client.client_id, "client_secret": client.client_secret}
        with self.app.test_client() as http:
            answer: dict[str, Any] = http.post("/oauth/token", data=credentials | form, base_url=self.url).get_json()
        return answer


def build_site(**config: Any) -> ServedSite:
    defaults = {
        "OAUTH_SCOPES": dict(SCOPES),
        "OAUTH_REQUIRED_SCOPES": ["profile"],
        "OAUTH_GRANT_TYPES": ["authorization_code", "refresh_token", "device_code"],
        "OAUTH_LOGIN_URL": "sign_in",
        "OAUTH_OIDC": True,
    }
    app = bare_app("site", **defaults | config)
    gateway = OAuthGateway(app)
    people = {name: Person(name) for name in ("alice", "bob")}
    gateway.current_user(lambda: people.get(session.get("user", "")))
    gateway.logout(lambda: session.pop("user", None))
    gateway.load_user(people.get)

    @app.route("/sign-in", methods=["GET", "POST"])
    def sign_in() -> Any:
        if request.form.get("password") == PASSWORD:
            session["user"] = request.form["username"]
            return redirect(request.args.get("next", "/"))
        return SIGN_IN

    @app.get("/")
    def home() -> str:
        return url_for("sign_in")

    return ServedSite(app)


@contextmanager
def served(site: ServedSite) -> Iterator[ServedSite]:
    """The site and the client's callback, each on a free port of this machine."""
    client = Flask("client")

    @client.route("/callback", methods=["GET", "POST"])
    def callback() -> Any:
        answer = request.values.to_dict()
        site.heard.append({"method": request.method, **answer})
        if site.sends_on is not None:
            return redirect(site.sends_on)
        lines = "".join(f"<li>{escape(name)}={escape(value)}</li>" for name, value in answer.items())
        return Response(f"<!doctype html><html lang=en><title>Back</title><ul>{lines}</ul>", mimetype="text/html")

    @client.get("/done")
    def done() -> str:
        return "<!doctype html><html lang=en><title>Done</title>"

    with _server(site.app) as site.url, _server(client) as at:
        site.callback = f"{at}/callback"
        yield site
    close_app(site.app)


@contextmanager
def _server(app: Flask) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet, fd=listening.fileno())
        thread = threading.Thread(
            target=server.serve_forever, args=[0.05], daemon=True
        )  # seconds until it sees shutdown()
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

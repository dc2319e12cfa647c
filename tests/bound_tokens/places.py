"""Every place that takes a token, each asked in one way: with the headers of a request, it answers with a status and headers."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from flask_oauth_gateway.tokens.issue import Issue
from tests.support.app import build_app, gateway_of, register, server_of

HOST = "http://localhost"
SCOPES = {"weather:read": "Read the weather", "metrics:read": "Read the metrics"}
RULES = [{"path": "/ruled", "scopes": ["weather:read"]}, {"path": "/files/*", "scopes": ["weather:read"]}]
Sent = Mapping[str, str]


class Answer(NamedTuple):
    status: int
    headers: Headers

    @property
    def challenge(self) -> str:
        return str(self.headers.get("WWW-Authenticate", ""))


class Places:
    """One app, with whatever takes tokens; `ask` sends a request with some headers to one of `PLACES`."""

    def __init__(self, **config: Any) -> None:
        settings: dict[str, Any] = {
            "OAUTH_SCOPES": SCOPES,
            "OAUTH_OIDC": True,
            "OAUTH_ADMIN": True,
            "OAUTH_FORWARD_AUTH": True,
            "OAUTH_METRICS": "metrics:read",
            "OAUTH_PROTECT": RULES,
            "OAUTH_RATE_LIMITS": None,
        }
        self.app = build_app(**settings | config)
        gateway = gateway_of(self.app)
        gateway.load_user({"alice": "Alice"}.get)
        add_views(self.app, gateway)
        mounted = gateway.wsgi(told_by_wsgi, "weather:read")
        self.http = Client(DispatcherMiddleware(self.app.wsgi_app, {"/mounted": mounted}))
        self.asgi = gateway.asgi(told_by_asgi, "weather:read")

    def token(self, cnf: Any, place: str = "view") -> str:
        """A token that is bound to a key, such as the place takes."""
        if place == "management API":
            return self.mint(self.app, cnf, scopes=("oauth:admin",), subject=None, grant_type="client_credentials")
        return self.mint(self.app, cnf, scopes=("weather:read", "openid", "metrics:read"))

    @staticmethod
    def mint(app: Flask, cnf: Any, client_id: str | None = None, **how: Any) -> str:
        """A token that is bound to a key, without the request by which a client would get it."""
        server = server_of(app)
        client = server.clients.load(client_id or register(app, scope=None).client_id)
        claims = {} if cnf is None else {"cnf": cnf}
        issue = Issue(client=client, claims=claims, **{"grant_type": "direct", "subject": "alice"} | how)
        return str(server.issuing.issue(issue)["access_token"])

    def ask(self, place: str, headers: Sent, address: str = "127.0.0.1") -> Answer:
        method, path, send = PLACES[place]
        return send(self, method, path, headers, address)


def add_views(app: Flask, gateway: OAuthGateway) -> None:
    from flask import Blueprint
    from flask.views import MethodView

    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.get("/later")
    @require_token("weather:read")
    async def later() -> str:
        return current_token.client_id

    class Station(MethodView):
        decorators = (require_token("weather:read"),)

        def put(self) -> str:
            return current_token.client_id

    app.add_url_rule("/station", view_func=Station.as_view("station"))
    blueprint = Blueprint("blue", __name__, url_prefix="/blue")
    gateway.protect(blueprint, "weather:read")
    blueprint.add_url_rule("/sky", "sky", lambda: current_token.client_id)
    app.register_blueprint(blueprint)
    app.add_url_rule("/ruled", "ruled", lambda: current_token.client_id)

    @app.get("/twice")
    @require_token("weather:read")
    def twice() -> str:
        return guarded_again()

    @require_token
    def guarded_again() -> str:
        return current_token.client_id


def told_by_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(environ["oauth.client_id"]).encode()]


async def told_by_asgi(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["state"]["oauth_token"].client_id.encode()})


def _direct(places: Places, method: str, path: str, headers: Sent, address: str) -> Answer:
    got = places.http.open(path, method=method, headers=dict(headers), environ_overrides={"REMOTE_ADDR": address})
    return Answer(got.status_code, got.headers)


def _asked_by_nginx(places: Places, method: str, path: str, headers: Sent, address: str) -> Answer:
    asked = {**headers, "X-Original-URI": f"{path}?day=1", "X-Original-Method": method}
    return _direct(places, "GET", "/oauth/verify", asked, address)


def _asked_by_url(places: Places, method: str, path: str, headers: Sent, address: str) -> Answer:
    asked = {**headers, "X-Forwarded-Uri": path, "X-Forwarded-Method": method}
    return _direct(places, "GET", "/oauth/verify?scope=weather:read", asked, address)


def _asked_by_envoy(places: Places, method: str, path: str, headers: Sent, address: str) -> Answer:
    return _direct(places, method, f"/oauth/verify{path}", headers, address)


def _by_asgi(places: Places, method: str, path: str, headers: Sent, address: str) -> Answer:
    fields = {"host": "localhost", **headers}
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
        "client": (address, 50000),
        "server": ("localhost", 80),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(places.asgi(scope, receive, send))
    told = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    return Answer(sent[0]["status"], Headers(told))


Ask = Callable[[Places, str, str, Sent, str], Answer]
#: The method and the path for which a proof is made, and how the place is asked.
PLACES: dict[str, tuple[str, str, Ask]] = {
    "view": ("GET", "/weather", _direct),
    "async view": ("GET", "/later", _direct),
    "view class": ("PUT", "/station", _direct),
    "view checked twice": ("GET", "/twice", _direct),
    "blueprint": ("GET", "/blue/sky", _direct),
    "path of OAUTH_PROTECT": ("GET", "/ruled", _direct),
    "WSGI application": ("POST", "/mounted/any", _direct),
    "ASGI application": ("POST", "/any", _by_asgi),
    "tokeninfo": ("GET", "/oauth/tokeninfo", _direct),
    "userinfo": ("GET", "/oauth/userinfo", _direct),
    "metrics": ("GET", "/oauth/metrics", _direct),
    "management API": ("GET", "/oauth/admin/api/clients", _direct),
    "forward auth by path": ("DELETE", "/files/june", _asked_by_nginx),
    "forward auth by URL": ("POST", "/files/june", _asked_by_url),
    "forward auth of Envoy": ("PATCH", "/files/june", _asked_by_envoy),
}

"""Plain helpers for tests, no fixtures: import what you need."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from blinker import Signal
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from flask_oauth_gateway.authorization_server import AuthorizationServer
from flask_oauth_gateway.stores.registered_client import Client
from flask_oauth_gateway.web.environ import SERVER

SCOPES = {"weather:read": "Read the weather", "weather:write": "Change the weather"}
DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 5.2


#: Builds apps on a test's database, as `build_app` does; takes configuration.
MakeApp = Callable[..., Flask]


def bare_app(name: str, **config: Any) -> Flask:
    """An app as all of them begin, without a gateway.

    `instance_path` and `template_folder` go to Flask, everything else is configuration.
    """
    here = Path.cwd()  # where Flask ends up too, after it has looked everywhere for a module of that name
    folders = {"root_path": str(here), "instance_path": str(here / "instance")}
    folders |= {each: config.pop(each) for each in ("instance_path", "template_folder") if each in config}
    app = Flask(name, **folders)
    app.config.update({"SECRET_KEY": "only for tests", "OAUTH_SCOPES": dict(SCOPES)} | config)
    return app


def build_app(**config: Any) -> Flask:
    """An app with a gateway and one protected view, `GET /weather` for `weather:read`; takes what `bare_app` takes."""
    app = bare_app("weather", **{"TESTING": True} | config)
    OAuthGateway(app)
    add_weather(app)
    return app


def add_weather(app: Flask) -> None:
    @app.get("/weather")
    @require_token("weather:read")
    def weather() -> dict[str, str]:
        return {"for": current_token.client_id}


def server_of(app: Flask) -> AuthorizationServer:
    """The parts that an app's authorization server is made of."""
    server: AuthorizationServer = app.extensions[SERVER]
    return server


def close_app(app: Flask) -> None:
    """Let go of the database: a connection left open is a warning, and thus a failure, of a later test."""
    server_of(app).close()


def gateway_of(app: Flask) -> OAuthGateway:
    gateway: OAuthGateway = app.extensions["oauth_gateway"]
    return gateway


def basic(client_id: str, client_secret: str | None) -> dict[str, str]:
    """The header of client_secret_basic: both parts form-encoded, as RFC 6749, section 2.3.1 asks."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret or '')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    """The header that presents an access token."""
    return {"Authorization": f"Bearer {token}"}


def token_for(client: FlaskClient, registered: Client, **parameters: str) -> dict[str, Any]:
    """The token endpoint's answer to `registered`, by default to its client credentials; no error."""
    data = {"grant_type": "client_credentials", **parameters}
    headers = basic(registered.client_id, registered.client_secret)
    response = client.post("/oauth/token", data=data, headers=headers)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.get_json()
    return answer


def register(app: Flask, **metadata: Any) -> Client:
    """A new client, by default a confidential one with both scopes and client_credentials."""
    defaults = {"grant_types": ["client_credentials"], "scope": list(SCOPES)}
    return gateway_of(app).clients.create(**defaults | metadata)


def register_public(app: Flask, **metadata: Any) -> Client:
    """A new client that can't keep a secret."""
    return register(app, **{"grant_types": [], "token_endpoint_auth_method": "none"} | metadata)


def ask(client: FlaskClient, registered: Client, **parameters: Any) -> TestResponse:
    """The token endpoint's response to `registered`, by default to its client credentials."""
    data = {"grant_type": "client_credentials", **parameters}
    return client.post("/oauth/token", data=data, headers=basic(registered.client_id, registered.client_secret))


def refusal(response: TestResponse, status: int, error: str) -> str:
    """The sentence of an error answer, which is first seen to be in the one form that errors have."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    body = response.get_json()
    assert set(body) == {"error", "error_description"}
    assert body["error"] == error
    assert DESCRIPTION.fullmatch(body["error_description"])
    return str(body["error_description"])


def is_accepted(client: FlaskClient, token: str) -> bool:
    """Whether the protected view takes the token."""
    response = client.get("/weather", headers=bearer(token))
    assert response.status_code in (200, 401), response.text
    return response.status_code == 200


@contextmanager
def recorded(signal: Signal, app: Flask) -> Iterator[list[dict[str, Any]]]:
    """The payloads that a signal of an app carries meanwhile."""
    payloads: list[dict[str, Any]] = []

    def receive(sender: Flask, **payload: Any) -> None:
        payloads.append(payload)

    with signal.connected_to(receive, sender=app):
        yield payloads

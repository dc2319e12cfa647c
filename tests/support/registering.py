"""Programs that register clients by themselves, as the tests do it."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import bearer, server_of

CALLBACK = "https://app.example/cb"
NATIVE: dict[str, Any] = {"redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"}
OPEN: dict[str, Any] = {"OAUTH_REGISTRATION": "open", "OAUTH_RATE_LIMITS": None}


def register(http: FlaskClient, *, token: str | None = None, **metadata: Any) -> TestResponse:
    """Register a client; `token`: an initial access token."""
    return http.post("/oauth/register", json=metadata, headers={} if token is None else bearer(token))


def registered(http: FlaskClient, **metadata: Any) -> dict[str, Any]:
    """What the answer says, where the client is registered."""
    response = register(http, **metadata)
    assert response.status_code == 201, response.text
    assert response.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = response.get_json()
    return found


def manage(
    http: FlaskClient, method: str, found: dict[str, Any], token: str | None = None, **json: Any
) -> TestResponse:
    """Ask the address of a registration, with its own token or another."""
    path = found["registration_client_uri"].removeprefix("http://localhost")
    headers = bearer(found["registration_access_token"] if token is None else token)
    return http.open(path, method=method, headers=headers, json=json or None)


def refused(response: TestResponse, error: str, status: int = 400) -> str:
    """The description of an error, in the form that all have."""
    found = response.get_json()
    assert (response.status_code, found["error"]) == (status, error), response.text
    assert found.keys() == {"error", "error_description"}
    description: str = found["error_description"]
    return description


def stored(app: Flask, found: dict[str, Any]) -> Client | None:
    """The client as it is stored now."""
    return server_of(app).clients.load(found["client_id"])


def as_client(app: Flask, found: dict[str, Any]) -> Client:
    """The client, with the secret that the answer told."""
    client = stored(app, found)
    assert client is not None
    return client.with_secret(found["client_secret"]) if "client_secret" in found else client

"""The demo's clients. Each start gives them a new secret: the old one is stored as a hash, so nobody could print it."""

from __future__ import annotations

from typing import Any

from flask import Flask

from flask_oauth_gateway import OAuthGateway

#: What is registered, by client_id.
CLIENTS: dict[str, dict[str, Any]] = {
    "weather-station": {
        "client_name": "Weather station",
        "grant_types": ["client_credentials"],
        "scope": "weather:read",
    },
}


def seed(app: Flask) -> dict[str, str]:
    """Register the clients, or bring them up to date; returns the secret of each by its client_id.

    No secret stands in the code, where it would be good on every machine that ever ran the demo.
    """
    gateway: OAuthGateway = app.extensions["oauth_gateway"]
    secrets = {}
    with app.app_context():
        for client_id, registration in CLIENTS.items():
            if gateway.clients.get(client_id) is None:
                client = gateway.clients.create(client_id=client_id, **registration)
            else:
                gateway.clients.update(client_id, enabled=True, **registration)
                client = gateway.clients.rotate_secret(client_id)
            secrets[client_id] = client.client_secret or ""
    return secrets

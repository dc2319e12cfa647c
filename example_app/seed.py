"""The demo's clients. Each start makes new secrets: of the old ones there are only hashes, so nobody could print them."""

from __future__ import annotations

from typing import Any

from flask import Flask

from flask_oauth_gateway import OAuthGateway

from . import idp, spa
from .clients import tv, web_app

STATION: dict[str, Any] = {
    "client_name": "Weather station",
    "grant_types": ["client_credentials"],
    "scope": "weather:read",
}
#: The app on a user's phone or computer, which `python -m example_app.flows` and the playground play.
APP: dict[str, Any] = {
    "client_name": "Weather app",
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token", "device_code", "password", "implicit"],
    "scope": "weather:read weather:write",
    "redirect_uris": ["http://127.0.0.1/callback", "http://127.0.0.1/playground/callback"],
}

#: The registrations, by client_id.
CLIENTS: dict[str, dict[str, Any]] = {
    "weather-station": STATION,
    "weather-station-jwt": STATION | {"client_name": "Weather station with JWTs", "access_token_format": "jwt"},
    "weather-app": APP,
    "weather-app-jwt": APP | {"client_name": "Weather app with JWTs", "access_token_format": "jwt"},
    "weather-api": {  # the resource server, which may look up every token
        "client_name": "Weather API",
        "grant_types": [],
        "resource_server": True,
    },
    web_app.CLIENT_ID: {
        "client_name": "Weather board",
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": web_app.SCOPE,
        "redirect_uris": ["http://127.0.0.1/client/callback", "http://localhost/client/callback"],  # any port
    },
    spa.CLIENT_ID: {
        "client_name": "Weather page",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code"],
        "scope": "weather:read weather:write",
        "redirect_uris": ["http://127.0.0.1/spa", "http://localhost/spa"],
    },
    tv.CLIENT_ID: {
        "client_name": "Television",
        "token_endpoint_auth_method": "none",
        "grant_types": ["device_code", "refresh_token"],
        "scope": "weather:read",
    },
    idp.CLIENT_ID: {  # for anybody with an assertion of the identity provider: its signature is enough
        "client_name": "Weather partner",
        "token_endpoint_auth_method": "none",
        "grant_types": ["jwt_bearer", "saml2_bearer"],
        "scope": "weather:read",
    },
}


def seed(app: Flask) -> dict[str, str]:
    """Register the clients, or bring them up to date; returns the secrets of those that have one, by client_id.

    The code holds no secret: such a secret would be good on every machine that ever ran the demo.
    """
    gateway: OAuthGateway = app.extensions["oauth_gateway"]
    secrets = {}
    with app.app_context():
        for client_id, registration in CLIENTS.items():
            is_public = registration.get("token_endpoint_auth_method") == "none"
            if gateway.clients.get(client_id) is None:
                client = gateway.clients.create(client_id=client_id, **registration)
            else:
                client = gateway.clients.update(client_id, enabled=True, **registration)
                if not is_public:
                    client = gateway.clients.rotate_secret(client_id)
            if not is_public:
                secrets[client_id] = client.client_secret or ""
    return secrets

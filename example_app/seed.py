"""The demo's clients. Their secrets follow from the folder's `SECRET_KEY`, so all servers on its data have the same."""

from __future__ import annotations

import hmac
from typing import Any

from flask import Flask

from flask_oauth_gateway import ClientMetadataError, OAuthGateway

from . import idp, spa
from .clients import tv, web_app
from .flows.walk import REDIRECT_URI

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
    "scope": "openid profile email weather:read weather:write",
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


#: Those of whom users are told that it is known here who makes them.
VERIFIED = (web_app.CLIENT_ID, tv.CLIENT_ID)
#: How long secrets live on that somebody else has made: seconds.
OVERLAP = 86400
#: How many addresses of servers that were started before, on other ports, a client keeps.
MOST_ADDRESSES = 20


def sign_out_addresses(client_id: str, url: str) -> dict[str, Any]:
    """Return where the clients of this demo hear of sign-outs, and where browsers go after one. These have a port."""
    path = {"weather-app": "playground", "weather-app-jwt": "playground", web_app.CLIENT_ID: "client"}.get(client_id)
    if path is None:
        return {}
    back = "signed-out" if path == "client" else "callback"
    after = [f"{url}/{path}/{back}", f"{url.replace('127.0.0.1', 'localhost')}/{path}/{back}"]
    return {
        "backchannel_logout_uri": f"{url}/{path}/backchannel-logout",
        "backchannel_logout_session_required": True,
        "post_logout_redirect_uris": [*after, *([REDIRECT_URI] if path == "playground" else [])],
    }


def seed(app: Flask) -> dict[str, str]:
    """Register the clients, or bring them up to date; returns the secrets of those that have one, by client_id.

    A server that was started before, on another port, goes on: no secret changes that is still good. It may also be just
    registering them itself. Of sign-outs the clients of the one that was started last are told.
    """
    gateway: OAuthGateway = app.extensions["oauth_gateway"]
    secrets, url = {}, app.config.get("OAUTH_ISSUER")
    with app.app_context():
        for client_id, registered in CLIENTS.items():
            registration = registered | (sign_out_addresses(client_id, url) if url else {})
            is_public = registration.get("token_endpoint_auth_method") == "none"
            secret = None if is_public else secret_of(app, client_id)
            known = gateway.clients.get(client_id)
            if known is None:
                try:
                    gateway.clients.create(client_id=client_id, client_secret=secret, **registration)
                except ClientMetadataError:
                    if gateway.clients.get(client_id) is None:
                        raise
            else:
                if after := registration.get("post_logout_redirect_uris"):
                    every = dict.fromkeys([*after, *known.post_logout_redirect_uris])
                    registration["post_logout_redirect_uris"] = list(every)[:MOST_ADDRESSES]
                client = gateway.clients.update(client_id, enabled=True, **registration)
                has_it = any(each.expires_at is None and str(secret).endswith(each.hint) for each in client.secrets)
                if secret is not None and not has_it:
                    gateway.clients.rotate_secret(client_id, OVERLAP, client_secret=secret)
            if client_id in VERIFIED and known is None:
                gateway.clients.update(client_id, verified=True)
            if secret is not None:
                secrets[client_id] = secret
    return secrets


def secret_of(app: Flask, client_id: str) -> str:
    """Return a client's secret. The code holds none: such a secret would be good on every machine that ever ran the demo."""
    return hmac.new(str(app.secret_key).encode(), f"client_secret {client_id}".encode(), "sha256").hexdigest()

"""What is stored by an app's gateway, as tests reach it in code."""

from __future__ import annotations

from typing import Any

from flask import Flask

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.clients.registry import ClientRegistry
from flask_oauth_gateway.database.engine import Database
from flask_oauth_gateway.stores.audit.entries import AuditStore
from flask_oauth_gateway.stores.registered_client import Client
from flask_oauth_gateway.tokens.registry import TokenRegistry
from tests.support.app import bearer


def gateway_of(app: Flask) -> OAuthGateway:
    gateway: OAuthGateway = app.extensions["oauth_gateway"]
    return gateway


def clients_of(app: Flask) -> ClientRegistry:
    return gateway_of(app).clients


def tokens_of(app: Flask) -> TokenRegistry:
    return gateway_of(app).tokens


def database_of(app: Flask) -> Database:
    return gateway_of(app).database


def audit_of(app: Flask) -> AuditStore:
    store: AuditStore = gateway_of(app)._server.audit
    return store


def register(app: Flask, **values: Any) -> Client:
    """A client with client credentials and both scopes."""
    given = {"client_name": "Station", "grant_types": ["client_credentials"], "scope": "weather:read weather:write"}
    with app.app_context():
        return clients_of(app).create(**given | values)


def status_with(app: Flask, token: str) -> int:
    """What the protected view says to a token."""
    return app.test_client().get("/weather", headers=bearer(token)).status_code

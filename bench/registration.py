"""Measures what it costs to register a client dynamically: one with a secret, beside a bare view that parses JSON."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, request

from .apps import Call, call, gateway_app

REGISTRATION, JSON = "registration", "bare JSON POST"
BODY = b'{"client_name":"Weather desk","redirect_uris":["https://app.example/cb"],"scope":"weather:read"}'


def registration_work(folder: str, uri: str | None) -> dict[str, tuple[Callable[[], Call], str | None]]:
    """Return what makes a registration, and a bare view that reads JSON and answers with it."""

    def register() -> Call:
        app = gateway_app(
            f"{folder}/registration",
            uri,
            OAUTH_REGISTRATION="open",
            OAUTH_RATE_LIMITS=None,
            OAUTH_REGISTRATION_MAX=10**6,
        )
        return call(app, "POST", "/oauth/register", body=BODY, headers={"Content-Type": "application/json"})

    return {
        REGISTRATION: (register, JSON),
        JSON: (lambda: call(_bare(), "POST", "/json", body=BODY, headers={"Content-Type": "application/json"}), None),
    }


def _bare() -> Flask:
    app = Flask("bare JSON")
    app.secret_key = "bench"

    @app.post("/json")
    def read() -> tuple[dict[str, str], int]:
        return {"client_name": request.get_json()["client_name"]}, 201

    return app

"""What gunicorn serves in `test_many_processes`: everybody is alice, and every approval was given before."""

import os
from types import SimpleNamespace
from typing import Any

from flask import Flask

from flask_oauth_gateway import OAuthGateway
from tests.support.app import build_app

CACHE_SECONDS = 2


def create_app() -> Flask:
    app = build_app(
        TESTING=False,
        OAUTH_ISSUER="http://127.0.0.1",
        OAUTH_DATABASE_URI=os.environ["GATEWAY_DATABASE"],
        OAUTH_REDIS_URL=os.environ["GATEWAY_REDIS"],
        OAUTH_GRANT_TYPES=["authorization_code", "client_credentials", "refresh_token"],
        OAUTH_TOKEN_CACHE_SECONDS=CACHE_SECONDS,
        OAUTH_REVOCATION_POLL_SECONDS=CACHE_SECONDS,
    )
    gateway: OAuthGateway = app.extensions["oauth_gateway"]
    alice: Any = SimpleNamespace(id="alice")
    gateway.current_user(lambda: alice)
    gateway.load_user({alice.id: alice}.get)

    @app.get("/process")
    def process() -> str:
        return str(os.getpid())

    return app

"""Apps that only check tokens, and what other servers' tokens say."""

import time
from collections.abc import Mapping
from typing import Any

from flask import Flask

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from tests.support.app import add_weather

ISSUER, API = "https://login.example", "https://api.example"


def said(**more: Any) -> dict[str, Any]:
    """Claims of a good token; one that is `None` is left out."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": API,
        "sub": "alice",
        "azp": "shop",
        "scope": "weather:read",
        "exp": now + 60,
        **more,
    }
    return {name: value for name, value in claims.items() if value is not None}


def asked(url: str, **more: Any) -> dict[str, Any]:
    """The entry of an issuer that is asked."""
    return {"introspection": url, "client_id": "api", "client_secret": "the api's own secret", "audience": API, **more}


def checking_app(issuers: Mapping[str, Any], **config: Any) -> Flask:
    """An app that takes the tokens of these issuers, with `GET /who`, which says what it knows."""
    app = Flask("resource_server")
    app.config.update(TESTING=True, OAUTH_TRUSTED_TOKEN_ISSUERS=issuers, **config)
    gateway = OAuthGateway(app, resource_server=True)
    users = {"alice": "Alice"}
    gateway.load_user(users.get)

    @app.get("/who")
    @require_token
    def who() -> dict[str, Any]:
        return {
            "client": current_token.client_id,
            "subject": current_token.subject,
            "user": current_token.user,
            "scopes": sorted(current_token.scopes),
            "issuer": current_token.issuer,
            "times": [current_token.issued_at.isoformat(), current_token.expires_at.isoformat()],
        }

    add_weather(app)
    return app

"""Plain helpers for tests, no fixtures: import what you need."""

from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus

from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from flask_oauth_gateway.globals import STATE

SCOPES = {"weather:read": "Read the weather", "weather:write": "Change the weather"}


def build_app(**config: Any) -> Flask:
    """An app with a gateway and one protected view, `GET /weather` for `weather:read`.

    `instance_path` goes to Flask, everything else is configuration.
    """
    app = Flask("weather", instance_path=config.pop("instance_path", None))
    app.config.update(TESTING=True, SECRET_KEY="only for tests", OAUTH_SCOPES=dict(SCOPES))
    app.config.update(config)
    OAuthGateway(app)

    @app.get("/weather")
    @require_token("weather:read")
    def weather() -> dict[str, str]:
        return {"for": current_token.client_id}

    return app


def close_app(app: Flask) -> None:
    """Let go of the database: a connection left open is a warning, and thus a failure, of a later test.

    What the audit trail has not yet written goes first: its timer would write it after this, into the database
    of a later test.
    """
    state = app.extensions[STATE]
    state.audit.flush()
    state.database.dispose()


def basic(client_id: str, client_secret: str) -> dict[str, str]:
    """The header of client_secret_basic: both parts form-encoded, as RFC 6749, section 2.3.1 asks."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    """The header that presents an access token."""
    return {"Authorization": f"Bearer {token}"}


def token_for(client: FlaskClient, registered: Any, **parameters: str) -> dict[str, Any]:
    """The token endpoint's answer to `registered`, by default to its client credentials; no error."""
    data = {"grant_type": "client_credentials", **parameters}
    headers = basic(registered.client_id, registered.client_secret)
    response = client.post("/oauth/token", data=data, headers=headers)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.get_json()
    return answer

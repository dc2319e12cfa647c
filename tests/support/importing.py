"""What the tests of imports share."""

from typing import Any

from flask import Flask

from tests.support.app import basic

IMPORT_SCOPES = {"READ": "Read", "WRITE": "Write"}


def works(app: Flask, client_id: str, secret: str, **form: str) -> bool:
    """Whether a client gets a token with its secret."""
    data = {"grant_type": "client_credentials", **form}
    response = app.test_client().post("/oauth/token", data=data, headers=basic(client_id, secret))
    assert response.status_code in (200, 401), response.text
    return response.status_code == 200


def clients(app: Flask) -> Any:
    return app.extensions["oauth_gateway"].clients

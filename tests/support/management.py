"""The management API, as an administrator's program calls it."""

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from flask_oauth_gateway import OAuthGateway
from tests.support.app import bearer, register, token_for

API = "/oauth/admin/api"


class Api:
    """Calls the API with an administrator's token; every answer is looked through for what must never be in one."""

    def __init__(self, app: Flask) -> None:
        self.app, self.http = app, app.test_client()
        self.gateway: OAuthGateway = app.extensions["oauth_gateway"]
        self.admin = register(app, scope="oauth:admin", client_name="Control room")
        self.token = token_for(self.http, self.admin)["access_token"]

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        sent = {} if body is None else {"json": body}
        response = self.http.open(f"{API}{path}", method=method, headers={**bearer(self.token), **headers}, **sent)
        for secret in (self.token, self.admin.client_secret, "sha256$", "argon2"):
            assert secret not in response.text
        assert response.status_code < 500, response.text
        return response

    def get(self, path: str) -> Any:
        response = self("GET", path)
        assert response.status_code == 200, response.text
        return response.get_json()

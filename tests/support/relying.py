"""`Relying`: an app that trusts an identity provider, as the tests ask it."""

import logging
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_oauth_gateway import current_token, require_token
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import bearer, gateway_of, refusal
from tests.support.idp import encode

GRANT = "urn:ietf:params:oauth:grant-type:saml2-bearer"
CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
CONFIG = {
    "OAUTH_GRANT_TYPES": ["saml2_bearer", "client_credentials", "refresh_token"],
    "OAUTH_CLIENT_AUTH_METHODS": ["client_secret_basic", "client_secret_post", "none", "saml2_bearer"],
}
LOGGER = "flask_oauth_gateway.grants.assertion"


class Relying:
    """An app with the grant, and a client `partner`."""

    def __init__(self, app: Flask, caplog: pytest.LogCaptureFixture | None = None) -> None:
        self.app = app
        self.gateway = gateway_of(app)
        self.client = app.test_client()
        self.caplog = caplog
        self.partner = self.register(client_id="partner")

        @app.get("/token")
        @require_token
        def token() -> dict[str, Any]:
            return {
                "subject": current_token.subject,
                "client": current_token.client_id,
                "scopes": sorted(current_token.scopes),
                "grant_type": current_token.grant_type,
                "attributes": dict(current_token.attributes),
            }

    def register(self, **metadata: Any) -> Client:
        defaults = {"grant_types": ["saml2_bearer"], "scope": "weather:read weather:write"}
        with self.app.app_context():
            return self.gateway.clients.create(**defaults | metadata)

    def post(self, xml: str | bytes, headers: dict[str, str] | None = None, **form: str) -> TestResponse:
        """The answer to an assertion, or to the text of one in `assertion=`."""
        data = {"grant_type": GRANT, "assertion": encode(xml)} | form
        return self.client.post("/oauth/token", data=data, headers=headers)

    def accepts(self, xml: str | bytes, headers: dict[str, str] | None = None, **form: str) -> dict[str, Any]:
        """What the token that is given for an assertion says of itself."""
        response = self.post(xml, headers, **form)
        assert response.status_code == 200, f"{response.text} {self.caplog and self.caplog.messages[-1:]}"
        told: dict[str, Any] = self.client.get("/token", headers=bearer(response.get_json()["access_token"])).get_json()
        assert told["grant_type"] == GRANT
        return told

    def refuses(self, xml: str | bytes, headers: dict[str, str] | None = None, **form: str) -> str:
        """Why an assertion is refused, as the log says it; the answer says nothing."""
        assert self.caplog is not None
        self.caplog.clear()
        with self.caplog.at_level(logging.WARNING, LOGGER):
            response = self.post(xml, headers, **form)
        assert refusal(response, 400, "invalid_grant") == "The assertion was not accepted."
        (message,) = [record.getMessage() for record in self.caplog.records if record.name == LOGGER]
        assert message.isprintable()
        return message.removeprefix("A SAML assertion was refused: ").removesuffix(".")

"""`Trading`: an app that trades JWTs for tokens, as the tests ask it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_oauth_gateway import current_token, require_token
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import SCOPES, basic, bearer, gateway_of, refusal
from tests.support.signing import Signer, claims_of

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT_TYPES = ["jwt_bearer", "client_credentials", "refresh_token"]
IDP = "https://idp.example"
REFUSED = "The assertion was not accepted."
LOGGER = "flask_oauth_gateway.grants.assertion"


class Trading:
    """An app with the grant, whose issuer `https://idp.example` signs with `signer`; its tokens are those of `partner`."""

    def __init__(self, app: Flask, signer: Signer, caplog: pytest.LogCaptureFixture) -> None:
        self.app = app
        self.gateway = gateway_of(app)
        self.signer = signer
        self.client = app.test_client()
        self._caplog = caplog
        if self.gateway.clients.get("partner") is None:  # a second app may stand on the same database
            self.partner = self.register(client_id="partner")

        @app.get("/me")
        @require_token
        def me() -> dict[str, Any]:
            return {
                "client": current_token.client_id,
                "subject": current_token.subject,
                "scope": current_token.scope,
                "grant_type": current_token.grant_type,
                "attributes": dict(current_token.attributes),
            }

    def register(self, **metadata: Any) -> Client:
        """A new client for this grant, by default with both scopes and a secret."""
        defaults = {"grant_types": ["jwt_bearer"], "scope": list(SCOPES)}
        return self.gateway.clients.create(**defaults | metadata)

    def register_signing(self, signer: Signer, **metadata: Any) -> Client:
        """A new client that signs with a key of its own."""
        grants = ["jwt_bearer", "client_credentials"]
        defaults = {"grant_types": grants, "token_endpoint_auth_method": "private_key_jwt", "jwks": signer.jwks()}
        return self.register(**defaults | metadata)

    def assertion(self, **changes: Any) -> str:
        """One of the issuer's, by default in order; a claim that is `None` is left out."""
        return self.signer.sign(claims_of(IDP, **changes))

    def post(self, assertion: str, *, by: Client | None = None, **form: str) -> TestResponse:
        """The token endpoint's response; `by` is a client that authenticates beside it."""
        headers = {} if by is None else basic(by.client_id, by.client_secret)
        data = {"grant_type": GRANT, "assertion": assertion, **form}
        return self.client.post("/oauth/token", data=data, headers=headers)

    def trade(self, assertion: str, **how: Any) -> dict[str, Any]:
        """The token response to an assertion that is accepted."""
        response = self.post(assertion, **how)
        assert response.status_code == 200, f"{response.text} {self._caplog.text}"
        found: dict[str, Any] = response.get_json()
        return found

    def me(self, answer: dict[str, Any]) -> dict[str, Any]:
        """What a protected view sees of the token."""
        response = self.client.get("/me", headers=bearer(answer["access_token"]))
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.get_json()
        return found

    def why(self, assertion: str, **how: Any) -> str:
        """Why an assertion is refused, as the log says it; the answer says nothing."""
        self._caplog.clear()
        response = self.post(assertion, **how)
        assert refusal(response, 400, "invalid_grant") == REFUSED
        (message,) = [record.getMessage() for record in self._caplog.records if record.name == LOGGER]
        assert message.startswith("A JWT assertion was refused: ")
        assert message.endswith(".")
        for part in assertion.split("."):
            assert len(part) < 20 or part not in self._caplog.text
        return message.removeprefix("A JWT assertion was refused: ").removesuffix(".")

    def authenticate(self, client_assertion: str, path: str = "/oauth/token", **form: str) -> TestResponse:
        """A request of a client that signs who it is, by default for its client credentials."""
        sent = {"grant_type": "client_credentials"} if path == "/oauth/token" else {"token": "x"}
        sent |= {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": client_assertion}
        return self.client.post(path, data=sent | form)


#: Builds a `Trading`; takes its signer, what its issuer's entry says beside the key, and configuration.
MakeTrading = Callable[..., Trading]

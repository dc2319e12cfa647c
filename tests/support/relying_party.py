"""A program that signs its users in at a site: what it asks for, what it gets, and how it checks that (OIDC Core)."""

import warnings
from collections.abc import Callable
from typing import Any

from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from tests.support.app import bearer
from tests.support.site import BOTH, REDIRECT_URI, VERIFIER, Site

OPENID_SCOPES = "openid profile email address phone"
#: What the app knows of alice; `sub` and `iss` are not its to say.
CLAIMS = {
    "name": "Alice Liddell",
    "updated_at": 1700000000,
    "email": "alice@example.com",
    "email_verified": True,
    "address": {"country": "GB"},
    "phone_number": "+44 1865 276150",
    "nickname": None,
    "groups": ["readers"],
    "sub": "somebody else",
    "iss": "https://elsewhere.example",
    "nonce": "forged",
}


class RelyingParty:
    """`client` is its registration; `tokens` what it got last."""

    def __init__(self, site: Site, **metadata: Any) -> None:
        self.site = site
        self.client = site.register(**{"scope": f"{OPENID_SCOPES} {BOTH}"} | metadata)
        self.tokens: dict[str, Any] = {}
        self.asked: list[tuple[Any, frozenset[str]]] = []
        site.gateway.user_claims(self._claims)

    def _claims(self, user: Any, scopes: frozenset[str]) -> dict[str, Any]:
        self.asked.append((user, scopes))
        return {**CLAIMS, "preferred_username": user.id}

    def sign_in(self, scope: str = "openid", **parameters: Any) -> dict[str, Any]:
        """The whole way by code; returns the ID token's claims, checked as a client does."""
        code = self.site.code(self.client, scope=scope, **parameters)
        self.tokens = self.trade(code)
        return self.read(self.tokens["id_token"])

    def trade(self, code: str) -> dict[str, Any]:
        response = self.site.post(
            self.client,
            "/oauth/token",
            grant_type="authorization_code",
            code=code,
            redirect_uri=REDIRECT_URI,
            code_verifier=VERIFIER,
        )
        assert response.status_code == 200, response.text
        return dict(response.get_json())

    def refresh(self, **parameters: Any) -> dict[str, Any]:
        response = self.site.post(
            self.client,
            "/oauth/token",
            grant_type="refresh_token",
            refresh_token=self.tokens["refresh_token"],
            **parameters,
        )
        assert response.status_code == 200, response.text
        self.tokens = dict(response.get_json())
        return self.tokens

    def keys(self) -> KeySet:
        return KeySet.import_key_set(self.site.app.test_client().get("/oauth/jwks").get_json())

    def decode(self, token: str) -> jwt.Token:
        """A JWT of the server's, by a published key; its header and claims."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # EdDSA has another name by now
            return jwt.decode(token, self.keys(), algorithms=["RS256", "ES256", "PS256", "EdDSA"])

    def read(self, id_token: str) -> dict[str, Any]:
        """An ID token's claims, if it is this server's, for this client, and of this time (OIDC Core section 3.1.3.7)."""
        claims = self.decode(id_token).claims
        registry = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": "http://localhost"},
            aud={"essential": True, "value": self.client.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )
        registry.validate(claims)
        return dict(claims)

    def userinfo(self, token: str | None = None, **options: Any) -> TestResponse:
        headers = bearer(token or self.tokens["access_token"])
        return self.site.app.test_client().get("/oauth/userinfo", headers=headers, **options)


MakeParty = Callable[..., RelyingParty]

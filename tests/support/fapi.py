"""Clients as FAPI 2.0's conformance suite plays them: each pushes its request, and proves who it is and which key it holds."""

from __future__ import annotations

import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from flask_oauth_gateway import current_token, require_token
from tests.support.certificates import Held, self_signed
from tests.support.proofs import ProofKey
from tests.support.pushing import come
from tests.support.signing import Signer, claims_of
from tests.support.site import ISSUER, REDIRECT_URI, VERIFIER, MakeSite, Page, Site, answer, location, query
from tests.support.trading import CLIENT_ASSERTION

ACCOUNTS = f"{ISSUER}/accounts"
PAR, TOKEN = f"{ISSUER}/oauth/par", f"{ISSUER}/oauth/token"
MTLS = {
    "OAUTH_MTLS": True,
    "OAUTH_MTLS_CERTIFICATE": "nginx",
    "OAUTH_CLIENT_AUTH_METHODS": ["private_key_jwt", "self_signed_tls_client_auth"],
}
#: The two clients of the suite's plans, and a key that is nobody's. Made once: each test registers them anew.
FIRST, SECOND, STRANGER = Signer("ES256"), Signer("PS256"), Signer("ES256")
FIRST_KEY, SECOND_KEY, OTHER_KEY = ProofKey(), ProofKey("Ed25519"), ProofKey()
CERTIFICATE, OTHER_CERTIFICATE = self_signed(), self_signed()


def fapi_site(make_site: MakeSite, profile: str = "fapi2", **config: Any) -> Site:
    """An app with the profile and nothing else that it needn't have; and a view that wants a token."""
    given = {"OAUTH_GRANT_TYPES": ["authorization_code", "refresh_token"], "OAUTH_ISSUER": ISSUER, "OAUTH_OIDC": True}
    site = make_site(**given | {"OAUTH_PROFILE": profile} | config)

    @site.app.get("/accounts")
    @require_token("weather:read")
    def accounts() -> dict[str, Any]:
        return {"subject": current_token.subject, "client_id": current_token.client_id}

    return site


class FapiClient:
    """A client that signs, by `private_key_jwt` and DPoP; or, with a certificate, by mutual TLS alone."""

    def __init__(
        self,
        site: Site,
        client_id: str = "first",
        signer: Signer = FIRST,
        key: ProofKey = FIRST_KEY,
        *,
        certificate: Held | None = None,
        **metadata: Any,
    ) -> None:
        self.site, self.client_id, self.signer, self.key, self.certificate = site, client_id, signer, key, certificate
        if certificate is None:
            metadata = {"token_endpoint_auth_method": "private_key_jwt", "jwks": signer.jwks()} | metadata
        else:
            metadata = {
                "token_endpoint_auth_method": "self_signed_tls_client_auth",
                "certificate": certificate.pem,
                "tls_client_certificate_bound_access_tokens": True,
            } | metadata
        self.client = site.register(client_id=client_id, skip_consent=False, **self._scopes(), **metadata)

    @staticmethod
    def _scopes() -> dict[str, Any]:
        return {"scope": "openid profile weather:read weather:write"}

    # What proves who it is, and which key it holds.

    def assertion(self, **changes: Any) -> str:
        """A client assertion; a claim that is `None` is left out."""
        said = {"sub": self.client_id, "aud": ISSUER} | changes
        return self.signer.sign(claims_of(self.client_id, said.pop("aud"), **said))

    def who(self, assertion: str | None = None) -> dict[str, str]:
        """The parameters that authenticate it."""
        if self.certificate is not None:
            return {"client_id": self.client_id}
        return {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": assertion or self.assertion()}

    def connection(self) -> dict[str, str]:
        """The header with which the proxy hands on the certificate of its connection."""
        return {} if self.certificate is None else {"X-SSL-Client-Cert": self.certificate.escaped}

    def proof(self, method: str = "POST", uri: str = TOKEN, **more: Any) -> dict[str, str]:
        """The header with its proof; none where its certificate is what tokens are bound to."""
        return self.connection() if self.certificate is not None else self.key.headers(method, uri, **more)

    # What it asks.

    def post(self, path: str, data: dict[str, Any], headers: dict[str, str] | None = None) -> TestResponse:
        given = {name: value for name, value in data.items() if value is not None}
        return self.site.app.test_client().post(path, data=given, headers={**self.connection(), **(headers or {})})

    def request(self, **parameters: Any) -> dict[str, Any]:
        """What it asks the user for, by default with all that the profile wants."""
        return query(self.client, **{"scope": "weather:read", "response_type": "code"} | parameters)

    def par(
        self, assertion: str | None = None, headers: dict[str, str] | None = None, **parameters: Any
    ) -> TestResponse:
        return self.post("/oauth/par", {**self.request(**parameters), **self.who(assertion)}, headers)

    def push(self, **given: Any) -> str:
        response = self.par(**given)
        assert response.status_code == 201, response.text
        return str(response.get_json()["request_uri"])

    def go(self, request_uri: str, decision: str = "allow", **beside: str) -> dict[str, str]:
        """The whole way of a user with a pushed request; returns what the client finds at its redirect URI."""
        response = come(self.site, self.client, request_uri, **beside)
        if response.status_code == 200:
            response = self.site.send(Page(response), decision=decision)
        return answer(location(response))

    def code(self, **given: Any) -> str:
        found = self.go(self.push(**given))
        assert found["iss"] == ISSUER
        return found["code"]

    def redeem(
        self, code: str, assertion: str | None = None, headers: dict[str, str] | None = None, **data: Any
    ) -> TestResponse:
        """A code at the token endpoint; `headers`: other ones than its good proof."""
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }
        return self.post(
            "/oauth/token", sent | self.who(assertion) | data, self.proof() if headers is None else headers
        )

    def refresh(self, refresh_token: str, headers: dict[str, str] | None = None, **data: Any) -> TestResponse:
        sent = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self.post("/oauth/token", sent | self.who() | data, self.proof() if headers is None else headers)

    def tokens(self, **given: Any) -> dict[str, Any]:
        response = self.redeem(self.code(**given))
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.get_json()
        assert body["token_type"].lower() == ("dpop" if self.certificate is None else "bearer")
        return body

    def presenting(self, token: str, **more: Any) -> dict[str, str]:
        """The headers with which it presents a token at `/accounts`."""
        if self.certificate is not None:
            return {"Authorization": f"Bearer {token}", **self.connection()}
        return self.key.with_token(token, "GET", ACCOUNTS, **more)

    def call(self, token: str, headers: dict[str, str] | None = None) -> TestResponse:
        given = self.presenting(token) if headers is None else headers
        return self.site.app.test_client().get("/accounts", headers=given)


def ahead(seconds: int) -> int:
    """A moment that is so many seconds from now."""
    return int(time.time()) + seconds


def error_of(response: TestResponse, status: int = 400) -> str:
    """The code of an error that an endpoint answers."""
    assert response.status_code == status, response.text
    assert response.headers["Cache-Control"] == "no-store"
    return str(response.get_json()["error"])


class SigningClient(FapiClient):
    """The same with Message Signing: it signs its requests, and finds signed answers."""

    def says(self, **changes: Any) -> dict[str, Any]:
        """What its request object says, by default all that it should; a member that is `None` is left out."""
        now = int(time.time())
        said = {
            "iss": self.client_id,
            "aud": ISSUER,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            **self.request(),
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def signed(self, signer: Signer | None = None, **changes: Any) -> str:
        return (signer or self.signer).sign(self.says(**changes), typ="oauth-authz-req+jwt")

    def par_signed(self, request: str | None = None, **beside: Any) -> TestResponse:
        """A request object that is pushed; by default a good one."""
        return self.post(
            "/oauth/par", {"request": self.signed() if request is None else request, **self.who(), **beside}
        )

    def push(self, **changes: Any) -> str:
        response = self.par_signed(self.signed(**changes))
        assert response.status_code == 201, response.text
        return str(response.get_json()["request_uri"])

    def go(self, request_uri: str, decision: str = "allow", **beside: str) -> dict[str, str]:
        """What the signed answer says, which is checked as a client does."""
        found = super().go(request_uri, decision, **beside)
        assert set(found) == {"response"}, "nothing stands beside it"
        header, said = self.read(found["response"])
        assert header["alg"] in ("PS256", "ES256", "EdDSA")
        assert (said.pop("iss"), said.pop("aud")) == (ISSUER, self.client_id)
        assert ahead(0) < said.pop("exp") <= ahead(600)
        return {**said, "iss": ISSUER}

    def read(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The header and the claims of a JWT that this server has signed; joserfc checks that."""
        keys = KeySet.import_key_set(self.site.app.test_client().get("/oauth/jwks").get_json())
        read = jwt.decode(token, keys, algorithms=["PS256", "ES256", "EdDSA"])
        return read.header, read.claims

"""Signed authorization requests, and what a site makes of them: signed by the tests' own signer, never by the product's code."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from joserfc import jwe
from joserfc.jwk import ECKey, Key, RSAKey
from werkzeug.test import TestResponse

from tests.support.signing import Signer
from tests.support.site import ISSUER, Page, Site, answer, error_page, location, query

OTHER_URI = "https://other.example/cb"
ALGORITHMS = {"RSA-OAEP-256": RSAKey, "ECDH-ES": ECKey}  # by which a request may be encrypted
METHOD = "A256GCM"
BROWSER = {"Accept": "text/html"}  # who says it can read a page gets one


class Signing:
    """A client of a site that signs its requests."""

    def __init__(self, site: Site, signer: Signer | None = None, **metadata: Any) -> None:
        self.site = site
        self.signer = signer or Signer()
        keys = {} if {"jwks", "jwks_uri", "certificate"}.intersection(metadata) else {"jwks": self.signer.jwks()}
        self.client = site.register(**keys | metadata)

    def says(self, **changes: Any) -> dict[str, Any]:
        """What a request object says, by default all that a code needs; a member that is `None` is left out."""
        now = int(time.time())
        said = {
            "iss": self.client.client_id,
            "aud": ISSUER,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            **query(self.client),
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def sign(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        return self.signer.sign(self.says(**changes), **{"typ": "oauth-authz-req+jwt", **(header or {})})

    def ask(self, text: str | None = None, **beside: Any) -> TestResponse:
        """The browser comes with a signed request, by default with a good one."""
        sent = {"client_id": self.client.client_id, "request": self.sign() if text is None else text, **beside}
        sent = {name: value for name, value in sent.items() if value is not None}
        url = f"/oauth/authorize?{urlencode(sent, doseq=True)}"
        if len(url) < 8000:
            return self.site.browser.get(url, headers=BROWSER)
        return self.site.browser.post("/oauth/authorize", data=sent, headers=BROWSER)

    def answer(self, response: TestResponse) -> dict[str, str]:
        """What the client gets in the end, through the consent page where there is one."""
        if response.status_code == 200:
            response = self.site.send(Page(response))
        return answer(location(response))

    def code(self, text: str | None = None, **beside: Any) -> str:
        return self.answer(self.ask(text, **beside))["code"]

    def refused(self, text: str, error: str = "invalid_request_object", **beside: Any) -> str:
        """Why a signed request is not accepted, as the page says: nobody is sent anywhere."""
        return error_page(self.ask(text, **beside), error)


MakeSigning = Callable[..., Signing]


def key_set(signing: Signing) -> list[dict[str, Any]]:
    return list(signing.site.app.test_client().get("/oauth/jwks").get_json()["keys"])


def key_for(signing: Signing, algorithm: str) -> Key:
    (found,) = (each for each in key_set(signing) if each.get("alg") == algorithm)
    return ALGORITHMS[algorithm].import_key(found)


def encrypted(text: str, key: Key, algorithm: str = "RSA-OAEP-256", method: str = METHOD, **header: Any) -> str:
    said = {"alg": algorithm, "enc": method, "kid": key.kid, "cty": "oauth-authz-req+jwt", **header}
    said = {name: value for name, value in said.items() if value is not None}
    names = [algorithm, method, *(["DEF"] if "zip" in said else [])]
    return jwe.encrypt_compact(
        said, text.encode(), key, registry=jwe.JWERegistry(algorithms=names, strict_check_header=False)
    )

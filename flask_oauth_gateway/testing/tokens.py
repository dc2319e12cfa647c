"""Tokens for tests, and what some are bound to: the key of a client's proofs, or its certificate."""

from __future__ import annotations

import secrets
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from flask import request

from ..crypto.hashing import sha256
from ..web.environ import SERVER

if TYPE_CHECKING:
    from flask import Flask, Request

    from ..authorization_server import AuthorizationServer
    from ..config import Settings


def server_of(app: Flask) -> AuthorizationServer:
    """The server of an app under test. Raises `pytest.UsageError` where the app has no gateway or `TESTING` is off."""
    if SERVER not in app.extensions:
        raise pytest.UsageError("The app of the fixture 'app' has no gateway: call gateway.init_app(app) in it.")
    if not app.testing:
        raise pytest.UsageError(
            "The app of the fixture 'app' is not under test: give it app.config['TESTING'] = True, before init_app."
        )
    server: AuthorizationServer = app.extensions[SERVER]
    return server


class OAuthToken(str):
    """A token's value."""

    app: Flask
    key: ProofKey | None = None  #: that to which it is bound by DPoP
    certificate: Mapping[str, str] = MappingProxyType({})  #: what a request's environ has of that to which it is bound

    @property
    def headers(self) -> dict[str, str]:
        """The headers that present the token (RFC 6750 section 2.1), with the certificate to which it is bound, if to any.

        Raises `TypeError` for a token that is bound by DPoP: a proof is good for one request, so `headers_for` makes it.
        """
        if self.key is not None:
            raise TypeError(
                "This token is bound by DPoP: token.headers_for(method, url) makes the proof for a request."
            )
        names = {name: name.removeprefix("HTTP_").replace("_", "-").title() for name in self.certificate}
        certificate = {names[name]: value for name, value in self.certificate.items()}
        return {"Authorization": f"Bearer {self}", **certificate}

    def headers_for(self, method: str, url: str) -> dict[str, str]:
        """The headers of one request, with its proof where the token is bound by DPoP (RFC 9449 section 7.1)."""
        if self.key is None:
            return self.headers
        with self.app.test_request_context(url, method=method):
            return {"Authorization": f"DPoP {self}", "DPoP": self.key.proof(server_of(self.app), request, self)}


class ProofKey:
    """A client's key for DPoP: its proofs, and the thumbprint to which tokens are bound."""

    def __init__(self) -> None:
        from joserfc.jwk import ECKey

        self._key = ECKey.generate_key("P-256")
        self.thumbprint = self._key.thumbprint()

    def proof(self, server: AuthorizationServer, http: Request, token: str) -> str:
        """A proof for a request with a token, as the app under test asks for it."""
        from joserfc import jwt

        if server.binding is None:
            raise pytest.UsageError("The app of the fixture 'app' takes no proofs: set OAUTH_DPOP = True.")
        ath = urlsafe_b64encode(sha256(token)).rstrip(b"=").decode()
        claims = {
            "jti": secrets.token_urlsafe(16),
            "iat": int(time.time()),
            "ath": ath,
            **server.binding.asked_of_proof(http),
        }
        return jwt.encode(
            {"typ": "dpop+jwt", "alg": "ES256", "jwk": self._key.as_dict(private=False)}, claims, self._key
        )


class Certificate:
    """A client's certificate: what it is bound by, and how the app's proxy hands it on."""

    def __init__(self, given: Any) -> None:
        """`given`: a certificate of `cryptography`, a PEM text, or `True` for one that is made now."""
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding

        from ..proofs.certificates import thumbprint_of

        if given is True:
            given = _new_certificate()
        found = x509.load_pem_x509_certificate(given.encode()) if isinstance(given, str) else given
        self.thumbprint = thumbprint_of(found)
        self._pem = found.public_bytes(Encoding.PEM).decode()
        self._base64 = b64encode(found.public_bytes(Encoding.DER)).decode()

    def environ(self, settings: Settings) -> dict[str, str]:
        """What a request's environ has of the certificate, by `OAUTH_MTLS_CERTIFICATE`."""
        from ..proofs.certificates import ENVIRON, SOURCES

        source = settings.mtls_certificate
        if not settings.mtls or source is None:
            raise pytest.UsageError(
                "The app of the fixture 'app' takes no certificates: set OAUTH_MTLS = True and OAUTH_MTLS_CERTIFICATE."
            )
        if source == ENVIRON:
            return {"SSL_CLIENT_CERT": self._pem}
        described = SOURCES[source] if isinstance(source, str) else source
        escaped = quote(self._pem, safe="")
        written = {
            "pem-escaped": escaped,
            "pem": self._base64,
            "der-base64": self._base64,
            "xfcc": f'Cert="{escaped}"',
            "structured": f":{self._base64}:",
        }
        header = str(described["header"]).upper().replace("-", "_")
        return {f"HTTP_{header}": written[str(described["format"])]}


def _new_certificate() -> Any:
    """A certificate that its own key has signed, as a client of a test would have."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "test-client")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, SHA256())

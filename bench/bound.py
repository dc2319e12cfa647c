"""Measures what it costs that a token is bound: to the key of a fresh proof (DPoP), or to a client's certificate."""

from __future__ import annotations

import os
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey

from flask_oauth_gateway.tokens.issue import Issue

from .apps import Call, basic, call, gateway_app
from .jwt import SERVER
from .tokens import BODY

UNBOUND = "protected view, unbound, in an app with DPoP"
AT_ENDPOINTS, IN_DATABASE = "protected view, DPoP, replay at endpoints", "protected view, DPoP, replay in the database"
IN_REDIS, CERTIFICATE = "protected view, DPoP, replay in Redis", "protected view, bound to a certificate"
TOKEN_UNBOUND = "client credentials, unbound, in an app with DPoP"
TOKEN_BOUND, TOKEN_IN_REDIS = (
    "client credentials, DPoP, replay in the database",
    "client credentials, DPoP, replay in Redis",
)
REDIS = "OAUTH_REDIS_URL"  # the environment's variable: without it that row is left out


def bound_work(folder: str, uri: str | None, repeats: int) -> dict[str, tuple[Callable[[], Call], str | None]]:
    """Return what makes the rows. `repeats`: how often each is done, each time with a new proof where there are proofs."""
    key, certificate = ECKey.generate_key("P-256"), _certificate()
    on: dict[str, Any] = {
        "OAUTH_DPOP": True,
        "OAUTH_MTLS": True,
        "OAUTH_MTLS_CERTIFICATE": "nginx",
        "OAUTH_ISSUER": SERVER,
    }
    on["OAUTH_DPOP_LIFETIME"] = 3600  # the proofs are made before anything is measured

    @cache
    def app_with(**config: Any) -> Flask:
        return gateway_app(f"{folder}/bound", uri, **on | config)

    def with_proofs(**config: Any) -> Call:
        app = app_with(**config)
        token = _token(app, {"jkt": key.thumbprint()})
        proofs = _proofs(key, "GET", "/weather", repeats, ath=_base64(sha256(token.encode()).digest()))
        return call(app, "GET", "/weather", headers={"Authorization": f"DPoP {token}"}, proofs=proofs)

    def with_certificate() -> Call:
        token = _token(app_with(), {"x5t#S256": _base64(certificate.fingerprint(SHA256()))})
        pem = quote(certificate.public_bytes(Encoding.PEM).decode(), safe="")
        headers = {"Authorization": f"Bearer {token}", "X-SSL-Client-Cert": pem}
        return call(app_with(), "GET", "/weather", headers=headers)

    def unbound() -> Call:
        return call(app_with(), "GET", "/weather", headers={"Authorization": f"Bearer {_token(app_with(), None)}"})

    def new_token(*, bound: bool = True, **config: Any) -> Call:
        app = app_with(**config)
        with app.app_context():
            clients: Any = app.extensions["oauth_gateway"].clients
            client = clients.create(grant_types=["client_credentials"], scope="weather:read")
        proofs = _proofs(key, "POST", "/oauth/token", repeats) if bound else None
        headers = basic(client.client_id, client.client_secret)
        return call(app, "POST", "/oauth/token", headers=headers, body=BODY, proofs=proofs)

    redis = os.environ.get(REDIS)
    in_redis: dict[str, tuple[Callable[[], Call], str | None]] = {
        IN_REDIS: (lambda: with_proofs(OAUTH_REDIS_URL=redis), UNBOUND),
        TOKEN_IN_REDIS: (lambda: new_token(OAUTH_REDIS_URL=redis), TOKEN_UNBOUND),
    }
    return {
        UNBOUND: (unbound, "bare view"),
        AT_ENDPOINTS: (lambda: with_proofs(OAUTH_DPOP_REPLAY="endpoints"), UNBOUND),
        IN_DATABASE: (with_proofs, UNBOUND),
        TOKEN_UNBOUND: (lambda: new_token(bound=False), "bare form POST"),
        TOKEN_BOUND: (new_token, TOKEN_UNBOUND),
        **({} if redis is None else in_redis),
        CERTIFICATE: (with_certificate, UNBOUND),
    }


def _token(app: Flask, cnf: dict[str, str] | None) -> str:
    server = app.extensions["oauth_gateway_server"]
    with app.app_context():
        made = server.client_registry.create(grant_types=["client_credentials"], scope="weather:read")
        client, claims = server.clients.load(made.client_id), None if cnf is None else {"cnf": cnf}
        issue = Issue(client=client, grant_type="client_credentials", scopes=("weather:read",), claims=claims)
        return str(server.issuing.issue(issue)["access_token"])


def _proofs(key: ECKey, method: str, path: str, number: int, **more: str) -> Iterator[str]:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    about = {"htm": method, "htu": SERVER + path, **more}
    now = int(time.time())
    made = [jwt.encode(header, {**about, "iat": now, "jti": secrets.token_urlsafe(16)}, key) for _ in range(number)]
    return iter(made)


def _certificate() -> x509.Certificate:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "bench")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    return builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, SHA256())


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()

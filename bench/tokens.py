"""Measures JWT access tokens: this server's own, and those of another, trusted server."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from .apps import Call, answer, basic, call, gateway_app
from .jwt import SERVER

BODY = b"grant_type=client_credentials"
API = "https://api.example"


class OtherServer:
    """Another server's key, and its tokens."""

    def __init__(self, algorithm: str) -> None:
        made = RSAKey.generate_key(2048) if algorithm == "RS256" else ECKey.generate_key("P-256")
        kind = type(made)
        self._key = kind.import_key(made.as_dict(private=True), {"kid": "k1"})
        self._algorithm = algorithm
        self.issuer = f"https://{algorithm.lower()}.example"

    @property
    def entry(self) -> dict[str, object]:
        """Return its entry in OAUTH_TRUSTED_TOKEN_ISSUERS."""
        return {"jwks": {"keys": [self._key.as_dict(private=False)]}, "audience": API}

    def token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": API, "sub": "alice", "client_id": "shop", "scope": "weather:read",
            "iat": now, "exp": now + 3000, "jti": secrets.token_hex(16),
        }  # fmt: skip
        return jwt.encode({"alg": self._algorithm, "kid": "k1", "typ": "at+jwt"}, claims, self._key)


def token_work(folder: str, uri: str | None, repeats: int) -> dict[str, tuple[Callable[[], Call], str | None]]:
    """Return what makes the checks of new tokens, each once, and of a token seen before; `repeats`: how often each is done."""
    others = {algorithm: OtherServer(algorithm) for algorithm in ("ES256", "RS256")}

    @cache
    def trusting() -> Flask:
        trusted = {each.issuer: each.entry for each in others.values()}
        return gateway_app(folder, uri, OAUTH_TRUSTED_TOKEN_ISSUERS=trusted)

    @cache
    def signing(algorithm: str) -> tuple[Flask, dict[str, str]]:
        config = {"OAUTH_SIGNING_ALGORITHM": algorithm, "OAUTH_ACCESS_TOKEN_FORMAT": "jwt", "OAUTH_ISSUER": SERVER}
        app = gateway_app(f"{folder}/{algorithm}", None, **config)
        return app, _register(app)

    def of_others(algorithm: str) -> Call:
        new = [others[algorithm].token() for _ in range(repeats)]
        return call(trusting(), "GET", "/weather", tokens=new)

    def own(algorithm: str) -> Call:
        app, identity = signing(algorithm)
        return call(app, "GET", "/weather", tokens=[_issue(app, identity) for _ in range(repeats)])

    def issue() -> Call:
        app, identity = signing("ES256")
        return call(app, "POST", "/oauth/token", headers=identity, body=BODY)

    return {
        "trusted issuer's JWT, new ES256": (lambda: of_others("ES256"), "bare view"),
        "trusted issuer's JWT, new RS256": (lambda: of_others("RS256"), "bare view"),
        "trusted issuer's JWT, seen": (lambda: _seen(trusting(), others["ES256"].token()), "bare view"),
        "JWT, new ES256": (lambda: own("ES256"), "bare view"),
        "JWT, new RS256": (lambda: own("RS256"), "bare view"),
        "JWT, seen": (lambda: _seen(signing("ES256")[0], _issue(*signing("ES256"))), "bare view"),
        "client credentials, JWT ES256": (issue, "bare form POST"),
    }


def _seen(app: Flask, token: str) -> Call:
    return call(app, "GET", "/weather", headers={"Authorization": f"Bearer {token}"})


def _register(app: Flask) -> dict[str, str]:
    with app.app_context():
        clients: Any = app.extensions["oauth_gateway"].clients
        client = clients.create(client_name="bench", grant_types=["client_credentials"], scope="weather:read")
    return basic(client.client_id, client.client_secret)


def _issue(app: Flask, identity: dict[str, str]) -> str:
    return str(answer(app, "POST", "/oauth/token", headers=identity, body=BODY)["access_token"])

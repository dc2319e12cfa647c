"""This project, set up as in its quick start, with `BENCH_OPTIONS` as further configuration."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import Any

from flask import Flask

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from flask_oauth_gateway.crypto.hashing import sha256
from flask_oauth_gateway.database.tables import access_token, code, family, new_family_key, refresh_token

from . import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, VERIFIER, form_of, options, raw, standard_request

HOUR = 3600
ASSERTIONS = ("jwt_bearer", "saml2_bearer")
SERVER = "http://127.0.0.1:5000"


def make_app() -> Flask:
    app = Flask("gateway", instance_path=tempfile.gettempdir())
    app.config.update(
        SECRET_KEY="bench",
        OAUTH_SCOPES={"read": "Read"},
        OAUTH_ISSUER=SERVER,
        OAUTH_DATABASE_URI=os.environ["BENCH_DATABASE"],
        OAUTH_RATE_LIMITS=None,  # one client, one address, as fast as it can
    )
    app.config.update(options())
    if "OAUTH_GRANT_TYPES" in app.config:
        from .. import jwt, saml  # only where they are needed: their imports would count as memory

        app.config["OAUTH_JWT_ISSUERS"] = {jwt.NAME: jwt.JwtIssuer(_key_file("jwt_bearer")).entry}
        app.config["OAUTH_SAML_ISSUERS"] = {saml.NAME: saml.IdentityProvider(_key_file("saml2_bearer")).entry}
    OAuthGateway(app)

    @app.get("/api")
    @require_token("read")
    def api() -> dict[str, str]:
        return {"for": current_token.client_id}

    return app


def _key_file(work: str) -> Path:
    return Path(os.environ["BENCH_FOLDER"]) / f"{work}.pem"


def prepare() -> None:
    app = make_app()
    clients = app.extensions["oauth_gateway"].clients
    clients.create(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        grant_types=["client_credentials", "authorization_code", "refresh_token"],
        redirect_uris=[REDIRECT_URI],
        scope="read",
    )
    if "OAUTH_GRANT_TYPES" in app.config:
        clients.create(client_id="partner", grant_types=list(ASSERTIONS), scope="read")


def seed(work: str, number: int) -> list[bytes]:
    if work == "issue":
        return [standard_request(work, "")]
    if work in ASSERTIONS:
        from .. import jwt, saml

        signer = {"jwt_bearer": jwt.JwtIssuer, "saml2_bearer": saml.IdentityProvider}[work](_key_file(work))
        return [raw("POST", "/oauth/token", form=form_of(body)) for body in signer.bodies(number)]
    app = make_app()
    gateway = app.extensions["oauth_gateway"]
    client = gateway.clients.get(CLIENT_ID)
    if work in ("code", "refresh"):
        return [standard_request(work, value) for value in _approved(app, client.key, work, number)]
    distinct = number if work in ("view_jwt", "revoke") else 500
    if app.config.get("OAUTH_ACCESS_TOKEN_FORMAT") == "jwt":
        with app.test_request_context():
            values = [gateway.tokens.issue(CLIENT_ID)["access_token"] for _ in range(distinct)]
    else:
        values = [secrets.token_urlsafe(32) for _ in range(distinct)]
        _insert(gateway, access_token, [_token(value, client.key) for value in values])
    return [standard_request(work, value) for value in values]


def _token(value: str, client: int) -> dict[str, Any]:
    return {
        "token_hash": sha256(value),
        "client": client,
        "scope": "read",
        "grant_type": "client_credentials",
    } | _times()


def _approved(app: Flask, client: int, work: str, number: int) -> list[str]:
    """Make so many codes, or refresh tokens with their approvals."""
    gateway = app.extensions["oauth_gateway"]
    values = [secrets.token_urlsafe(32) for _ in range(number)]
    keys = [new_family_key() for _ in values]
    common = {"client": client, "subject": "alice", "scope": "read"}
    if work == "code":
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        challenge = {
            "code_challenge": create_s256_code_challenge(VERIFIER), "code_challenge_method": "S256",
            "redirect_uri": REDIRECT_URI, "redirect_uri_sent": True, "refreshable": True,
        }  # fmt: skip
        rows = [
            {"code_hash": sha256(value), "family": key, **common, **challenge, **_times()}
            for value, key in zip(values, keys, strict=True)
        ]
        _insert(gateway, code, rows)
        return values
    lives = {"created_at": int(time.time()), "expires_at": int(time.time()) + HOUR}
    _insert(gateway, family, [{"id": key, "grant_type": "authorization_code", **common, **lives} for key in keys])
    rows = [{"token_hash": sha256(value), "family": key} | _times() for value, key in zip(values, keys, strict=True)]
    _insert(gateway, refresh_token, rows)
    return values


def _times() -> dict[str, int]:
    return {"issued_at": int(time.time()), "expires_at": int(time.time()) + HOUR}


def _insert(gateway: OAuthGateway, table: Any, rows: list[dict[str, Any]]) -> None:
    with gateway.database.transaction() as connection:
        connection.execute(table.insert(), rows)

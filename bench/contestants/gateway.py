"""This project, set up as in its quick start, with `BENCH_OPTIONS` as further configuration.

`BENCH_APP_FILE`: the tables are in the SQLite file of the app, in its default mode (`rollback`) or switched (`wal`).
`BENCH_LIVE_APPROVALS`: so many approvals of the client are there from the start, in tables that are never analysed.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from flask import Flask

from flask_oauth_gateway import OAuthGateway, current_token, require_token

from . import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, VERIFIER, form_of, options, raw, standard_request

ASSERTIONS = ("jwt_bearer", "saml2_bearer")
SERVER = "http://127.0.0.1:5000"


def make_app() -> Flask:
    app = Flask("gateway", instance_path=tempfile.gettempdir())
    app.config.update(
        SECRET_KEY="bench",
        OAUTH_SCOPES={"read": "Read"},
        OAUTH_ISSUER=SERVER,
        OAUTH_RATE_LIMITS=None,  # one client, one address, as fast as it can
    )
    app.config.update(options())
    if "OAUTH_GRANT_TYPES" in app.config:
        from .. import jwt, saml  # only where they are needed: their imports would count as memory

        app.config["OAUTH_JWT_ISSUERS"] = {jwt.NAME: jwt.JwtIssuer(_key_file("jwt-bearer")).entry}
        app.config["OAUTH_SAML_ISSUERS"] = {saml.NAME: saml.IdentityProvider(_key_file("saml2-bearer")).entry}
    if "BENCH_APP_FILE" in app.config:
        from flask_sqlalchemy import SQLAlchemy

        app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["BENCH_DATABASE"]
        SQLAlchemy(app)
    else:
        app.config["OAUTH_DATABASE_URI"] = os.environ["BENCH_DATABASE"]
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
    if "BENCH_APP_FILE" in app.config:
        wal = ["--wal"] if app.config["BENCH_APP_FILE"] == "wal" else []
        done = app.test_cli_runner().invoke(args=["oauth", "init-db", *wal])
        assert done.exit_code == 0, done.output
    gateway = app.extensions["oauth_gateway"]
    client = gateway.clients.create(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        grant_types=["client_credentials", "authorization_code", "refresh_token"],
        redirect_uris=[REDIRECT_URI],
        scope="read",
    )
    if "OAUTH_GRANT_TYPES" in app.config:
        gateway.clients.create(client_id="partner", grant_types=list(ASSERTIONS), scope="read")
    if "BENCH_LIVE_APPROVALS" in app.config:
        from flask_oauth_gateway.database.tables import metadata

        from ..seeding import seed_refresh_tokens

        with gateway.database.engine.connect() as connection:
            for table in metadata.tables:
                connection.exec_driver_sql(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
        seed_refresh_tokens(gateway, client.key, "read", app.config["BENCH_LIVE_APPROVALS"])


def seed(work: str, number: int) -> list[bytes]:
    from .. import seeding  # not in the server, whose memory is measured

    if work == "token":
        return [standard_request(work, "")]
    if work in ("jwt-bearer", "saml2-bearer"):
        from .. import jwt, saml

        signer = {"jwt-bearer": jwt.JwtIssuer, "saml2-bearer": saml.IdentityProvider}[work](_key_file(work))
        return [raw("POST", "/oauth/token", form=form_of(body)) for body in signer.bodies(number)]
    app = make_app()
    gateway = app.extensions["oauth_gateway"]
    client = gateway.clients.get(CLIENT_ID).key
    if work == "code":
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        challenge = create_s256_code_challenge(VERIFIER)
        values = seeding.seed_codes(gateway, client, "read", number, REDIRECT_URI, challenge)
    elif work == "refresh":
        values = seeding.seed_refresh_tokens(gateway, client, "read", number)
    elif app.config.get("OAUTH_ACCESS_TOKEN_FORMAT") == "jwt":
        with app.test_request_context():
            values = [gateway.tokens.issue(CLIENT_ID)["access_token"] for _ in range(number)]
    else:
        values = seeding.seed_tokens(gateway, client, "read", number)
    return [standard_request(work, value) for value in values]

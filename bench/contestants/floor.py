"""The floor: raw Flask, and one SQL statement a request, by hand through psycopg's cursor. It checks next to nothing.

With the option `jwt`, an algorithm, tokens are JWTs by joserfc and there is no database.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from base64 import b64decode
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from . import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, options, standard_request

HOUR = 3600
SECRET = hashlib.sha256(CLIENT_SECRET.encode()).digest()
TABLES = """
    CREATE TABLE token (hash bytea PRIMARY KEY, family bytea, client text NOT NULL, scope text NOT NULL,
                        expires_at bigint NOT NULL, revoked_at bigint);
    CREATE TABLE refresh (hash bytea PRIMARY KEY, family bytea NOT NULL, client text NOT NULL, scope text NOT NULL,
                          expires_at bigint NOT NULL, spent_at bigint);
    CREATE TABLE code (hash bytea PRIMARY KEY, family bytea NOT NULL, client text NOT NULL, scope text NOT NULL,
                       redirect_uri text NOT NULL, expires_at bigint NOT NULL, spent_at bigint);
"""
FIND = "SELECT client, scope, expires_at FROM token WHERE hash = %s AND revoked_at IS NULL AND expires_at > %s"
ISSUE = "INSERT INTO token (hash, client, scope, expires_at) VALUES (%s, %s, %s, %s)"
REVOKE = "UPDATE token SET revoked_at = %s WHERE hash = %s AND client = %s AND revoked_at IS NULL"
AND_ITS_TOKENS = """, issued AS (
    INSERT INTO token (hash, family, client, scope, expires_at) SELECT %s, family, client, scope, %s FROM spent)
    INSERT INTO refresh (hash, family, client, scope, expires_at) SELECT %s, family, client, scope, %s FROM spent"""
SPEND = "WITH spent AS (UPDATE {} SET spent_at = %s WHERE hash = %s AND client = %s AND spent_at IS NULL RETURNING *)"
REFRESH, CODE = (SPEND.format(table) + AND_ITS_TOKENS for table in ("refresh", "code"))


def connect() -> Any:
    import psycopg

    uri = os.environ["BENCH_DATABASE"].replace("+psycopg", "")
    connection = psycopg.connect(uri, autocommit=True)
    connection.prepare_threshold = 0
    return connection


def make_app() -> Flask:
    app = Flask("floor")
    app.secret_key = "bench"
    algorithm = options().get("jwt")
    if algorithm:
        signed_tokens(app, algorithm)
    else:
        stored_tokens(app)
    return app


def client_of(header: str) -> str:
    client_id, _, secret = b64decode(header[6:]).decode().partition(":")
    assert client_id == CLIENT_ID
    assert secrets.compare_digest(hashlib.sha256(secret.encode()).digest(), SECRET)
    return client_id


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def stored_tokens(app: Flask) -> None:
    kept: list[Any] = []  # one connection a worker, made after the fork

    def run(statement: str, *values: Any) -> Any:
        if not kept:
            kept.append(connect().cursor(binary=True))
        return kept[0].execute(statement, values)

    @app.post("/oauth/token")
    def token() -> Any:
        client, form, now, new = client_of(request.headers["Authorization"]), request.form, int(time.time()), secrets
        access, answer = new.token_urlsafe(32), {"token_type": "Bearer", "expires_in": HOUR, "scope": "read"}
        if form["grant_type"] == "client_credentials":
            run(ISSUE, hash_of(access), client, form["scope"], now + HOUR)
            return {"access_token": access, **answer}
        refresh = new.token_urlsafe(32)
        statement, old = (CODE, form["code"]) if "code" in form else (REFRESH, form["refresh_token"])
        done = run(statement, now, hash_of(old), client, hash_of(access), now + HOUR, hash_of(refresh), now + HOUR)
        assert done.rowcount == 1
        return {"access_token": access, "refresh_token": refresh, **answer}

    @app.post("/oauth/introspect")
    def introspect() -> Any:
        client_of(request.headers["Authorization"])
        found = run(FIND, hash_of(request.form["token"]), int(time.time())).fetchone()
        if found is None:
            return {"active": False}
        return {"active": True, "client_id": found[0], "scope": found[1], "exp": found[2]}

    @app.post("/oauth/revoke")
    def revoke() -> Any:
        client = client_of(request.headers["Authorization"])
        run(REVOKE, int(time.time()), hash_of(request.form["token"]), client)
        return {}

    @app.get("/api")
    def api() -> Any:
        found = run(FIND, hash_of(request.headers.get("Authorization", "")[7:]), int(time.time())).fetchone()
        return {"for": found[0]} if found is not None else Response(status=401)


def key() -> Any:
    from joserfc.jwk import ECKey, RSAKey

    file = Path(os.environ["BENCH_FOLDER"]) / "key.pem"
    return (ECKey if options()["jwt"] == "ES256" else RSAKey).import_key(file.read_bytes())


def new_token(own: Any, client: str) -> str:
    from joserfc import jwt

    now = int(time.time())
    claims = {
        "client_id": client,
        "sub": client,
        "scope": "read",
        "iat": now,
        "exp": now + HOUR,
        "jti": secrets.token_hex(16),
    }
    return jwt.encode({"alg": options()["jwt"], "typ": "at+jwt"}, claims, own)


def signed_tokens(app: Flask, algorithm: str) -> None:
    from joserfc import jwt
    from joserfc.errors import JoseError

    own = key()

    @app.post("/oauth/token")
    def token() -> Any:
        client, scope = client_of(request.headers["Authorization"]), request.form["scope"]
        return {"access_token": new_token(own, client), "token_type": "Bearer", "expires_in": HOUR, "scope": scope}

    @app.get("/api")
    def api() -> Any:
        try:
            claims = jwt.decode(request.headers.get("Authorization", "")[7:], own, algorithms=[algorithm]).claims
        except (JoseError, ValueError):
            return Response(status=401)
        return {"for": claims["client_id"]} if claims["exp"] > time.time() else Response(status=401)


def prepare() -> None:
    if "jwt" in options():
        from joserfc.jwk import ECKey, RSAKey

        made = ECKey.generate_key("P-256") if options()["jwt"] == "ES256" else RSAKey.generate_key(2048)
        Path(os.environ["BENCH_FOLDER"], "key.pem").write_bytes(made.as_pem(private=True))
    else:
        connect().execute(TABLES, prepare=False)


def seed(work: str, number: int) -> list[bytes]:
    if work == "token":
        return [standard_request(work, "")]
    if "jwt" in options():
        own = key()
        return [standard_request(work, new_token(own, CLIENT_ID)) for _ in range(number)]
    values = [secrets.token_urlsafe(32) for _ in range(number)]
    ends = int(time.time()) + HOUR
    table = {"refresh": "refresh", "code": "code"}.get(work, "token")
    columns = "hash, family, client, scope, expires_at" + (", redirect_uri" if work == "code" else "")
    more = (REDIRECT_URI,) if work == "code" else ()
    with connect() as connection, connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
        for value in values:
            copy.write_row((hash_of(value), secrets.token_bytes(16), CLIENT_ID, "read", ends, *more))
    return [standard_request(work, value) for value in values]

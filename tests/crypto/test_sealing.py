"""Secrets that must be had again in clear: encrypted at rest, under keys that may change."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import MetaData

from flask_oauth_gateway import ClientMetadataError, ConfigurationError
from tests.support.app import MakeApp, server_of
from tests.support.databases import every_database
from tests.support.signing import Signer, claims_of
from tests.support.trading import CLIENT_ASSERTION

METHODS = ["client_secret_basic", "client_secret_jwt"]


def register(app: Flask, **metadata: Any) -> Any:
    metadata |= {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_jwt"}
    return app.extensions["oauth_gateway"].clients.create(**metadata)


def works(app: Flask, made: Any) -> bool:
    """Whether the client can authenticate with its secret."""
    signer = Signer("HS256", kid=None, key=made.client_secret.encode())
    assertion = signer.sign(claims_of(made.client_id, "http://localhost", sub=made.client_id))
    sent = {
        "grant_type": "client_credentials",
        "client_assertion_type": CLIENT_ASSERTION,
        "client_assertion": assertion,
    }
    response = app.test_client().post("/oauth/token", data=sent)
    assert response.status_code in (200, 401), response.text
    return bool(response.status_code == 200)


@every_database
def test_the_secret_is_nowhere_in_the_database_in_clear(make_app: MakeApp) -> None:
    app = make_app(OAUTH_CLIENT_AUTH_METHODS=METHODS)
    made, brought = register(app), register(app, client_secret="a secret of thirty-two characters or more")
    assert works(app, made)
    assert works(app, brought)
    engine = app.extensions["oauth_gateway"].database.engine
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        rows = [str(tuple(row)) for table in metadata.sorted_tables for row in connection.execute(table.select())]
    assert any("sealed$" in row for row in rows)
    for secret in (made.client_secret, brought.client_secret):
        assert not any(secret in row or secret.encode().hex() in row for row in rows)


def test_the_secret_key_may_change_while_the_old_one_is_a_fallback(make_app: MakeApp) -> None:
    first = make_app(OAUTH_CLIENT_AUTH_METHODS=METHODS, SECRET_KEY="first")
    made = register(first)
    assert works(first, made)
    second = make_app(OAUTH_CLIENT_AUTH_METHODS=METHODS, SECRET_KEY="second", SECRET_KEY_FALLBACKS=["zeroth", "first"])
    assert works(second, made)
    assert not works(make_app(OAUTH_CLIENT_AUTH_METHODS=METHODS, SECRET_KEY="third"), made)
    of_its_own = make_app(OAUTH_CLIENT_AUTH_METHODS=METHODS, SECRET_KEY="first", OAUTH_KEY_ENCRYPTION_KEY="another")
    assert works(of_its_own, made)
    renewed = register(of_its_own)
    assert works(
        make_app(OAUTH_CLIENT_AUTH_METHODS=METHODS, SECRET_KEY=b"x", OAUTH_KEY_ENCRYPTION_KEY="another"), renewed
    )
    assert not works(first, renewed)


def test_what_was_changed_is_not_opened_and_nothing_is_sealed_alike_twice(app: Flask) -> None:
    sealing = server_of(app).sealing
    sealed = sealing.seal("a secret")
    assert sealing.unseal(sealed) == "a secret"
    assert sealing.seal("a secret") != sealed
    changed = sealed[:20] + ("B" if sealed[20] == "A" else "A") + sealed[21:]
    for wrong in (changed, sealed[:-4], sealed[4:], "", "x", "sealed$", "\u00e4"):
        assert sealing.unseal(wrong) is None


def test_without_a_secret_key_nothing_is_sealed(make_app: MakeApp) -> None:
    app = make_app(SECRET_KEY=None, OAUTH_CLIENT_AUTH_METHODS=METHODS)
    with pytest.raises(ConfigurationError, match="SECRET_KEY is None"):
        register(app)


def test_a_secret_that_signs_is_a_long_one(make_app: MakeApp) -> None:
    app = make_app(OAUTH_CLIENT_AUTH_METHODS=METHODS)
    with pytest.raises(ClientMetadataError, match="32 to 1024"):
        register(app, client_secret="x" * 31)


def test_a_client_that_is_changed_to_sign_needs_a_new_secret(make_app: MakeApp) -> None:
    """The old one is a hash, with which nothing can be checked but the secret itself."""
    app = make_app(OAUTH_CLIENT_AUTH_METHODS=METHODS)
    clients = app.extensions["oauth_gateway"].clients
    made = clients.create(grant_types=["client_credentials"])
    clients.update(made.client_id, token_endpoint_auth_method="client_secret_jwt")
    assert not works(app, made)
    assert works(app, clients.rotate_secret(made.client_id))

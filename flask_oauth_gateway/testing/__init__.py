"""Fixtures for the tests of your own app. In its outermost conftest.py: `pytest_plugins = ["flask_oauth_gateway.testing"]`.

They use your `app` fixture, and refuse an app whose `TESTING` is off. Nothing in the package imports this module, so an
app in production never loads it. (PYTEST_DONT_REWRITE: it asserts nothing, and a conftest.py may import its names.)
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from flask import request

from ..clients.registry import ClientNotFound
from ..errors import InvalidToken
from ..tokens.access_token import RESERVED, AccessToken
from ..web.addresses import first_peer
from .clock import Clock
from .tokens import Certificate, OAuthToken, ProofKey, server_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from flask import Flask
    from flask.testing import FlaskClient

    from ..stores.registered_client import Client

__all__ = ["Clock", "OAuthToken", "authorized_client", "oauth_client", "oauth_clock", "oauth_token"]


@pytest.fixture
def oauth_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time stands still for this test; `oauth_clock.advance(seconds)` lets it pass."""
    return Clock(monkeypatch)


@pytest.fixture
def oauth_token(app: Flask) -> Iterator[Callable[..., OAuthToken]]:
    """Makes access tokens that the app's protected views take during this test.

    `oauth_token("weather:read", subject="alice").headers` goes into a request. The token has exactly these `scopes`;
    `subject` is its user, if it has one; `expires_in` is in seconds; `claims` are further details that a server knows
    of a token: `auth_time`, `acr`, `amr`, `authorization_details`. `dpop=True`: the token is bound to a key, and
    `headers_for(method, url)` makes a proof; `certificate`: it is bound to this one (of `cryptography`, or PEM), or with
    `True` to one that is made for it.
    Neither the token nor its client is stored or looked up.
    """
    server = server_of(app)
    made: dict[str, AccessToken] = {}
    read, validate = server.validators.read, server.guard.validate

    def read_made(presented: str) -> AccessToken:
        token = made.get(presented)
        if token is None:
            return read(presented)
        if token.exp <= time.time():
            raise InvalidToken("The access token expired.", token.client_id)
        return token

    server.validators.read, server.guard.validate = read_made, server.validators.validate

    def oauth_token(
        *scopes: str,
        subject: str | None = None,
        client_id: str = "test-client",
        attributes: Mapping[str, Any] | None = None,
        audience: str | Iterable[str] = (),
        grant_type: str | None = None,
        expires_in: int = 3600,
        claims: Mapping[str, Any] | None = None,
        dpop: bool = False,
        certificate: Any = None,
    ) -> OAuthToken:
        taken = RESERVED.intersection(attributes or ())
        if taken:
            raise ValueError(f"A token attribute can't be named {min(taken)!r}: the protocol uses that name itself.")
        value, now = OAuthToken(f"test-{secrets.token_urlsafe(16)}"), int(time.time())
        value.app, cnf = app, {}
        if dpop:
            value.key = ProofKey()
            cnf["jkt"] = value.key.thumbprint
        if certificate:
            tied = Certificate(certificate)
            value.certificate = tied.environ(server.settings)
            cnf["x5t#S256"] = tied.thumbprint
        token = AccessToken(
            token_id=secrets.token_hex(16),
            client_id=client_id,
            client_key=None,
            subject=subject,
            scope=" ".join(scopes),
            audience=audience if isinstance(audience, str) else " ".join(audience),
            grant_type=grant_type or ("client_credentials" if subject is None else "authorization_code"),
            attributes=attributes,
            details={**(claims or {}), "cnf": cnf} if cnf else claims,
            iat=now,
            exp=now + expires_in,
            issuer=None if server.issues_tokens else next(iter(server.settings.trusted_token_issuers)),
            users=server.users,
        )
        made[value] = token
        return value

    yield oauth_token
    server.validators.read, server.guard.validate = read, validate


@pytest.fixture
def authorized_client(app: Flask, oauth_token: Callable[..., OAuthToken]) -> Callable[..., FlaskClient]:
    """Makes test clients of the app that send a token with each request. Its arguments are those of `oauth_token`.

    A token that is bound goes with a proof of its own for each request, or with its certificate.
    """

    def authorized_client(*scopes: str, **about: Any) -> FlaskClient:
        client = app.test_client()
        server, token = server_of(app), oauth_token(*scopes, **about)
        key, send = token.key, client.run_wsgi_app
        client.environ_base["HTTP_AUTHORIZATION"] = f"{'Bearer' if key is None else 'DPoP'} {token}"
        if token.certificate:
            client.environ_base |= token.certificate
            client.environ_base["REMOTE_ADDR"] = first_peer(server.settings.mtls_peers)
        if key is None:
            return client

        def send_with_proof(environ: WSGIEnvironment, buffered: bool = False) -> Any:
            with app.request_context(environ):
                environ["HTTP_DPOP"] = key.proof(server, request, token)
            return send(environ, buffered)

        client.run_wsgi_app = send_with_proof  # type: ignore[method-assign]  # whatever class the app's clients have
        return client

    return authorized_client


@pytest.fixture
def oauth_client(app: Flask) -> Iterator[Callable[..., Client]]:
    """Registers clients in the app's registry, and deletes them when the test is over.

    Its arguments are those of `gateway.clients.create`. By default the client has the grant `client_credentials` and
    every scope of the app's own. Its attribute `client_secret` holds the secret in plain.
    """
    server = server_of(app)
    registered: list[str] = []

    def oauth_client(**metadata: Any) -> Client:
        defaults: dict[str, Any] = {
            "client_name": "Test client",
            "grant_types": ["client_credentials"],
            "scope": server.settings.app_scopes,
        }
        client = server.client_registry.create(**defaults | metadata)
        registered.append(client.client_id)
        return client

    yield oauth_client
    for client_id in registered:
        with suppress(ClientNotFound):
            server.client_registry.delete(client_id)

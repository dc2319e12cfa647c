"""Fixtures for the tests of your own app. In its outermost conftest.py: `pytest_plugins = ["flask_oauth_gateway.testing"]`.

They use your `app` fixture, and refuse an app whose `TESTING` is off. Nothing in the package imports this module, so an
app in production never loads it. (PYTEST_DONT_REWRITE: it asserts nothing, and a conftest.py may import its names.)
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from .clients.registry import ClientNotFound
from .errors import InvalidToken
from .tokens.access_token import RESERVED, AccessToken
from .web.environ import SERVER

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from .authorization_server import AuthorizationServer
    from .stores.registered_client import Client

__all__ = ["Clock", "OAuthToken", "authorized_client", "oauth_client", "oauth_clock", "oauth_token"]


class OAuthToken(str):
    """A token's value."""

    __slots__ = ()

    @property
    def headers(self) -> dict[str, str]:
        """The header that presents the token (RFC 6750 section 2.1)."""
        return {"Authorization": f"Bearer {self}"}


class Clock:
    """The time as this process reads it. It stands still, on a whole second, until `advance` is called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = float(int(time.time()))  #: seconds since 1970
        self._advanced = 0.0
        monotonic = time.monotonic
        monkeypatch.setattr(time, "time", lambda: self.now)
        # The monotonic clock goes on by itself too: there are loops that wait for it.
        monkeypatch.setattr(time, "monotonic", lambda: monotonic() + self._advanced)

    def advance(self, by: float | timedelta) -> None:
        """Let time pass, in seconds or as a `timedelta`."""
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        self.now += seconds
        self._advanced += seconds


def _server_of(app: Flask) -> AuthorizationServer:
    """The server of an app under test. Raises `pytest.UsageError` where the app has no gateway or `TESTING` is off."""
    if SERVER not in app.extensions:
        raise pytest.UsageError("The app of the fixture 'app' has no gateway: call gateway.init_app(app) in it.")
    if not app.testing:
        raise pytest.UsageError(
            "The app of the fixture 'app' is not under test: give it app.config['TESTING'] = True, before init_app."
        )
    server: AuthorizationServer = app.extensions[SERVER]
    return server


@pytest.fixture
def oauth_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time stands still for this test; `oauth_clock.advance(seconds)` lets it pass."""
    return Clock(monkeypatch)


@pytest.fixture
def oauth_token(app: Flask) -> Iterator[Callable[..., OAuthToken]]:
    """Makes access tokens that the app's protected views take during this test.

    `oauth_token("weather:read", subject="alice").headers` goes into a request. The token has exactly these `scopes`;
    `subject` is its user, if it has one; `expires_in` is in seconds; `claims` are further details that a server knows
    of a token: `auth_time`, `acr`, `amr`. Neither the token nor its client is stored or looked up.
    """
    server = _server_of(app)
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
    ) -> OAuthToken:
        taken = RESERVED.intersection(attributes or ())
        if taken:
            raise ValueError(f"A token attribute can't be named {min(taken)!r}: the protocol uses that name itself.")
        value, now = OAuthToken(f"test-{secrets.token_urlsafe(16)}"), int(time.time())
        token = AccessToken(
            token_id=secrets.token_hex(16),
            client_id=client_id,
            client_key=None,
            subject=subject,
            scope=" ".join(scopes),
            audience=audience if isinstance(audience, str) else " ".join(audience),
            grant_type=grant_type or ("client_credentials" if subject is None else "authorization_code"),
            attributes=attributes,
            details=claims,
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
    """Makes test clients of the app that send a token with each request. Its arguments are those of `oauth_token`."""

    def authorized_client(*scopes: str, **about: Any) -> FlaskClient:
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = oauth_token(*scopes, **about).headers["Authorization"]
        return client

    return authorized_client


@pytest.fixture
def oauth_client(app: Flask) -> Iterator[Callable[..., Client]]:
    """Registers clients in the app's registry, and deletes them when the test is over.

    Its arguments are those of `gateway.clients.create`. By default the client has the grant `client_credentials` and
    every scope of the app's own. Its attribute `client_secret` holds the secret in plain.
    """
    server = _server_of(app)
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

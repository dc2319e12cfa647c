"""requests-oauthlib drives the flows that it knows, each by its client class."""

from typing import Any

import pytest
from oauthlib.oauth2 import (
    BackendApplicationClient,
    InvalidGrantError,
    LegacyApplicationClient,
    MobileApplicationClient,
)
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.serving import Server, Walker

REDIRECT_URI = "https://app.example/callback"


@pytest.fixture(autouse=True)
def plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """oauthlib knows no loopback."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def basic(registered: Client) -> HTTPBasicAuth:
    return HTTPBasicAuth(registered.client_id, registered.client_secret)


def test_web_application_client(server: Server, alice: Walker) -> None:
    registered = server.register("authorization_code", "refresh_token", redirect_uris=[REDIRECT_URI])
    saved: list[dict[str, Any]] = []
    with OAuth2Session(
        registered.client_id,
        redirect_uri=REDIRECT_URI,
        scope=["weather:read"],
        pkce="S256",
        auto_refresh_url=server.token,
        auto_refresh_kwargs={"client_id": registered.client_id, "client_secret": registered.client_secret},
        token_updater=saved.append,
    ) as client:
        url, _ = client.authorization_url(server.authorize)
        back = alice.approve(url, REDIRECT_URI)
        token = client.fetch_token(server.token, authorization_response=back, client_secret=registered.client_secret)
        assert token["scope"] == ["weather:read"]
        assert client.get(server.me).json() == {"client": registered.client_id, "subject": "alice"}

        client.token = {**token, "expires_at": 1}  # an hour later
        assert client.get(server.me).json()["subject"] == "alice"
        assert saved[0]["refresh_token"] != token["refresh_token"]


def test_mobile_application_client(server: Server, alice: Walker) -> None:
    registered = server.register("implicit", token_endpoint_auth_method="none", redirect_uris=[REDIRECT_URI])
    with OAuth2Session(
        client=MobileApplicationClient(registered.client_id), redirect_uri=REDIRECT_URI, scope=["weather:read"]
    ) as client:
        url, _ = client.authorization_url(server.authorize)
        client.token_from_fragment(alice.approve(url, REDIRECT_URI))
        assert client.get(server.me).json()["subject"] == "alice"


def test_legacy_application_client(server: Server) -> None:
    registered = server.register("password", "refresh_token")
    with OAuth2Session(client=LegacyApplicationClient(registered.client_id, scope=["weather:read"])) as client:
        client.fetch_token(server.token, username="alice", password="alice", auth=basic(registered))
        assert client.get(server.me).json()["subject"] == "alice"
        old = client.token["access_token"]
        client.refresh_token(server.token, auth=basic(registered))
        assert client.token["access_token"] != old


def test_a_wrong_password(server: Server) -> None:
    registered = server.register("password")
    with (
        OAuth2Session(client=LegacyApplicationClient(registered.client_id)) as client,
        pytest.raises(InvalidGrantError),
    ):
        client.fetch_token(server.token, username="alice", password="guessed", auth=basic(registered))


def test_backend_application_client(server: Server) -> None:
    registered = server.register("client_credentials")
    with OAuth2Session(client=BackendApplicationClient(registered.client_id, scope=["weather:read"])) as client:
        client.fetch_token(server.token, client_secret=registered.client_secret)
        assert client.get(server.me).json() == {"client": registered.client_id, "subject": None}

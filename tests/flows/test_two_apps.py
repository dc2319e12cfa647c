"""Two apps over real HTTP: one issues tokens, the other checks them, by keys or by asking."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import close_app
from tests.support.checking import API, asked, checking_app
from tests.support.serving import Server, build_server, serving

OWN = SimpleNamespace(client_id="own", client_secret="a secret of its own")
SECONDS = 1  # how late an app that asks may learn of a revocation


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    config = {"OAUTH_RESOURCES": {"/": API}, "OAUTH_TOKEN_CACHE_SECONDS": SECONDS}
    with serving(lambda url: build_server(url, instance_path=str(tmp_path / "instance"), **config)) as (url, app):
        yield Server(url, app)
    close_app(app)


@pytest.fixture
def api(server: Server) -> Iterator[dict[str, str]]:
    """Where the other app answers: it goes by the keys, it asks, and it asks as a client that has tokens itself."""
    asker = server.register(resource_server=True)
    server.register("password", "refresh_token", client_id="own", client_secret=OWN.client_secret)
    entries = {
        "keys": {"jwks_uri": f"{server.url}/oauth/jwks", "audience": API},
        "asks": asked(server.introspect, client_id=asker.client_id, client_secret=asker.client_secret),
        "own": asked(server.introspect, client_id="own", client_secret=OWN.client_secret, audience=(API, "own")),
    }
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                serving(
                    lambda _, entry=entry: checking_app({server.url: entry}, OAUTH_TOKEN_CACHE_SECONDS=SECONDS)  # type: ignore[misc]
                )
            )[0]
            for name, entry in entries.items()
        }


def get(url: str, token: str, path: str = "/who") -> requests.Response:
    return requests.get(f"{url}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=5)


def tokens(server: Server, registered: Client, **form: str) -> dict[str, Any]:
    answer = requests.post(server.token, data=form, auth=(registered.client_id, registered.client_secret), timeout=5)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_token_of_one_opens_the_other_until_it_is_revoked(server: Server, api: dict[str, str]) -> None:
    for kind, places in (("jwt", ("keys", "asks")), ("opaque", ("asks",))):
        shop = server.register("password", access_token_format=kind)
        given = tokens(
            server,
            shop,
            grant_type="password",
            username="alice",
            password="alice",
            scope="weather:read",
        )
        token = given["access_token"]
        for place in places:
            answer = get(api[place], token)
            assert answer.status_code == 200, answer.text
            said = answer.json()
            assert (said["client"], said["subject"], said["user"]) == (shop.client_id, "alice", "Alice")
            assert (said["scopes"], said["issuer"]) == (["weather:read"], server.url)
            assert get(api[place], token, "/weather").status_code == 200
        requests.post(server.revoke, data={"token": token}, auth=(shop.client_id, shop.client_secret), timeout=5)
        assert get(api["asks"], token).status_code == 200, "it was told that it may remember it"
        time.sleep(SECONDS + 0.1)
        assert get(api["asks"], token).status_code == 401
    assert get(api["keys"], token).status_code == 401, "who goes by keys knows no opaque token"


def test_a_client_s_own_refresh_token_is_active_and_no_access_token(server: Server, api: dict[str, str]) -> None:
    given = tokens(server, OWN, grant_type="password", username="alice", password="alice", scope="weather:read")
    asked_about = {"token": given["refresh_token"]}
    answer = requests.post(server.introspect, data=asked_about, auth=(OWN.client_id, OWN.client_secret), timeout=5)
    assert answer.json()["active"] is True
    assert "token_type" not in answer.json()
    assert get(api["own"], given["access_token"]).status_code == 200
    assert get(api["own"], given["refresh_token"]).status_code == 401

    shop = server.register("client_credentials")
    token = tokens(server, shop, grant_type="client_credentials")["access_token"]
    assert get(api["own"], token).status_code == 401, "it may not know others' tokens"
    assert get(api["asks"], token).json()["subject"] is None

"""A client that another process disabled or changed gets, asks for and revokes nothing by what this process remembers of it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway import ClientNotFound, OAuthGateway
from tests.support import device
from tests.support.app import MakeApp, basic, is_accepted, refusal, register, token_for
from tests.support.site import MakeSite, granted

Change = Callable[[OAuthGateway, str], Any]
ENDED: dict[str, Change] = {
    "disabled": lambda there, client_id: there.clients.update(client_id, enabled=False),
    "deleted": lambda there, client_id: there.clients.delete(client_id),
    "with another secret": lambda there, client_id: there.clients.rotate_secret(client_id),
}


@pytest.fixture(params=["opaque", "jwt"])
def apps(make_app: MakeApp, request: pytest.FixtureRequest) -> tuple[Flask, OAuthGateway]:
    """An app that remembers its clients, and the gateway of another process on the same database."""
    here, there = (make_app(OAUTH_ACCESS_TOKEN_FORMAT=request.param) for _ in range(2))
    return here, there.extensions["oauth_gateway"]


@pytest.mark.parametrize("change", ENDED.values(), ids=ENDED)
def test_it_gets_no_token(apps: tuple[Flask, OAuthGateway], change: Change) -> None:
    here, there = apps
    client, http = register(here), here.test_client()
    token_for(http, client)
    change(there, client.client_id)
    answer = http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers=basic(client.client_id, client.client_secret),
    )
    refusal(answer, 401, "invalid_client")


def test_the_app_s_own_code_mints_nothing_for_one_that_is_disabled(apps: tuple[Flask, OAuthGateway]) -> None:
    here, there = apps
    client, gateway = register(here), here.extensions["oauth_gateway"]
    with here.test_request_context():
        gateway.tokens.issue(client.client_id, subject="alice")
        there.clients.update(client.client_id, enabled=False)
        with pytest.raises(ClientNotFound):
            gateway.tokens.issue(client.client_id, subject="alice")


def test_it_gets_no_scope_that_was_taken_away(apps: tuple[Flask, OAuthGateway]) -> None:
    here, there = apps
    client, http = register(here), here.test_client()
    assert token_for(http, client)["scope"] == "weather:read weather:write"
    there.clients.update(client.client_id, scope="weather:read")
    assert token_for(http, client)["scope"] == "weather:read"


@pytest.mark.parametrize("change", ENDED.values(), ids=ENDED)
@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
def test_it_neither_introspects_nor_revokes(apps: tuple[Flask, OAuthGateway], change: Change, path: str) -> None:
    here, there = apps
    http, other, asker = here.test_client(), register(here), register(here, resource_server=True)
    headers = basic(asker.client_id, asker.client_secret)
    tokens = [token_for(http, client)["access_token"] for client in (other, asker)]
    for token in tokens:
        assert http.post("/oauth/introspect", data={"token": token}, headers=headers).get_json()["active"]
    change(there, asker.client_id)
    for token in tokens:
        refusal(http.post(path, data={"token": token}, headers=headers), 401, "invalid_client")
    assert is_accepted(http, tokens[0])


def test_one_that_was_changed_otherwise_gives_its_token_back(apps: tuple[Flask, OAuthGateway]) -> None:
    here, there = apps
    client, http = register(here), here.test_client()
    token, other = (token_for(http, client)["access_token"] for _ in range(2))
    there.clients.update(client.client_id, client_name="Another name")
    headers = basic(client.client_id, client.client_secret)
    assert http.post("/oauth/revoke", data={"token": token}, headers=headers).status_code == 200
    assert not is_accepted(http, token)
    assert is_accepted(http, other)


@pytest.mark.parametrize("grant", ["authorization_code", "refresh_token", "device_code"])
def test_one_that_was_made_anew_gets_what_it_was_given_since(make_site: MakeSite, grant: str) -> None:
    here, there = make_site(), make_site()
    about = {
        "client_id": "one",
        "client_secret": "kept by whoever made it",
        "grant_types": ["authorization_code", "refresh_token", "device_code"],
    }
    here.tokens(here.register(**about))
    there.gateway.clients.delete("one")
    made = there.register(**about)
    if grant == "authorization_code":
        response = here.redeem(made, there.code(made))
    elif grant == "refresh_token":
        response = here.refresh(made, there.tokens(made)["refresh_token"])
    else:
        started = device.start(there, made)
        device.decide(there, started["user_code"])
        response = device.poll(here, made, started["device_code"])
    assert granted(response)["access_token"]

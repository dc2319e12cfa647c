"""`gateway.tokens`: minting, finding, revoking and annotating tokens in code."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from flask_oauth_gateway import ClientNotFound, OAuthGateway
from flask_oauth_gateway.database.tables import access_token
from flask_oauth_gateway.errors import InvalidScopeError
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, basic, bearer, is_accepted, register, register_public, token_for
from tests.support.clock import Clock
from tests.support.databases import sqlite_only


def issue(gateway: OAuthGateway, made: Any, **options: Any) -> str:
    return str(gateway.tokens.issue(made.client_id, **options)["access_token"])


def count(gateway: OAuthGateway) -> int:
    return int(gateway.database.first(select(func.count()).select_from(access_token))[0])


# Minting


def test_a_token_minted_in_code_is_as_good_as_one_from_the_endpoint(
    client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    answer = gateway.tokens.issue(
        registered.client_id, subject="alice", scope=["weather:read"], expires_in=60, attributes={"plan": "gold"}
    )
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("Bearer", 60, "weather:read")
    assert answer["plan"] == "gold"
    assert is_accepted(client, answer["access_token"])
    found = gateway.tokens.get(token=answer["access_token"])
    assert (found.client_id, found.subject, found.grant_type) == (registered.client_id, "alice", "direct")
    assert found.refusal is None
    assert found.exp == found.iat + 60


@sqlite_only
def test_a_minted_token_takes_its_defaults_from_client_and_settings(make_app: MakeApp) -> None:
    app = make_app(OAUTH_ACCESS_TOKEN_LIFETIME={"nightly": 30}, OAUTH_DEFAULT_SCOPES=["weather:read"])
    gateway = app.extensions["oauth_gateway"]
    made = register(app)
    assert gateway.tokens.issue(made.client_id)["expires_in"] == 3600
    assert gateway.tokens.issue(made.client_id)["scope"] == "weather:read"
    assert gateway.tokens.issue(made.client_id, grant_type="nightly")["expires_in"] == 30
    assert gateway.tokens.issue(made.client_id, scope="weather:write")["scope"] == "weather:write"
    public = gateway.tokens.issue(register_public(app, access_token_lifetime=5).client_id)
    assert public["expires_in"] == 5


@sqlite_only
def test_the_attributes_hook_is_asked_and_knows_the_user(gateway: OAuthGateway, registered: Client) -> None:
    asked = []
    gateway.load_user({"alice": "the user Alice"}.get)

    @gateway.token_attributes
    def attributes(client: Any, user: Any, scopes: frozenset[str], grant_type: str) -> dict[str, Any]:
        asked.append((user, scopes, grant_type))
        return {"plan": "hook", "_kept": 1}

    answer = gateway.tokens.issue(
        registered.client_id, subject="alice", scope="weather:read", attributes={"plan": "given", "zone": "x"}
    )
    assert asked == [("the user Alice", frozenset({"weather:read"}), "direct")]
    assert (answer["plan"], answer["zone"]) == ("hook", "x")
    assert gateway.tokens.get(token=answer["access_token"]).attributes == {"plan": "hook", "zone": "x", "_kept": 1}


@sqlite_only
def test_no_token_is_minted_for_whom_there_is_not_or_beyond_what_a_client_may(
    app: Flask, gateway: OAuthGateway, registered: Client
) -> None:
    disabled = register(app)
    gateway.clients.update(disabled.client_id, enabled=False)
    for client_id in ("nobody", disabled.client_id):
        with pytest.raises(ClientNotFound):
            gateway.tokens.issue(client_id)
    with pytest.raises(InvalidScopeError, match="weather:rain"):
        gateway.tokens.issue(registered.client_id, scope="weather:rain")
    for name in ("scope", "exp", "access_token", "active", "family", "client_only"):
        with pytest.raises(ValueError, match=f"can't be named '{name}'"):
            gateway.tokens.issue(registered.client_id, attributes={name: 1})
    for wrong in ({"subject": ""}, {"subject": "x" * 256}, {"subject": "a\0b"}, {"expires_in": 0}):
        with pytest.raises(ValueError, match=r"subject has 1 to 255|for a second or more"):
            gateway.tokens.issue(registered.client_id, **wrong)
    assert count(gateway) == 0


# Finding


def test_tokens_are_found_by_client_by_user_and_both_in_pages(
    app: Flask, gateway: OAuthGateway, registered: Client
) -> None:
    other = register(app)
    for number, (made, subject) in enumerate([(registered, "alice"), (registered, "bob"), (other, "alice")] * 3):
        issue(gateway, made, subject=subject, expires_in=600 + number // 2)  # some share their expiry
    issue(gateway, other, expires_in=5000)

    def pages(limit: int, **filters: Any) -> list[list[Any]]:
        found, after = [], None
        while True:
            page = gateway.tokens.find(limit=limit, after=after, **filters)
            found.append(page.tokens)
            after = page.next
            if after is None:
                return found

    def total(**filters: Any) -> int:
        return len(gateway.tokens.find(**filters).tokens)

    assert [len(page) for page in pages(4)] == [4, 4, 2]
    assert [len(page) for page in pages(5)] == [5, 5]
    every = [token for page in pages(1) for token in page]
    assert len({token.token_id for token in every}) == 10
    assert [token.exp for token in every] == sorted((token.exp for token in every), reverse=True)
    assert every[0].subject is None
    assert total(client_id=registered.client_id) == 6
    assert total(subject="alice") == 6
    assert total(subject="Alice") == 0  # names are told apart by case
    assert total(client_id=other.client_id, subject="alice") == 3
    assert total(client_id="nobody") == 0
    assert gateway.tokens.find(limit=10).next is None
    for token in gateway.tokens.find(subject="alice", client_id=other.client_id).tokens:
        assert (token.subject, token.client_id) == ("alice", other.client_id)


@sqlite_only
def test_a_user_s_number_is_no_subject_and_the_error_says_what_is(gateway: OAuthGateway) -> None:
    for ask in (gateway.tokens.revoke, gateway.tokens.find):
        with pytest.raises(ValueError, match="The subject is of type int; it may be a text"):
            ask(subject=1)  # type: ignore[arg-type]


@sqlite_only
def test_a_page_is_asked_for_as_an_earlier_one_said(gateway: OAuthGateway) -> None:
    for wrong in ("", "5", "x.y", "5." + "G" * 64, "5." + "a" * 63, "-5." + "a" * 64):
        with pytest.raises(ValueError, match="what an earlier page gave as next"):
            gateway.tokens.find(after=wrong)
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="limit"):
            gateway.tokens.find(limit=wrong)


def test_dead_tokens_are_listed_only_on_request_each_with_the_reason(
    app: Flask, gateway: OAuthGateway, registered: Client, clock: Clock
) -> None:
    disabled = register(app)
    live, revoked, expired = (issue(gateway, registered, expires_in=seconds) for seconds in (600, 600, 5))
    stopped = issue(gateway, disabled)
    gateway.tokens.revoke(token=revoked)
    gateway.clients.update(disabled.client_id, enabled=False)
    clock.advance(6)
    assert [t.token_id for t in gateway.tokens.find(client_id=registered.client_id).tokens] == [
        gateway.tokens.get(token=live).token_id
    ]
    assert len(gateway.tokens.find(live=False).tokens) == 4
    reasons = {token: gateway.tokens.get(token=token).refusal for token in (live, revoked, expired, stopped)}
    assert reasons == {
        live: None,
        revoked: "The access token was revoked.",
        expired: "The access token expired.",
        stopped: "The client of this access token was disabled or deleted.",
    }


def test_a_token_is_got_by_its_value_or_by_what_it_is_called(gateway: OAuthGateway, registered: Client) -> None:
    token = issue(gateway, registered)
    found = gateway.tokens.get(token=token)
    assert gateway.tokens.get(token_id=found.token_id).token_id == found.token_id
    assert token not in found.token_id
    for nothing in ({"token": "other"}, {"token_id": "0" * 32}, {"token_id": token}, {"token_id": ""}, {}):
        assert gateway.tokens.get(**nothing) is None


# Revoking


@pytest.mark.parametrize(
    ("filters", "revoked"),
    [
        ({"token": "a"}, "a"),
        ({"token_id": "a"}, "a"),
        ({"client_id": "1"}, "a b c d"),
        ({"subject": "alice"}, "a c e"),
        ({"client_id": "1", "subject": "alice"}, "a c"),
        ({"client_id": "1", "issued_before": 50}, "a b"),
        ({"subject": "alice", "issued_before": 50}, "a e"),
        ({"issued_before": 50}, "a b e"),
        ({"issued_before": 150}, "a b c d e f"),
        ({"token": "a", "client_id": "2"}, ""),
        ({"token": "a", "subject": "bob"}, ""),
        ({"token": "a", "issued_before": 0}, ""),
        ({"client_id": "nobody"}, ""),
        ({"subject": "nobody"}, ""),
    ],
)
@sqlite_only
def test_what_fits_all_that_is_given_is_revoked_and_nothing_else(
    app: Flask,
    client: FlaskClient,
    gateway: OAuthGateway,
    registered: Client,
    clock: Clock,
    filters: dict[str, Any],
    revoked: str,
) -> None:
    other = register(app)
    start = datetime.now(UTC)
    tokens = {
        "a": issue(gateway, registered, subject="alice", expires_in=9999),
        "b": issue(gateway, registered, subject="bob", expires_in=9999),
        "e": issue(gateway, other, subject="alice", expires_in=9999),
    }
    clock.advance(100)
    tokens["c"] = issue(gateway, registered, subject="alice")
    tokens["d"] = issue(gateway, registered)
    tokens["f"] = issue(gateway, other)
    clock.advance(100)
    named = {
        "1": registered.client_id,
        "2": other.client_id,
        "a": gateway.tokens.get(token=tokens["a"]).token_id if "token_id" in filters else tokens["a"],
        50: start + timedelta(seconds=50),
        0: int(start.timestamp()) - 1,
        150: int(start.timestamp()) + 150,
    }
    arguments = {name: named.get(value, value) for name, value in filters.items()}
    assert gateway.tokens.revoke(**arguments) == len(revoked.split())
    assert {name for name, token in tokens.items() if not is_accepted(client, token)} == set(revoked.split())
    assert gateway.tokens.revoke(**arguments) == 0


def test_revoking_everything_of_a_client_and_a_user_works_on_every_database(
    client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    tokens = [issue(gateway, registered, subject=subject) for subject in ("alice", "alice", "bob")]
    assert gateway.tokens.revoke(client_id=registered.client_id, subject="alice") == 2
    assert [is_accepted(client, token) for token in tokens] == [False, False, True]


@sqlite_only
def test_revoking_everything_by_oversight_is_not_offered(
    client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    token = issue(gateway, registered)
    with pytest.raises(ValueError, match="needs a token, token_id, client_id, subject or issued_before"):
        gateway.tokens.revoke()
    assert is_accepted(client, token)


@sqlite_only
@pytest.mark.parametrize("ahead", [1, 3600, 2**53])
@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_tokens_that_are_yet_to_come_are_not_revoked(make_app: MakeApp, form: str, ahead: int) -> None:
    app = make_app(OAUTH_ACCESS_TOKEN_FORMAT=form)
    gateway, registered = app.extensions["oauth_gateway"], register(app)
    token = issue(gateway, registered, subject="alice")
    now = time.time()
    in_milliseconds = int(now * 1000)
    for before in (int(now) + 1 + ahead, in_milliseconds, datetime.now(UTC) + timedelta(seconds=1 + min(ahead, 10**6))):
        for which in ({"subject": "alice"}, {"client_id": registered.client_id}, {"token": token}, {}):
            with pytest.raises(ValueError, match="issued_before lies in the future"):
                gateway.tokens.revoke(**which, issued_before=before)
    later = issue(gateway, registered, subject="alice")
    assert is_accepted(app.test_client(), token)
    assert is_accepted(app.test_client(), later)


# Attributes


def test_attributes_of_a_live_token_are_added_changed_and_taken_away(
    client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    token = issue(gateway, registered, attributes={"plan": "gold", "zone": "x"})
    assert gateway.tokens.set_attributes({"plan": "tin", "zone": None, "_kept": [1]}, token=token) is True
    found = gateway.tokens.get(token=token)
    assert found.attributes == {"plan": "tin", "_kept": [1]}
    answer = client.get("/oauth/tokeninfo", headers=bearer(token)).get_json()
    assert answer["plan"] == "tin"
    assert "_kept" not in answer
    assert gateway.tokens.set_attributes({"plan": None, "_kept": None}, token_id=found.token_id) is True
    assert gateway.tokens.get(token=token).attributes == {}


@sqlite_only
def test_attributes_of_a_dead_token_stay_as_they_are(gateway: OAuthGateway, registered: Client) -> None:
    token = issue(gateway, registered)
    with pytest.raises(ValueError, match="can't be named 'scope'"):
        gateway.tokens.set_attributes({"scope": "everything"}, token=token)
    gateway.tokens.revoke(token=token)
    assert gateway.tokens.set_attributes({"plan": "gold"}, token=token) is False
    assert gateway.tokens.set_attributes({"plan": "gold"}, token="unknown") is False
    assert gateway.tokens.set_attributes({"plan": "gold"}, token_id="0" * 32) is False
    assert gateway.tokens.get(token=token).attributes == {}


# Purging


def test_what_has_expired_is_purged_in_batches_and_what_lives_stays(
    client: FlaskClient, gateway: OAuthGateway, registered: Client, clock: Clock
) -> None:
    live = token_for(client, registered)["access_token"]
    for _ in range(7):
        issue(gateway, registered, expires_in=5)
    assert gateway.tokens.purge() == 0
    clock.advance(7)
    assert gateway.tokens.purge(batch=3) == 7
    assert count(gateway) == 1
    assert is_accepted(client, live)
    form = {"token": live}
    headers = basic(registered.client_id, registered.client_secret)
    assert client.post("/oauth/introspect", data=form, headers=headers).get_json()["active"] is True

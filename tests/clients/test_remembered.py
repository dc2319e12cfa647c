"""A process remembers a client for minutes where the statement that acts checks it again: another one's changes count at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_oauth_gateway.stores import clients as stored_clients
from tests.support.app import MakeApp, basic, bearer, is_accepted, refusal
from tests.support.clock import Clock
from tests.support.other_process import PASSWORD, Doing, OtherProcess, Person
from tests.support.statements import statements_of
from tests.support.stored import database_of, register

MINUTES = 240  # after the few seconds of a client that nothing checks again
NEW_SECRET = "another secret, which is long enough"


class Changing(Doing):
    """The process that changes clients."""

    def begin(self) -> None:
        self.create("one")
        self.gateway.clients.update("one", scope=["weather:read"])

    def change(self, **changes: Any) -> None:
        self.gateway.clients.update("one", **changes)

    def change_application(self, **changes: Any) -> None:
        self.gateway.applications.update("partner", **changes)

    def rotate(self) -> None:
        self.gateway.clients.rotate_secret("one", client_secret=NEW_SECRET, overlap=0)


class Remembering:
    """The process that has known the client for minutes."""

    def __init__(self, app: Flask, clock: Clock) -> None:
        self.app, self.client, self.clock = app, app.test_client(), clock
        self.secret = PASSWORD
        self.token = self.asks(grant_type="client_credentials").get_json()["access_token"]
        approved = self.asks(grant_type="password", username="alice", password=PASSWORD).get_json()
        self.refresh_token = approved["refresh_token"]
        clock.advance(MINUTES)

    def post(self, path: str, **form: str) -> TestResponse:
        return self.client.post(path, data=form, headers=basic("one", self.secret))

    def asks(self, **form: str) -> TestResponse:
        return self.post("/oauth/token", **form)

    def acts(self) -> dict[str, TestResponse]:
        """Everything whose statement checks the client."""
        return {
            "client_credentials": self.asks(grant_type="client_credentials"),
            "refresh": self.asks(grant_type="refresh_token", refresh_token=self.refresh_token),
            "introspect": self.post("/oauth/introspect", token=self.token),
            "introspect a refresh token": self.post("/oauth/introspect", token=self.refresh_token),
            "revoke": self.post("/oauth/revoke", token=self.token),
        }


both_formats = pytest.mark.parametrize("app", ["opaque", "jwt"], indirect=True)


@pytest.fixture
def app(make_app: MakeApp, request: pytest.FixtureRequest) -> Flask:
    app = make_app(
        OAUTH_GRANT_TYPES=["client_credentials", "password", "refresh_token", "device_code"],
        OAUTH_ACCESS_TOKEN_FORMAT=getattr(request, "param", "opaque"),
        OAUTH_ACCESS_TOKEN_LIFETIME=86400,
        OAUTH_REVOCATION_POLL_SECONDS=0,
        OAUTH_REFRESH_TOKEN_GRACE=86400,
        OAUTH_RATE_LIMITS=None,
    )
    gateway = app.extensions["oauth_gateway"]
    gateway.check_password(lambda username, password: Person(username) if password == PASSWORD else None)
    return app


@pytest.fixture
def other(app: Flask, database_uri: str, tmp_path: Path) -> Iterator[OtherProcess]:
    with OtherProcess({"OAUTH_DATABASE_URI": database_uri}, tmp_path / "other", Changing) as other:
        other.ask("begin")
        yield other


@pytest.fixture
def one(app: Flask, other: OtherProcess, clock: Clock) -> Remembering:
    return Remembering(app, clock)


@both_formats
def test_a_disabled_client_can_do_nothing(one: Remembering, other: OtherProcess) -> None:
    other.ask("change", enabled=False)
    for what, response in one.acts().items():
        assert response.status_code == 401, what
    other.ask("change", enabled=True)
    assert {what: response.status_code for what, response in one.acts().items()} == {
        "client_credentials": 200, "refresh": 200, "introspect": 200, "introspect a refresh token": 200, "revoke": 200,
    }  # fmt: skip


@both_formats
def test_a_deleted_client_can_do_nothing(one: Remembering, other: OtherProcess) -> None:
    other.ask("delete", client_id="one")
    for what, response in one.acts().items():
        assert response.status_code == 401, what


@both_formats
def test_a_client_that_was_made_anew_has_nothing_of_the_old_one(one: Remembering, other: OtherProcess) -> None:
    other.ask("delete", client_id="one")
    other.ask("create", client_id="one")
    found = one.acts()
    assert found["client_credentials"].status_code == 200
    refusal(found["refresh"], 400, "invalid_grant")
    assert found["introspect"].get_json() == {"active": False}
    assert not is_accepted(one.client, one.token)


def test_the_secret_of_a_client_that_was_made_anew_is_taken_at_once(one: Remembering, other: OtherProcess) -> None:
    other.ask("delete", client_id="one")
    other.ask("create", client_id="one")
    other.ask("change")
    other.ask("rotate")
    one.secret = NEW_SECRET
    assert one.asks(grant_type="client_credentials").status_code == 200


def test_who_knew_the_client_before_it_was_made_anew_revokes_the_new_one_s_tokens(
    one: Remembering, other: OtherProcess
) -> None:
    other.ask("delete", client_id="one")
    other.ask("create", client_id="one")
    token = other.ask("issue", client_id="one", subject="alice")["access_token"]
    assert is_accepted(one.client, token)
    assert one.post("/oauth/revoke", token=token).status_code == 200
    assert not is_accepted(one.client, token)


@both_formats
def test_a_secret_that_was_replaced_is_worth_nothing(one: Remembering, other: OtherProcess) -> None:
    other.ask("rotate")
    for what, response in one.acts().items():
        assert response.status_code == 401, what
    assert is_accepted(one.client, one.token), "nobody has revoked it"
    one.secret = NEW_SECRET
    assert {response.status_code for response in one.acts().values()} == {200}


@both_formats
def test_a_replaced_secret_gets_no_repeat_of_a_lost_answer(one: Remembering, other: OtherProcess) -> None:
    """Within the grace of a rotation the same tokens are told again, and nothing is stored for that."""
    refresh = {"grant_type": "refresh_token", "refresh_token": one.refresh_token}
    assert one.asks(**refresh).status_code == 200
    assert one.asks(**refresh).status_code == 200
    other.ask("rotate")
    refusal(one.asks(**refresh), 401, "invalid_client")
    one.secret = NEW_SECRET
    assert one.asks(**refresh).status_code == 200, "nobody took it for a theft"


def test_scopes_that_were_given_or_taken_count_at_once(one: Remembering, other: OtherProcess) -> None:
    credentials = {"grant_type": "client_credentials"}
    refresh = {"grant_type": "refresh_token", "refresh_token": one.refresh_token}
    refusal(one.asks(**credentials, scope="weather:write"), 400, "invalid_scope")
    other.ask("change", scope=["weather:write"])
    assert one.asks(**credentials, scope="weather:write").get_json()["scope"] == "weather:write"
    refusal(one.asks(**credentials, scope="weather:read"), 400, "invalid_scope")
    refusal(one.asks(**refresh, scope="weather:read"), 400, "invalid_scope")
    other.ask("change", scope=["weather:read", "weather:write"])
    assert one.asks(**refresh, scope="weather:read").get_json()["scope"] == "weather:read"
    assert set(one.asks(**credentials).get_json()["scope"].split()) == {"weather:read", "weather:write"}


def test_grants_that_were_given_or_taken_count_at_once(one: Remembering, other: OtherProcess) -> None:
    credentials = {"grant_type": "client_credentials"}
    other.ask("change", grant_types=["password"])
    refusal(one.asks(**credentials), 400, "unauthorized_client")
    other.ask("change", grant_types=["client_credentials"])
    assert one.asks(**credentials).status_code == 200


def test_a_resource_server_that_is_none_any_more_learns_nothing(one: Remembering, other: OtherProcess) -> None:
    other.ask("change", resource_server=True)
    theirs = register(one.app, client_id="theirs", client_secret=PASSWORD)
    given = one.client.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, headers=basic(theirs.client_id, PASSWORD)
    )
    token = given.get_json()["access_token"]
    assert one.post("/oauth/introspect", token=token).get_json()["active"]
    one.clock.advance(MINUTES)
    other.ask("change", resource_server=False)
    assert one.post("/oauth/introspect", token=token).get_json() == {"active": False}


def test_where_nothing_checks_the_client_again_it_is_remembered_for_seconds(
    one: Remembering, other: OtherProcess
) -> None:
    """Codes for devices."""
    other.ask("change", grant_types=["urn:ietf:params:oauth:grant-type:device_code"])
    assert one.post("/oauth/device_authorization").status_code == 200
    one.clock.advance(stored_clients.CACHE_SECONDS)
    other.ask("change", enabled=False)
    refusal(one.post("/oauth/device_authorization"), 401, "invalid_client")


def test_an_applications_attributes_count_within_seconds(one: Remembering, other: OtherProcess) -> None:
    """They are no part of the client, so the statement that acts doesn't see that they have changed."""
    gateway = one.app.extensions["oauth_gateway"]
    gateway.token_attributes(lambda client, *_: {"tier": client.attributes_in_force["tier"]})
    with one.app.app_context():
        gateway.applications.create(application_id="partner", name="Partner", attributes={"tier": "low"})
        gateway.applications.approve("partner")
        gateway.clients.update("one", application="partner")
    assert one.asks(grant_type="client_credentials").get_json()["tier"] == "low"
    other.ask("change_application", attributes={"tier": "high"})
    one.clock.advance(stored_clients.CACHE_SECONDS)
    assert one.asks(grant_type="client_credentials").get_json()["tier"] == "high"


def test_it_costs_no_statement_of_its_own_for_minutes(one: Remembering) -> None:
    def statements() -> list[int]:
        found = []
        for act in (
            lambda: one.asks(grant_type="client_credentials"),
            lambda: one.post("/oauth/introspect", token=one.token),
        ):
            with statements_of(database_of(one.app).engine) as sent:
                assert act().status_code == 200
            found.append(len([text for text, _ in sent if "FROM oauth_client" in text]))
        return found

    assert statements() == [1, 1]
    one.clock.advance(stored_clients.RECHECKED_SECONDS - MINUTES)
    assert statements() == [2, 1]


def test_a_full_memory_forgets_its_older_half(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_clients, "CACHE_SIZE", 10)
    client = app.test_client()
    registered = [register(app, client_id=f"client-{number}", client_secret=PASSWORD) for number in range(11)]

    def asks(number: int) -> int:
        """How many statements on clients it takes."""
        with statements_of(database_of(app).engine) as sent:
            given = client.post(
                "/oauth/token",
                data={"grant_type": "client_credentials"},
                headers=basic(registered[number].client_id, PASSWORD),
            )
        assert client.get("/weather", headers=bearer(given.get_json()["access_token"])).status_code == 200
        return len([text for text, _ in sent if "FROM oauth_client" in text])

    assert [asks(number) for number in range(11)] == [2] * 11
    assert [asks(number) for number in range(5, 11)] == [1] * 6
    assert [asks(number) for number in range(4)] == [2] * 4

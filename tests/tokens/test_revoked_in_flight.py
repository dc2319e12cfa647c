"""A revocation in the middle of something else: of a slow hook, of a slow commit, of a lock that it waits for."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from tests.support.app import MakeApp, basic, gateway_of, is_accepted, server_of
from tests.support.other_process import PASSWORD, OtherProcess, Person
from tests.support.stored import database_of


@pytest.fixture(params=["jwt", "opaque"])
def token_format(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def other(database_uri: str, tmp_path: Path, token_format: str) -> Iterator[OtherProcess]:
    config = {"OAUTH_ACCESS_TOKEN_FORMAT": token_format, "OAUTH_DATABASE_URI": database_uri}
    with OtherProcess(config, tmp_path) as other:
        yield other


@pytest.fixture
def app(make_app: MakeApp, other: OtherProcess, token_format: str) -> Flask:
    """Its `token_attributes` hook does once what `app.meanwhile` holds."""
    app = make_app(
        OAUTH_ACCESS_TOKEN_FORMAT=token_format,
        OAUTH_REVOCATION_POLL_SECONDS=0,
        OAUTH_GRANT_TYPES=["client_credentials", "password", "refresh_token"],
    )
    gateway = gateway_of(app)
    gateway.check_password(lambda username, password: Person(username) if password == PASSWORD else None)
    app.meanwhile = []  # type: ignore[attr-defined]

    @gateway.token_attributes
    def token_attributes(client: Any, user: Any, scopes: Any, grant_type: str) -> dict[str, Any]:
        while app.meanwhile:  # type: ignore[attr-defined]
            app.meanwhile.pop()()  # type: ignore[attr-defined]
        return {}

    gateway.applications.create("Partner", application_id="partner", status="approved")
    gateway.clients.create(
        client_id="one",
        client_secret=PASSWORD,
        application="partner",
        grant_types=["client_credentials", "password", "refresh_token"],
        scope=["weather:read"],
    )
    return app


def ask(app: Flask, **form: str) -> dict[str, Any]:
    response = app.test_client().post("/oauth/token", data=form, headers=basic("one", PASSWORD))
    answer: dict[str, Any] = response.get_json()
    assert response.status_code in (200, 400, 401), answer
    return answer


def by_password(app: Flask) -> dict[str, Any]:
    return ask(app, grant_type="password", username="alice", password=PASSWORD)


def in_code(app: Flask) -> dict[str, Any]:
    with app.test_request_context():
        try:
            return gateway_of(app).tokens.issue("one", subject="alice")
        except LookupError:
            return {}


def for_itself(app: Flask) -> dict[str, Any]:
    return ask(app, grant_type="client_credentials")


def by_refreshing(app: Flask) -> dict[str, Any]:
    """What was given before whatever happens meanwhile is refreshed."""
    (meanwhile,) = app.meanwhile  # type: ignore[attr-defined]
    app.meanwhile.clear()  # type: ignore[attr-defined]
    first = by_password(app)
    app.meanwhile.append(meanwhile)  # type: ignore[attr-defined]
    return ask(app, grant_type="refresh_token", refresh_token=first["refresh_token"])


WAYS = {"password": by_password, "refresh": by_refreshing, "tokens.issue": in_code, "client_credentials": for_itself}
#: What another process does meanwhile, and what undoes it. Of the first two only the refreshing is over: every other way
#: begins anew after the revocation, and asks whoever has a say.
USER_ENDS: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
    ({"what": "revoke", "subject": "alice"}, None),
    ({"what": "revoke", "subject": "alice", "client_id": "one"}, None),
]
CLIENT_ENDS: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
    ({"what": "revoke_application", "application_id": "partner"}, {"what": "approve", "application_id": "partner"}),
    ({"what": "switch", "client_id": "one", "enabled": False}, {"what": "switch", "client_id": "one", "enabled": True}),
    ({"what": "delete", "client_id": "one"}, None),
]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_decided_before_a_revocation_and_stored_after_it_is_worth_nothing(
    app: Flask, other: OtherProcess, way: str
) -> None:
    for end, undo in (*USER_ENDS, *CLIENT_ENDS):
        app.meanwhile.append(partial(other.ask, **end))  # type: ignore[attr-defined]
        token = WAYS[way](app).get("access_token")
        assert not app.meanwhile, "it was revoked meanwhile"  # type: ignore[attr-defined]
        if (end, undo) in USER_ENDS and way != "refresh":
            assert token, end
            assert other.ask("are_good", tokens=[token]) == [True], end
        elif token is not None:
            assert not is_accepted(app.test_client(), token), end
            assert other.ask("are_good", tokens=[token]) == [False], end
        if undo is not None:
            other.ask(**undo)
            gateway_of(app).clients.get("one")


def test_the_user_is_asked_again_where_the_tokens_were_revoked_meanwhile(app: Flask, other: OtherProcess) -> None:
    """The password was right when it was checked. It has been changed since, and all tokens revoked: no token is given."""
    passwords = {PASSWORD}
    gateway_of(app).check_password(lambda username, password: Person(username) if password in passwords else None)

    def change_password() -> None:
        passwords.clear()
        other.ask("revoke", subject="alice")

    app.meanwhile.append(change_password)  # type: ignore[attr-defined]
    assert by_password(app)["error"] == "invalid_grant"


@pytest.mark.parametrize("token_format", ["jwt"], indirect=True)
def test_a_revocation_that_commits_late_is_learned_all_the_same(
    app: Flask, other: OtherProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others commit meanwhile, and the other process has seen what they wrote."""
    tokens = [in_code(app)["access_token"], for_itself(app)["access_token"]]
    assert other.ask("are_good", tokens=tokens) == [True, True]
    store, written, go_on = server_of(app).revocations, threading.Event(), threading.Event()
    change = store.change

    def slow(changes: Any, connection: Any = None) -> None:
        change(changes, connection)
        written.set()
        assert go_on.wait(20)

    monkeypatch.setattr(store, "change", slow)
    with ThreadPoolExecutor(2) as pool:
        late = pool.submit(gateway_of(app).tokens.revoke, subject="alice")
        assert written.wait(10)
        between = pool.submit(other.ask, "revoke", subject="bob")
        time.sleep(0.5)
        if database_of(app).engine.dialect.name != "sqlite":  # which has one writer, for whom the others wait
            between.result()
            assert other.ask("are_good", tokens=tokens) == [True, True]
        go_on.set()
        late.result()
        between.result()
    assert other.ask("are_good", tokens=tokens) == [False, True]


@pytest.mark.parametrize("whose", [{"subject": "alice"}, {"client_id": "one"}], ids=["the user's", "the client's"])
@pytest.mark.parametrize(
    ("database_uri", "token_format"),
    [
        pytest.param("postgresql", "jwt", marks=pytest.mark.postgresql),
        pytest.param("postgresql", "opaque", marks=pytest.mark.postgresql),
        # MariaDB lets nobody store anything for the user meanwhile.
        pytest.param("mariadb", "jwt", marks=pytest.mark.mariadb),
    ],
    indirect=True,
)
def test_what_is_issued_while_the_revocation_waits_for_a_lock_is_revoked_too(
    app: Flask, other: OtherProcess, whose: dict[str, str]
) -> None:
    refreshable = by_password(app)
    engine = database_of(app).engine
    with ThreadPoolExecutor(1) as pool, engine.connect() as connection:
        connection.execute(text("BEGIN"))
        connection.execute(text("UPDATE oauth_family SET scope = scope WHERE subject = 'alice'"))
        revoking = pool.submit(other.ask, "revoke", **whose)
        time.sleep(0.5)
        assert not revoking.done()
        issued = [in_code(app)["access_token"]]
        if engine.dialect.name == "postgresql":
            issued.append(by_password(app)["access_token"])
        if "client_id" in whose:
            issued.append(for_itself(app)["access_token"])
        assert all(is_accepted(app.test_client(), token) for token in issued)
        connection.execute(text("COMMIT"))
        assert revoking.result() >= 1
    assert not any(is_accepted(app.test_client(), token) for token in issued)
    assert not any(other.ask("are_good", tokens=[*issued, refreshable["access_token"]]))
    assert ask(app, grant_type="refresh_token", refresh_token=refreshable["refresh_token"])["error"] == "invalid_grant"


@pytest.mark.parametrize("token_format", ["jwt"], indirect=True)
def test_a_token_of_between_two_revocations_of_one_second_is_revoked(app: Flask, other: OtherProcess) -> None:
    for _ in range(3):
        other.ask("revoke", subject="alice")
        token = in_code(app)["access_token"]
        assert is_accepted(app.test_client(), token), "it was issued after the revocation"
        other.ask("revoke", subject="alice")
        assert not is_accepted(app.test_client(), token)


def test_an_approval_that_began_before_a_time_ends_with_the_tokens_that_came_of_it_later(
    app: Flask, other: OtherProcess
) -> None:
    first = by_password(app)
    time.sleep(1.1)
    cut = int(time.time())
    time.sleep(1.1)
    refreshed = ask(app, grant_type="refresh_token", refresh_token=first["refresh_token"])["access_token"]
    later = by_password(app)["access_token"]
    gateway_of(app).tokens.revoke(subject="alice", issued_before=cut)
    expected = [False, True]
    assert [is_accepted(app.test_client(), each) for each in (refreshed, later)] == expected
    assert other.ask("are_good", tokens=[refreshed, later]) == expected
    gateway_of(app).tokens.revoke(subject="alice", issued_before=cut - 86400)
    assert other.ask("are_good", tokens=[refreshed, later]) == expected, "a weaker revocation takes nothing back"

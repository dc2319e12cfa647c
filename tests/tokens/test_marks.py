"""The marks that revoke JWTs: they only grow stricter, few are made, and a process reads each once and keeps none too long."""

import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway.database.engine import Database
from flask_oauth_gateway.stores.revocations import LONGER, Change
from flask_oauth_gateway.stores.revocations.mark import FOREVER, bucket_of, mark_of
from flask_oauth_gateway.tokens.revoked import Revoked
from tests.support.app import MakeApp, ask, basic, bearer, gateway_of, is_accepted, register, server_of, token_for
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.statements import statements_of
from tests.support.stored import database_of

ALICE = mark_of("subject", "alice")


def test_of_two_changes_the_stricter_one_counts_and_only_enabling_lifts(app: Flask) -> None:
    store, known = server_of(app).revocations, Revoked(server_of(app).revocations, 0)
    store.change([Change(ALICE, issued_until=2000)])
    store.change([Change(ALICE, issued_until=1000)])
    assert [known.covers(began, [ALICE]) for began in (1500, 2000, 2001)] == [True, True, False]
    store.change([Change(ALICE, all_before=True)])
    known.poll()
    carried = known.standing([ALICE], None)
    store.change([Change(ALICE, issued_until=500)])
    assert known.covers(9999, [ALICE]), "revoked for good, whatever is revoked afterwards"
    assert not known.covers(9999, [ALICE], known.standing([ALICE], None))
    assert not known.covers(9999, [ALICE], carried)
    with database_of(app).transaction() as connection:
        store.switch(["one"], enabled=False, connection=connection)
    disabled = [mark_of("disabled client", "one")]
    assert known.covers(9999, disabled)
    with database_of(app).transaction() as connection:
        store.switch(["one"], enabled=True, connection=connection)
    assert not known.covers(9999, disabled)


def test_a_number_is_never_given_twice_even_where_the_clock_is_set_back(app: Flask, clock: Clock) -> None:
    store, numbers = server_of(app).revocations, []
    for seconds in (0, -3600, 0, 7200, -86400):
        clock.advance(seconds)
        store.change([Change(ALICE, all_before=True)])
        numbers.append(store.counts()[bucket_of(ALICE)])
    assert numbers == sorted(set(numbers))


def test_a_mark_that_was_purged_and_is_made_again_revokes_what_was_issued_meanwhile(app: Flask, clock: Clock) -> None:
    store, known = server_of(app).revocations, Revoked(server_of(app).revocations, 0)
    store.change([Change(ALICE, all_before=True)])
    known.poll()
    carried = known.standing([ALICE], None)
    clock.advance(40 * 86400)
    gateway_of(app).tokens.purge()
    assert store.find([ALICE]) == []
    assert not known.covers(9999, [ALICE], carried)
    assert known.standing([ALICE], None) == {ALICE: 0}
    store.change([Change(ALICE, all_before=True)])
    assert known.covers(9999, [ALICE], carried)


@sqlite_only
def test_expired_marks_are_kept_no_longer(app: Flask, clock: Clock) -> None:
    store, known, now = server_of(app).revocations, Revoked(server_of(app).revocations, 0), int(time.time())
    marks = [mark_of("token", str(number)) for number in range(50)]
    store.change(Change(mark, issued_until=FOREVER, expires_at=now + number) for number, mark in enumerate(marks))
    known.poll()
    assert len(known._marks) == 50
    clock.advance(25 + LONGER)
    known.poll()
    assert 20 < len(known._marks) < 30
    assert len(known._expiring) == len(known._marks)


@sqlite_only
def test_a_process_reads_what_is_new_and_nothing_else(app: Flask) -> None:
    store, known = server_of(app).revocations, Revoked(server_of(app).revocations, 0)
    for number in range(300):
        store.refuse("token", str(number))
    known.poll()
    with statements_of(database_of(app).engine) as statements:
        known.poll()
    assert len(statements) == 1, "one look at the counts"
    store.refuse("token", "one more")
    with statements_of(database_of(app).engine) as statements:
        known.poll()
    assert len(statements) == 2, "and one at the bucket that has changed"
    assert known.covers(1, [mark_of("token", "one more")])


@sqlite_only
def test_a_client_that_gives_back_jwts_at_full_speed_meets_a_limit(make_app: MakeApp) -> None:
    app = make_app(OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_RATE_LIMITS={"revoke": "3/minute"})
    client, registered = app.test_client(), register(app)

    def give_back(client: FlaskClient) -> int:
        token = token_for(client, registered)["access_token"]
        headers = basic(registered.client_id, registered.client_secret)
        status = client.post("/oauth/revoke", data={"token": token}, headers=headers).status_code
        assert is_accepted(client, token) == (status == 429)
        return status

    assert [give_back(client) for _ in range(5)] == [200, 200, 200, 429, 429]
    headers = basic(registered.client_id, registered.client_secret)
    for token in ("unknown", token_for(client, register(app))["access_token"]):
        assert client.post("/oauth/revoke", data={"token": token}, headers=headers).status_code == 200, "no mark"


@sqlite_only
def test_stored_tokens_make_no_marks_and_meet_no_limit(make_app: MakeApp) -> None:
    app = make_app(OAUTH_RATE_LIMITS={"revoke": "3/minute"})
    client, registered = app.test_client(), register(app)
    headers = basic(registered.client_id, registered.client_secret)
    for _ in range(10):
        token = token_for(client, registered)["access_token"]
        assert client.post("/oauth/revoke", data={"token": token}, headers=headers).status_code == 200
        assert client.get("/weather", headers=bearer(token)).status_code == 401
    assert server_of(app).revocations.all() == []


def test_a_clock_that_was_ahead_for_a_moment_brings_nothing_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    now, ahead = time.time, [0]
    monkeypatch.setattr(time, "time", lambda: now() + ahead[0])
    store, known = server_of(app).revocations, Revoked(server_of(app).revocations, 0)
    store.change([Change(ALICE, all_before=True)])
    assert known.covers(1, [ALICE])
    ahead[0] = 40 * 86400
    beginner = Revoked(store, 0)
    assert [each.covers(1, [ALICE]) for each in (known, beginner)] == [False, False], "its tokens have expired"
    ahead[0] = 0
    assert [each.covers(1, [ALICE]) for each in (known, beginner)] == [True, True]


def test_a_mark_that_is_renewed_while_it_is_purged_stays(
    app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = server_of(app).revocations
    store.change([Change(ALICE, all_before=True)])
    clock.advance(40 * 86400)
    found = Database.all

    def renewed_meanwhile(database: Database, statement: Any, parameters: Any = None) -> Any:
        rows = found(database, statement, parameters)
        if "oauth_mark" in str(statement) and rows:
            store.change([Change(ALICE, all_before=True)])
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(Database, "all", renewed_meanwhile)
        gateway_of(app).tokens.purge()
    assert Revoked(store, 0).covers(1, [ALICE])


@sqlite_only
def test_a_thread_that_was_slow_puts_no_older_mark_over_a_newer_one(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, known = server_of(app).revocations, Revoked(server_of(app).revocations, 0)
    store.change([Change(ALICE, all_before=True)])
    old = store.find([ALICE])
    known.poll()
    carried = known.standing([ALICE], None)
    store.change([Change(ALICE, all_before=True)])
    assert known.covers(1, [ALICE], carried)
    monkeypatch.setattr(store, "find", lambda _: old)
    known.look_up([ALICE])
    assert known.covers(1, [ALICE], carried)


def test_what_an_app_rolls_back_in_memory_revokes_nothing(make_app: MakeApp) -> None:
    """Tests of an app's own roll back after each: a client that one of them disabled works in the next."""
    app = make_app(OAUTH_DATABASE_URI="sqlite://", OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    client, registered = app.test_client(), register(app)
    connection = database_of(app).engine.connect()
    connection.exec_driver_sql("BEGIN")
    gateway_of(app).clients.update(registered.client_id, enabled=False)
    assert ask(client, registered).status_code == 401
    connection.exec_driver_sql("ROLLBACK")
    connection.close()
    server_of(app).clients.forget_all()
    assert is_accepted(client, token_for(client, registered)["access_token"])


@sqlite_only
def test_many_marks_at_once_are_read_by_few_statements(app: Flask) -> None:
    store, known = server_of(app).revocations, Revoked(server_of(app).revocations, 0)
    known.poll()
    for number in range(600):
        store.refuse("token", str(number))
    with statements_of(database_of(app).engine) as statements:
        known.poll()
    assert len(statements) <= 10
    assert all(known.covers(1, [mark_of("token", str(number))]) for number in range(600))


def test_a_weaker_revocation_refuses_nothing_that_was_issued_after_a_stronger_one(app: Flask) -> None:
    """Whatever the clock of the host that issued it said."""
    store, known = server_of(app).revocations, Revoked(server_of(app).revocations, 0)
    store.change([Change(ALICE, issued_until=2000)])
    known.poll()
    carried = known.standing([ALICE], None)
    store.change([Change(ALICE, issued_until=1000)])
    assert not known.covers(1990, [ALICE], carried)
    assert known.covers(1990, [ALICE])


@sqlite_only
def test_news_that_were_missed_are_not_missed_again_where_the_clock_is_set_back(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, known, heard = server_of(app).revocations, Revoked(server_of(app).revocations, 0), []
    known.when_missed = lambda: heard.append("missed")
    now, ahead = time.time, [3600]
    monkeypatch.setattr(time, "time", lambda: now() + ahead[0])
    known.poll()
    assert heard == []
    store.note_missed()
    ahead[0] = 0
    known.poll()
    assert heard == ["missed"]

"""The audit trail's rows go together, soon: after a second, when there are many, at the end of the process."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from flask_oauth_gateway.database import background as later
from flask_oauth_gateway.database.engine import Database
from flask_oauth_gateway.database.tables import audit
from flask_oauth_gateway.stores.audit import entries as module
from flask_oauth_gateway.stores.audit.entries import AuditStore
from tests.support.app import bearer, token_for
from tests.support.databases import sqlite_only
from tests.support.processes import finished, python
from tests.support.stored import audit_of, database_of, register


def entry(number: int) -> dict[str, Any]:
    return {"at": number, "event": f"event {number}", "outcome": "ok", "details": {"n": number}}


def stored(app: Flask) -> list[str]:
    return [row.event for row in database_of(app).all(select(audit.c.event).order_by(audit.c.id))]


@pytest.fixture
def away(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bool], None]]:
    """`away(True)` takes the database away, `away(False)` brings it back."""
    is_away = [False]
    engine = Database.engine.fget

    def engine_or_not(self: Database) -> Any:
        if is_away[0]:
            raise OperationalError("SELECT 1", {}, Exception("gone for a while"))
        return engine(self)  # type: ignore[misc]

    monkeypatch.setattr(Database, "engine", property(engine_or_not))
    yield lambda now: is_away.__setitem__(0, now)
    is_away[0] = False


def test_entries_are_written_within_a_second_and_a_bit(app: Flask, client: FlaskClient) -> None:
    token_for(client, register(app))
    before = stored(app)
    assert before == ["client_created"], "the token's entry is not written with the token"
    deadline = time.monotonic() + later.SECONDS + 2
    while stored(app) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stored(app) == ["client_created", "token_issued"]


def test_many_entries_at_once_are_all_written(app: Flask) -> None:
    store = audit_of(app)
    for number in range(700):
        store.add_soon(entry(number))
    store.flush()
    assert stored(app) == [f"event {number}" for number in range(700)]


def test_whoever_flushes_waits_for_what_another_thread_is_writing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    store = audit_of(app)
    begun, write = threading.Event(), store._write

    def slow(entries: list[dict[str, Any]]) -> None:
        begun.set()
        time.sleep(0.3)
        write(entries)

    monkeypatch.setattr(store, "_write", slow)
    store.add_soon(entry(1))
    assert begun.wait(5)
    store.flush()
    assert stored(app) == ["event 1"]


@sqlite_only
def test_no_request_waits_for_the_trail_while_somebody_holds_the_write_lock(
    app: Flask, client: FlaskClient, database_uri: str
) -> None:
    """700 different refusals; then a look at the trail, which shows what is there after a second."""
    audit_of(app).flush()
    lock = sqlite3.connect(database_uri.removeprefix("sqlite:///"), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    slowest = 0.0
    for number in range(700):
        origin = {"REMOTE_ADDR": f"10.{number % 250}.{number // 250}.7"}
        started = time.monotonic()
        client.get("/weather", headers=bearer(f"x{number}"), environ_base=origin)
        slowest = max(slowest, time.monotonic() - started)
    started = time.monotonic()
    with app.test_request_context():
        shown = audit_of(app).newest(5)
    looked = time.monotonic() - started
    lock.execute("ROLLBACK")
    lock.close()
    assert slowest < 5, "the lock would be waited for for 30 seconds"
    assert (shown, looked < 10) == ([], True)
    audit_of(app).flush()
    assert len(stored(app)) == 700


@sqlite_only
def test_a_trail_that_can_t_be_written_keeps_the_newest_and_says_how_many_are_lost(
    app: Flask, away: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 10)
    store = audit_of(app)
    away(True)
    for number in range(25):
        store.add_soon(entry(number))
    store.flush()
    assert "10 entries of the audit trail wait for the database, 15 are lost." in caplog.text
    away(False)
    store.flush()
    assert stored(app) == [f"event {number}" for number in range(15, 25)]


def test_whoever_reads_sees_what_waits(app: Flask) -> None:
    store = audit_of(app)
    store.add_soon(entry(1))
    store.add_soon(entry(2))
    assert [row.event for row in store.newest(5)] == ["event 2", "event 1"]
    assert [row.details for row in store.newest(1, {"event": "event 1"})] == [{"n": 1}]


def test_what_waits_is_written_at_the_end_of_the_process(app: Flask, database_uri: str) -> None:
    script = """
import sys
from tests.support.app import build_app, token_for
from tests.support.stored import register
app = build_app(OAUTH_DATABASE_URI=sys.argv[1])
token_for(app.test_client(), register(app))
"""
    finished(python("-c", script, database_uri))
    assert stored(app) == ["client_created", "token_issued"]


def test_entries_wait_while_the_database_is_away(
    app: Flask, away: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.2)
    monkeypatch.setattr(later, "SECONDS", 3600)
    store = audit_of(app)
    store.add_soon(entry(1))
    away(True)
    store.flush()
    store.add_soon(entry(2))
    store.flush()
    assert "2 entries of the audit trail wait for the database, 0 are lost" in caplog.text
    away(False)
    deadline = time.monotonic() + 5
    while len(stored(app)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stored(app) == ["event 1", "event 2"], "in their order, and without a further request"


def test_memory_is_bounded(
    app: Flask, away: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    monkeypatch.setattr(later, "SECONDS", 3600)
    store = audit_of(app)
    away(True)
    for number in range(5):
        store.add_soon(entry(number))
    store.flush()
    assert "3 entries of the audit trail wait for the database, 2 are lost" in caplog.text
    away(False)
    store.flush()
    assert stored(app) == ["event 2", "event 3", "event 4"]


def test_an_entry_that_cannot_be_written_takes_no_other_with_it(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    store = audit_of(app)
    for broken in (entry(1), {**entry(2), "outcome": None}, entry(3)):
        store.add_soon(broken)
    store.flush()
    assert stored(app) == ["event 1", "event 3"]
    assert "An entry of the audit trail (event 2) can't be written" in caplog.text


def test_two_stores_wait_apart(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later, "SECONDS", 3600)
    one, two = (audit_of(make_app()) for _ in range(2))
    assert isinstance(one, AuditStore)
    one.add_soon(entry(1))
    two.flush()
    assert [row.event for row in two.newest(5)] == []
    assert [row.event for row in one.newest(5)] == ["event 1"]


def test_a_page_is_what_fits_and_the_hours_are_counted(app: Flask) -> None:
    store = audit_of(app)
    for number in range(6):
        issued = {"event": "token_issued" if number % 2 else "token_revoked", "client_id": f"c{number % 3}"}
        store.add({**entry(7200 + number * 1800), **issued, "actor": "root" if number == 5 else None})
    assert [row.id for row in store.page({}, limit=2)] == [6, 5]
    assert [row.id for row in store.page({}, before=5, limit=2)] == [4, 3]
    assert [row.id for row in store.page({"event": "token_issued", "client_id": "c0"})] == [4]
    assert [row.id for row in store.page({"actor": "root"})] == [6]
    assert [row.id for row in store.page({}, since=9000, until=12600)] == [3, 2]
    counted = {(row.hour, row.event): row.entries for row in store.counts_by_hour(7200, ["token_issued"])}
    assert counted == {(7200, "token_issued"): 1, (10800, "token_issued"): 1, (14400, "token_issued"): 1}


def test_one_thread_writes_and_ends_when_there_is_nothing_to_do(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread for each second of entries took memory for each, and the C library kept it."""
    monkeypatch.setattr(later, "SECONDS", 0.01)
    monkeypatch.setattr(later, "IDLE_SECONDS", 0.5)
    store, threads = audit_of(app), set()
    for number in range(5):
        store.add_soon(entry(number))
        threads.add(store._later._thread)
        while len(stored(app)) == number:
            time.sleep(0.01)
    assert len(threads) == 1
    (thread,) = threads
    assert thread is not None
    thread.join(5)
    assert not thread.is_alive()
    store.add_soon(entry(5))
    while len(stored(app)) == 5:
        time.sleep(0.01)


def test_a_write_that_fails_for_good_stops_no_later_one(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = audit_of(app)
    write = store._write
    monkeypatch.setattr(store, "_write", lambda entries: entries[0]["nothing"])
    store._later.start(0)
    store.add_soon(entry(1))
    deadline = time.monotonic() + 5
    while "could not be written" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "could not be written" in caplog.text
    monkeypatch.setattr(store, "_write", write)
    store.add_soon(entry(2))
    while not stored(app) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert stored(app) == ["event 2"]

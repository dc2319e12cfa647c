"""Where two transactions wait for each other, the database ends one of them. It begins anew, and nobody notices."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import text, update

from flask_oauth_gateway.crypto.hashing import sha256
from flask_oauth_gateway.database import deadlocks
from flask_oauth_gateway.database.deadlocks import TIMES, Deadlock, again_after_deadlock
from flask_oauth_gateway.database.tables import client as client_table
from tests.support.app import MakeApp
from tests.support.stored import database_of, register

ON_SERVERS = [
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]  # SQLite has one writer at a time


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """Two clients, `one` and `two`."""
    app = make_app()
    for client_id in ("one", "two"):
        register(app, client_id=client_id)
    return app


def raise_version(client_id: str) -> Any:
    table = client_table.c
    return update(client_table).where(table.client_id_hash == sha256(client_id)).values(version=table.version + 1)


def versions(app: Flask) -> list[int]:
    rows = database_of(app).all(text("SELECT version FROM oauth_client ORDER BY client_id"))
    return [row.version for row in rows]


@pytest.mark.parametrize("database_uri", ON_SERVERS, indirect=True)
def test_both_of_two_transactions_that_wait_for_each_other_are_done(app: Flask) -> None:
    database, both_hold_one, before = database_of(app), threading.Barrier(2), versions(app)
    tries: list[str] = []

    @again_after_deadlock
    def change(first: str, second: str) -> None:
        is_first_try = first not in tries
        tries.append(first)
        with database.transaction() as connection:
            connection.execute(raise_version(first))
            if is_first_try:
                both_hold_one.wait(20)
            connection.execute(raise_version(second))

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(change, "one", "two"), pool.submit(change, "two", "one")]:
            done.result()
    assert len(tries) > 2, "by chance they may meet again"
    assert versions(app) == [version + 2 for version in before]


@pytest.mark.parametrize("database_uri", ON_SERVERS, indirect=True)
def test_a_single_statement_that_the_database_undid_is_sent_again(app: Flask) -> None:
    """Also one that may not be sent twice where nobody knows whether it was done."""
    database, before = database_of(app), versions(app)
    every = text("UPDATE oauth_client SET version = version + 1 WHERE client_id IN ('one', 'two')")

    @again_after_deadlock
    def change_two_then_one() -> None:
        with database.transaction() as connection:
            connection.execute(raise_version("two"))
            running = pool.submit(database.run, every) if not statement else statement[0]
            statement.append(running)
            threading.Event().wait(0.2)  # it holds the first by now, and waits for the second
            connection.execute(raise_version("one"))

    statement: list[Any] = []
    with ThreadPoolExecutor(1) as pool:
        change_two_then_one()
        assert statement[0].result() == 2
    assert versions(app) == [version + 2 for version in before]


def test_after_some_tries_the_answer_is_503_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(deadlocks, "SECONDS", 0)
    tries = []

    @again_after_deadlock
    def never_done() -> None:
        tries.append(1)
        raise Deadlock("deadlock detected")

    with pytest.raises(Deadlock) as refused:
        never_done()
    assert len(tries) == TIMES
    assert refused.value.status_code == 503
    assert "deadlock detected" in caplog.text


def test_whoever_others_are_preferred_to_many_times_is_done_in_the_end() -> None:
    tries = []

    @again_after_deadlock
    def done_late() -> int:
        tries.append(1)
        if len(tries) < 5 * TIMES:
            raise Deadlock("deadlock detected")
        return len(tries)

    assert done_late() == 5 * TIMES


@pytest.mark.parametrize("database_uri", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
@pytest.mark.parametrize("default", ["repeatable read", "serializable"])
def test_the_gateway_keeps_its_isolation_whatever_the_server_s_default_is(
    make_app: MakeApp, database_uri: str, default: str
) -> None:
    """What reads first and writes then, in one statement, goes by what was committed when it began."""
    name = default.replace(" ", "\\ ")
    app = make_app(OAUTH_DATABASE_URI=f"{database_uri}?options=-c%20default_transaction_isolation%3D{quote(name)}")
    database = database_of(app)
    asked = text("SELECT current_setting('transaction_isolation') AS level")
    assert [row.level for row in database.all(asked)] == ["read committed"]
    with database.transaction() as connection:
        assert connection.execute(asked).scalar() == "read committed"

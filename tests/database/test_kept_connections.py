"""Connections are kept for the next statement instead of being checked out each time, and nobody notices it."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.pool import QueuePool

from flask_oauth_gateway.database import prepared
from tests.support.app import MakeApp, token_for
from tests.support.app_database import MakeBy, Way
from tests.support.databases import sqlite_only
from tests.support.stored import audit_of, database_of, register, status_with

THREADS = 8


class OneUser(sqlite3.Connection):
    """Fails where two threads use it at once, and gives them time to."""

    shared: ClassVar[list[str]] = []

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.user = threading.Lock()

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or UsersCursor)


class UsersCursor(sqlite3.Cursor):
    def execute(self, *given: Any) -> "UsersCursor":
        if not self.connection.user.acquire(blocking=False):  # type: ignore[attr-defined]
            OneUser.shared.append(given[0])
            return super().execute(*given)
        try:
            time.sleep(0.0003)
            return super().execute(*given)
        finally:
            self.connection.user.release()  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(3))
def test_a_connection_has_one_user_at_a_time(
    make_by: MakeBy, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Views, new tokens, revocations, transactions and `dispose` in many threads, in random orders."""
    monkeypatch.setattr(prepared, "KEPT_SECONDS", 0.02)
    monkeypatch.setattr(OneUser, "shared", [])
    file = tmp_path / "app.db"
    with sqlite3.connect(file) as made:
        made.execute("PRAGMA journal_mode = WAL")
    made.close()
    options = {"connect_args": {"factory": OneUser, "check_same_thread": False}}
    app, _ = make_by(Way(db={"engine_options": options}), f"sqlite:///{file}")
    with app.app_context():
        registered = register(app)
    token = token_for(app.test_client(), registered)["access_token"]
    database = database_of(app)

    def work(number: int) -> None:
        draw, client = Random(f"{seed}-{number}"), app.test_client()  # noqa: S311
        for _ in range(25):
            what = draw.choice(("view", "view", "view", "token", "transaction", "dispose"))
            if what == "view":
                assert status_with(app, token) == 200
            elif what == "token":
                assert status_with(app, token_for(client, registered)["access_token"]) == 200
            elif what == "transaction":
                with database.transaction() as connection:
                    assert connection.exec_driver_sql("SELECT count(*) FROM oauth_client").scalar() == 1
            elif draw.random() < 0.3:
                database.dispose()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    assert not OneUser.shared


def open_files(file: Path) -> int:
    """How many times this process has a file open."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        try:
            found += each.readlink() == file
        except OSError:  # the one that lists them
            continue
    return found


def file_of(app: Flask) -> Path:
    return Path(make_url(app.config["OAUTH_DATABASE_URI"]).database or "").resolve()


@sqlite_only
def test_dispose_closes_what_is_kept_and_what_is_in_use_as_soon_as_it_is_not(app: Flask) -> None:
    database, registered = database_of(app), register(app)
    token = token_for(app.test_client(), registered)["access_token"]
    audit_of(app).flush()
    assert status_with(app, token) == 200
    assert open_files(file_of(app)) > 0
    with database.transaction():
        assert status_with(app, token) == 200  # on a second connection
        database.dispose()
    assert open_files(file_of(app)) == 0
    assert status_with(app, token) == 200


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_kept_connection_holds_no_lock(make_by: MakeBy, tmp_path: Path, mode: str) -> None:
    """The app's own session, a backup, another program: each may write, and switch the journal, right after a request."""
    file = tmp_path / "app.db"
    app, _ = make_by(Way(), f"sqlite:///{file}")
    other = sqlite3.connect(file, timeout=0, isolation_level=None)
    assert other.execute(f"PRAGMA journal_mode = {mode}").fetchone()[0] == mode.lower()
    with app.app_context():
        registered = register(app)
    token = token_for(app.test_client(), registered)["access_token"]
    audit_of(app).flush()
    for _ in range(3):
        assert status_with(app, token) == 200
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE oauth_client SET owner = NULL")
        other.execute("COMMIT")
    if mode == "WAL":
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0), "nobody is reading"
    other.close()


def test_after_a_second_a_connection_goes_back_to_the_pool(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    database, registered = database_of(app), register(app)
    token = token_for(app.test_client(), registered)["access_token"]
    audit_of(app).flush()
    database.dispose()
    assert status_with(app, token) == 200
    assert (database.engine.pool.checkedout(), database.engine.pool.checkedin()) == (1, 0)  # type: ignore[attr-defined]
    assert status_with(app, token) == 200
    assert (database.engine.pool.checkedout(), database.engine.pool.checkedin()) == (1, 0)  # type: ignore[attr-defined]
    monkeypatch.setattr(prepared, "KEPT_SECONDS", 0.0)
    database._kept.close()
    assert status_with(app, token) == 200
    assert (database.engine.pool.checkedout(), database.engine.pool.checkedin()) == (0, 1)  # type: ignore[attr-defined]


def listener(engine: Engine) -> list[str]:
    heard: list[str] = []
    event.listen(engine, "checkout", lambda *_: heard.append("checkout"))
    event.listen(engine, "checkin", lambda *_: heard.append("checkin"))
    return heard


def test_who_listens_for_checkouts_hears_of_each(app_uri: str, make_by: MakeBy) -> None:
    heard: list[list[str]] = []
    app, _ = make_by(Way(listen=lambda engine: heard.append(listener(engine))), app_uri)
    with app.app_context():
        token = token_for(app.test_client(), register(app))["access_token"]
    audit_of(app).flush()
    heard[0].clear()
    for _ in range(3):
        assert status_with(app, token) == 200
    if app_uri != "sqlite://":
        assert heard[0] == ["checkout", "checkin"] * 3


@pytest.mark.parametrize("option", [{"pool_pre_ping": True}, {"pool_size": 4}, {"pool_size": 0}])
def test_a_pool_that_is_to_check_or_to_be_small_keeps_its_connections(
    app_uri: str, make_by: MakeBy, option: dict[str, Any]
) -> None:
    if app_uri == "sqlite://":
        option = {}  # it has a pool of its own kind
    app, _ = make_by(Way(config={"SQLALCHEMY_ENGINE_OPTIONS": option}), app_uri)
    with app.app_context():
        token = token_for(app.test_client(), register(app))["access_token"]
    assert status_with(app, token) == 200
    assert not database_of(app)._kept._idle


@pytest.fixture
def small_pool(app_uri: str, make_by: MakeBy) -> Flask:
    """An app whose pool never has more than five connections, for which nobody waits longer than five seconds."""
    options = {} if app_uri == "sqlite://" else {"pool_size": 5, "max_overflow": 0, "pool_timeout": 5}
    app, _ = make_by(Way(config={"SQLALCHEMY_ENGINE_OPTIONS": options}), app_uri)
    return app


def test_nobody_waits_for_a_connection_that_is_only_kept(small_pool: Flask) -> None:
    app = small_pool
    with app.app_context():
        token = token_for(app.test_client(), register(app))["access_token"]
    database = database_of(app)

    def work(number: int) -> None:
        for _ in range(20):
            assert status_with(app, token) == 200
            if number % 3 == 0:
                with database.transaction() as connection:
                    connection.execute(text("SELECT 1"))
            if number % 3 == 1 and database.engine.dialect.name != "sqlite":
                with database.engine.connect() as connection:  # past what is kept
                    connection.execute(text("SELECT 1"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))


def test_what_asks_the_pool_itself_gets_what_is_only_kept(small_pool: Flask) -> None:
    """Nobody lends anything meanwhile, at whose turn what is kept for too long would go back."""
    database = database_of(small_pool)
    lent = [database._kept.lend(database.engine) for _ in range(prepared.MOST_KEPT)]
    for each in lent:
        database._kept.give_back(each)
    if type(database.engine.pool) is QueuePool:
        assert len(database._kept._idle) == len(lent)
    begun = time.monotonic()
    with ExitStack() as stack:
        several = 5 if type(database.engine.pool) is QueuePool else 1
        for _ in range(several):
            assert stack.enter_context(database.connect()).scalar(text("SELECT 1")) == 1
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize("database_uri", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_all_that_are_kept_are_dropped_when_one_is_found_dead(make_app: MakeApp, database_uri: str) -> None:
    """The server ended them all, as at a restart: who reads doesn't notice, and who writes doesn't afterwards."""
    app = make_app()
    registered, client = register(app), app.test_client()
    token = token_for(client, registered)["access_token"]
    database = database_of(app)
    lent = [database._kept.lend(database.engine) for _ in range(3)]
    for each in lent:
        each.connection.exec_driver_sql("SELECT 1")
        each.connection.rollback()
    pids = [each.connection.connection.dbapi_connection.info.backend_pid for each in lent]  # type: ignore[union-attr]
    for each in lent:
        database._kept.give_back(each)
    assert len(database._kept._idle) == 3
    other = engine_beside(app)
    with other.connect() as connection:
        for pid in pids:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    other.dispose()
    assert status_with(app, token) == 200
    for _ in range(3):
        assert token_for(client, registered)


def engine_beside(app: Flask) -> Engine:
    """An engine of the test's own on the app's database."""
    return create_engine(app.config["OAUTH_DATABASE_URI"])

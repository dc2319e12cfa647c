"""The gateway reaches what the app's `db.create_all()` makes, whatever made the app's engine."""

import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, event, make_url
from sqlalchemy.pool import AssertionPool, NullPool, StaticPool

from tests.support.app import ask, refusal, token_for
from tests.support.app_database import MakeBy, Way, names_of_clients
from tests.support.databases import sqlite_only
from tests.support.stored import audit_of, database_of, register, status_with, tokens_of

ELSEWHERE = {"host": "database.invalid", "username": "nobody", "password": "wrong", "database": "nothing"}


def url_in_engine_options(uri: str) -> Way:
    return Way(db={"engine_options": {"url": uri}}, config={"SQLALCHEMY_DATABASE_URI": None})


def url_in_settings(uri: str) -> Way:
    return Way(config={"SQLALCHEMY_DATABASE_URI": None, "SQLALCHEMY_ENGINE_OPTIONS": {"url": uri}})


def default_bind(uri: str) -> Way:
    return Way(config={"SQLALCHEMY_DATABASE_URI": None, "SQLALCHEMY_BINDS": {None: {"url": uri}, "other": "sqlite://"}})


def level_of_every_statement(uri: str) -> Way:
    return Way(db={"engine_options": {"execution_options": {"isolation_level": "SERIALIZABLE"}}})


def level_of_every_connection(uri: str) -> Way:
    return Way(db={"engine_options": {"isolation_level": "READ UNCOMMITTED"}})


def creator(uri: str) -> Way:
    """Everybody gets the one connection in memory, or a new one, which in SQLite's driver is for one thread."""
    if uri == "sqlite://":
        only = sqlite3.connect(":memory:", check_same_thread=False)
        return Way(db={"engine_options": {"creator": lambda: only}})
    return Way(
        config={"SQLALCHEMY_DATABASE_URI": elsewhere(uri)}, db={"engine_options": {"creator": partial(connect_to, uri)}}
    )


def credentials_from_a_listener(uri: str) -> Way:
    """As for a cloud database, whose password is a token that is good for some minutes."""

    def listen(engine: Engine) -> None:
        @event.listens_for(engine, "do_connect")
        def hand_out(dialect: object, record: object, arguments: list[Any], named: dict[str, Any]) -> None:
            arguments[:], right = arguments_for(uri)
            named.clear()
            named.update(right)

    return Way(config={"SQLALCHEMY_DATABASE_URI": elsewhere(uri)}, listen=listen)


def listener_that_leaves_a_transaction_open(uri: str) -> Way:
    def listen(engine: Engine) -> None:
        @event.listens_for(engine, "connect")
        def begin(dbapi_connection: Any, record: object) -> None:
            cursor = dbapi_connection.cursor()
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1")
            cursor.close()

    return Way(listen=listen)


def no_pool(uri: str) -> Way:
    return Way(config={"SQLALCHEMY_ENGINE_OPTIONS": {"poolclass": NullPool}})


def one_connection_for_all(uri: str) -> Way:
    return Way(config={"SQLALCHEMY_ENGINE_OPTIONS": {"poolclass": StaticPool}})


def one_connection_at_a_time(uri: str) -> Way:
    return Way(config={"SQLALCHEMY_ENGINE_OPTIONS": {"poolclass": AssertionPool}})


def pool_of_one(uri: str) -> Way:
    return Way(config={"SQLALCHEMY_ENGINE_OPTIONS": {"pool_size": 1, "max_overflow": 0, "pool_timeout": 1}})


IN_MEMORY = [
    url_in_engine_options, url_in_settings, default_bind, level_of_every_statement, level_of_every_connection, creator,
    listener_that_leaves_a_transaction_open, one_connection_for_all,
]  # fmt: skip
WAYS = [*IN_MEMORY, credentials_from_a_listener, no_pool, one_connection_at_a_time, pool_of_one]


def elsewhere(uri: str) -> str:
    """A URL of the same kind, by which nobody comes to this database."""
    url = make_url(uri)
    return "sqlite://" if url.get_backend_name() == "sqlite" else url.set(**ELSEWHERE).render_as_string(False)


def arguments_for(uri: str) -> tuple[list[Any], dict[str, Any]]:
    """What the driver's `connect` takes."""
    url = make_url(uri)
    arguments, named = url.get_dialect()().create_connect_args(url)
    return list(arguments), dict(named)


def connect_to(uri: str) -> Any:
    arguments, named = arguments_for(uri)
    driver: Any = make_url(uri).get_dialect().import_dbapi()
    return driver.connect(*arguments) if uri.startswith("sqlite") else driver.connect(**named)


@pytest.mark.parametrize("way", WAYS)
def test_the_gateway_reaches_the_apps_tables(
    make_by: MakeBy, way: Callable[[str], Way], database_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    app, db = make_by(way(database_uri), database_uri)
    registered = register(app)
    with app.app_context():
        assert names_of_clients(db) == [registered.client_id], "it is committed, where the app's tables are"
        # The app has its connection in its hands now, and a transaction that it gives up.
        token = token_for(app.test_client(), registered)["access_token"]
        db.session.rollback()
    with ThreadPoolExecutor(2) as threads:
        assert set(threads.map(partial(status_with, app), [token] * 4)) == {200}
    with app.app_context():
        assert tokens_of(app).revoke(client_id=registered.client_id) == 1
        assert not audit_of(app).verify().findings
    assert status_with(app, token) == 401
    assert caplog.messages == []


@pytest.mark.parametrize("way", IN_MEMORY)
def test_the_gateway_reaches_the_apps_tables_in_memory(
    make_by: MakeBy, way: Callable[[str], Way], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    app, db = make_by(way("sqlite://"), "sqlite://", later=way in (default_bind, creator))
    registered = register(app)
    token = token_for(app.test_client(), registered)["access_token"]
    assert status_with(app, token) == 200
    with app.app_context():
        assert names_of_clients(db) == [registered.client_id]
    assert caplog.messages == []
    assert "a database in memory" in app.test_cli_runner().invoke(args=["oauth", "doctor"]).output


@pytest.mark.parametrize("way", [level_of_every_statement, level_of_every_connection])
def test_an_isolation_level_is_the_apps_alone(make_by: MakeBy, way: Callable[[str], Way], database_uri: str) -> None:
    app, db = make_by(way(database_uri), database_uri)
    register(app)
    with app.app_context(), db.engine.connect() as theirs, database_of(app).engine.connect() as ours:
        wanted = "SERIALIZABLE" if way is level_of_every_statement else "READ UNCOMMITTED"
        assert theirs.get_isolation_level() == wanted
        usual = {"postgresql": "READ COMMITTED", "mariadb": "REPEATABLE READ", "sqlite": wanted}
        assert ours.get_isolation_level() == usual[make_url(database_uri).get_backend_name()]


@sqlite_only
def test_credentials_that_are_not_to_be_had_are_a_database_that_is_away(
    make_by: MakeBy, database_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    there = [True]

    def create() -> Any:
        if not there[0]:
            raise LookupError("no identity token today")
        return connect_to(database_uri)

    way = Way(db={"engine_options": {"creator": create, "poolclass": NullPool}})
    app, _ = make_by(way, database_uri)
    registered = register(app)
    there[0] = False
    response = ask(app.test_client(), registered)
    assert refusal(response, 503, "temporarily_unavailable")
    assert response.headers["Retry-After"]
    assert "LookupError: no identity token today" in caplog.text
    there[0] = True
    assert token_for(app.test_client(), registered)


@pytest.mark.parametrize("database_uri", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_tls_that_the_app_asks_for_is_not_given_up(
    make_by: MakeBy, database_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether the server has none, or one that the missing certificate doesn't answer for."""
    arguments = {"sslmode": "verify-full", "sslrootcert": "missing.pem"}
    app, _ = make_by(Way(db={"engine_options": {"connect_args": arguments}}, tables=False), database_uri)
    assert status_with(app, "anything") == 503
    assert "ssl" in caplog.text.lower()


@sqlite_only
def test_a_db_without_a_default_database_is_said(
    make_by: MakeBy, database_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    way = Way(config={"SQLALCHEMY_DATABASE_URI": None, "SQLALCHEMY_BINDS": {"other": database_uri}}, tables=False)
    app, _ = make_by(way, database_uri)
    assert status_with(app, "anything") == 503
    assert "set SQLALCHEMY_DATABASE_URI" in caplog.text


@sqlite_only
def test_a_connection_in_the_engines_place_is_looked_behind(make_by: MakeBy, database_uri: str) -> None:
    """So tests of apps have everything rolled back that goes through `db.session`."""
    app, db = make_by(Way(), database_uri)
    with app.app_context(), db.engine.connect() as connection:
        db.engines[None], engine = connection, db.engine  # type: ignore[index]
        try:
            token = token_for(app.test_client(), register(app))["access_token"]
        finally:
            db.engines[None] = engine  # type: ignore[index]
    assert status_with(app, token) == 200

"""On PostgreSQL the request path's statements are run by libpq: with the same results and errors as by psycopg's cursor."""

import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import BigInteger, String, bindparam, cast, column, func, insert, make_url, select, table, text
from sqlalchemy.exc import DataError, DBAPIError, OperationalError

from flask_oauth_gateway.database import libpq
from flask_oauth_gateway.database.prepared import Compiled, Prepared
from flask_oauth_gateway.database.tables import once
from tests.support.app import MakeApp
from tests.support.site import MakeSite, granted
from tests.support.stored import database_of, register, status_with

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database_uri", ["postgresql"], indirect=True),
]
ONCE = Prepared(insert(once), once.c.keys())
FIND = Prepared(select(once).where(once.c.key == bindparam("key")))
ECHO = Prepared(select(bindparam("tag", type_=String).label("tag")))
NUMBER = Prepared(select(bindparam("number", type_=BigInteger).label("number")))
KEY = b"k" * 32


@pytest.fixture
def connection(app: Flask) -> Iterator[Any]:
    with database_of(app).engine.connect() as found:
        yield found


def names(connection: Any) -> list[str]:
    """What the server's side of this connection keeps for us."""
    return list(connection.scalars(text("SELECT name FROM pg_prepared_statements WHERE name LIKE 'oauth%'")))


@pytest.fixture
def cursors(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements for which `Compiled.run` left it to psycopg's cursor."""

    told: list[str] = []
    run = Compiled.run

    def noting(compiled: Any, *arguments: Any) -> Any:
        found = run(compiled, *arguments)
        if found is None:
            told.append(compiled.text)
        return found

    monkeypatch.setattr(Compiled, "run", noting)
    return told


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_no_statement_of_a_request_needs_a_cursor(make_site: MakeSite, token_format: str, cursors: list[str]) -> None:
    site = make_site(OAUTH_ACCESS_TOKEN_FORMAT=token_format, OAUTH_REVOCATION_POLL_SECONDS=0)
    client = site.register(grant_types=["authorization_code", "refresh_token", "client_credentials"])
    tokens = granted(site.refresh(client, site.tokens(client)["refresh_token"]))
    assert site.is_live(tokens["access_token"])
    assert site.post(client, "/oauth/introspect", token=tokens["access_token"]).get_json()["active"]
    assert granted(site.token(client, "client_credentials"))
    assert site.post(client, "/oauth/revoke", token=tokens["access_token"]).status_code == 200
    assert not site.is_live(tokens["access_token"])
    assert cursors == []


def test_what_psycopg_refuses_is_refused_in_the_same_words(connection: Any) -> None:
    for statement, parameters, said in (
        (ECHO, {"tag": "cut\0here"}, "0x00"),
        (NUMBER, {"number": 2**63}, "out of range"),
        (NUMBER, {"number": "some"}, "invalid input syntax"),
    ):
        with pytest.raises(DataError, match=said) as error:
            statement.execute(connection, parameters)
        assert not error.value.connection_invalidated
        assert "here" not in str(error.value)
    with pytest.raises(UnicodeEncodeError):
        ECHO.execute(connection, {"tag": "\ud800"})
    assert ECHO.execute(connection, {"tag": "é😀"}).first() == ("é😀",)
    assert [NUMBER.execute(connection, {"number": n}).all()[0].number for n in (-(2**63), -1, 2**63 - 1)] == [
        -(2**63), -1, 2**63 - 1,
    ]  # fmt: skip
    assert NUMBER.execute(connection, {"number": None}).first() == (None,)


def test_the_server_keeps_a_statement_that_runs_often_unless_names_are_forbidden(make_app: MakeApp) -> None:
    for config, kept in (({}, 1), ({"OAUTH_DATABASE_PREPARED": False}, 0)):
        with database_of(make_app(**config)).engine.connect() as connection:
            for number in range(5):
                assert ECHO.execute(connection, {"tag": str(number)}).first() == (str(number),)
            assert names(connection) == []
            for number in range(5):
                assert ECHO.execute(connection, {"tag": str(number)}).first() == (str(number),)
            assert len(names(connection)) == kept


@pytest.mark.parametrize(
    "change", ["DEALLOCATE ALL", "DISCARD ALL", "ALTER TABLE oauth_once ALTER COLUMN expires_at TYPE integer"]
)
def test_a_name_that_is_no_longer_good_is_made_anew(connection: Any, change: str) -> None:
    ONCE.execute(connection, {"key": KEY, "expires_at": 7})
    try:
        for _ in range(2):
            for _ in range(8):
                assert FIND.execute(connection, {"key": KEY}).first() == (KEY, 7)
            assert names(connection)
            connection.exec_driver_sql(change)
    finally:
        connection.exec_driver_sql("ALTER TABLE oauth_once ALTER COLUMN expires_at TYPE bigint")


def test_a_column_to_which_its_owner_has_given_another_type_is_read_all_the_same(connection: Any) -> None:
    ONCE.execute(connection, {"key": KEY, "expires_at": 7})
    for kind in ("numeric", "smallint"):
        connection.exec_driver_sql(f"ALTER TABLE oauth_once ALTER COLUMN expires_at TYPE {kind}")
        try:
            assert FIND.execute(connection, {"key": KEY}).first() == (KEY, 7)
        finally:
            connection.exec_driver_sql("ALTER TABLE oauth_once ALTER COLUMN expires_at TYPE bigint")
    connection.exec_driver_sql("CREATE TEMPORARY TABLE odd (name name)")
    connection.exec_driver_sql("INSERT INTO odd VALUES ('Zoë')")
    assert Prepared(select(table("odd", column("name", String)))).execute(connection, {}).first() == ("Zoë",)


def test_in_a_transaction_psycopg_and_libpq_see_the_same_and_an_error_undoes_all(app: Flask) -> None:
    database = database_of(app)
    for number in range(8):
        database.run(ONCE, {"key": bytes([number]) * 32, "expires_at": 1})
    with database.transaction() as connection:
        driver = connection.connection.dbapi_connection
        assert driver.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        assert ONCE.execute(connection, {"key": KEY, "expires_at": 2}).rowcount == 1
        assert connection.execute(select(once.c.expires_at).where(once.c.key == KEY)).scalar() == 2
        connection.execute(once.update().where(once.c.key == KEY).values(expires_at=3))
        assert FIND.execute(connection, {"key": KEY}).first() == (KEY, 3)
    assert driver.info.transaction_status == psycopg.pq.TransactionStatus.IDLE

    def doubled() -> None:
        with database.transaction() as connection:
            ONCE.execute(connection, {"key": b"l" * 32, "expires_at": 1})
            ONCE.execute(connection, {"key": KEY, "expires_at": 1})

    with pytest.raises(DBAPIError, match="duplicate key"):
        doubled()
    assert database.first(FIND, {"key": b"l" * 32}) is None
    assert database.first(FIND, {"key": KEY}) == (KEY, 3)


def test_an_answer_that_somebody_has_left_is_never_taken_for_ones_own(app: Flask) -> None:
    database = database_of(app)
    with database.engine.connect() as connection:
        connection.connection.dbapi_connection.pgconn.send_query(b"SELECT 'somebody else''s'")  # type: ignore[union-attr]
    for number in range(8):
        assert database.first(ECHO, {"tag": str(number)}) == (str(number),)


def test_a_connection_that_is_broken_off_in_mid_statement_is_closed(connection: Any) -> None:
    assert ECHO.execute(connection, {"tag": "a"}).first() == ("a",)
    link = libpq.link_of(connection)
    assert link is not None
    pgconn = connection.connection.dbapi_connection.pgconn

    def sent_and_broken_off(*_: object) -> None:
        pgconn.send_query(b"SELECT 'somebody else''s'")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        link._result(sent_and_broken_off)
    with pytest.raises(OperationalError) as error:
        ECHO.execute(connection, {"tag": "b"})
    assert error.value.connection_invalidated


def test_a_statement_that_the_server_ends_is_an_error_with_its_code(app: Flask, connection: Any) -> None:
    connection.exec_driver_sql("SET statement_timeout = 50")
    slow = Prepared(select(cast(func.pg_sleep(9), String).label("slept")))
    with pytest.raises(OperationalError, match="statement timeout") as error:
        slow.execute(connection, {})
    assert error.value.orig.sqlstate == "57014"  # type: ignore[union-attr]
    assert not error.value.connection_invalidated


def gevent(monkeypatch: pytest.MonkeyPatch, database_uri: str) -> dict[str, Any]:
    patched = SimpleNamespace(is_module_patched=lambda name: name == "socket")
    monkeypatch.setitem(sys.modules, "gevent.monkey", patched)  # type: ignore[arg-type]
    return {}


def other_encoding(monkeypatch: pytest.MonkeyPatch, database_uri: str) -> dict[str, Any]:
    url = make_url(database_uri).update_query_dict({"client_encoding": "latin1"})
    return {"OAUTH_DATABASE_URI": url.render_as_string(hide_password=False)}


def own_cursors(monkeypatch: pytest.MonkeyPatch, database_uri: str) -> dict[str, Any]:
    class Noting(psycopg.Cursor[Any]):
        pass

    def noting(*arguments: Any, **named: Any) -> Any:
        return connect(*arguments, **named | {"cursor_factory": Noting})

    connect = psycopg.Connection.connect
    monkeypatch.setattr(psycopg, "connect", noting)
    return {}


@pytest.mark.parametrize("way", [gevent, other_encoding, own_cursors])
def test_it_steps_aside(
    make_app: MakeApp,
    database_uri: str,
    monkeypatch: pytest.MonkeyPatch,
    cursors: list[str],
    way: Callable[[pytest.MonkeyPatch, str], dict[str, Any]],
) -> None:
    app = make_app(**way(monkeypatch, database_uri))
    with database_of(app).engine.connect() as connection:
        assert ECHO.execute(connection, {"tag": "Zoë"}).first() == ("Zoë",)
        assert libpq.link_of(connection) is None
    assert len(cursors) == 1
    register(app)
    assert status_with(app, "unknown") == 401

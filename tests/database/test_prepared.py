"""Prepared statements give what SQLAlchemy gives, on every database, and survive a connection that is lost."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from flask_oauth_gateway.database.prepared import Prepared, command
from flask_oauth_gateway.database.tables import access_token, client, once
from tests.support.stored import database_of, register

ROW: dict[str, Any] = {
    "token_hash": bytes(range(32)),
    "client": 1,
    "family": None,
    "subject": "Zoë 😀",
    "scope": "a b",
    "audience": None,
    "grant_type": "x",
    "attributes": {"plan": ["gold", None, 1.5, "é"]},
    "claims": None,
    "issued_at": 1,
    "expires_at": 2**40,
    "revoked_at": None,
}


@pytest.fixture
def connection(app: Flask) -> Any:
    with database_of(app).engine.connect() as found:
        yield found


def test_every_value_comes_back_as_it_was_given(connection: Any) -> None:
    assert Prepared(insert(access_token), ROW).execute(connection, ROW).rowcount == 1
    statement = select(access_token).where(access_token.c.token_hash == bindparam("hash"))
    for _ in range(2):
        row = Prepared(statement).execute(connection, {"hash": ROW["token_hash"]}).first()
        assert row is not None
        assert row._asdict() == ROW
        assert row == tuple(connection.execute(statement, {"hash": ROW["token_hash"]}).one())
    assert type(row.token_hash) is bytes


def test_truth_values_are_truth_values(app: Flask, connection: Any) -> None:
    register(app)
    row = Prepared(select(client.c.enabled, client.c.metadata)).execute(connection, {}).all()[0]
    assert row.enabled is True
    assert row.metadata["grant_types"] == ["client_credentials"]


def test_it_says_how_many_rows_were_touched_and_gives_no_row_where_there_is_none(connection: Any) -> None:
    Prepared(insert(access_token), ROW).execute(connection, ROW)
    change = Prepared(update(access_token).where(access_token.c.client == bindparam("whose")).values(client=2))
    assert change.execute(connection, {"whose": 1}).rowcount == 1
    assert change.execute(connection, {"whose": 1}) == (0, [])
    nobody = Prepared(select(access_token).where(access_token.c.client == bindparam("whose")))
    assert nobody.execute(connection, {"whose": 1}).first() is None


def test_its_errors_are_sqlalchemy_s_and_show_no_parameter(connection: Any) -> None:
    row = {"key": b"s" * 32, "expires_at": 1}
    again = Prepared(insert(once), row)
    again.execute(connection, row)
    with pytest.raises(IntegrityError) as error:
        again.execute(connection, row)
    assert not error.value.connection_invalidated
    assert "ssss" not in str(error.value).split("[SQL", 1)[-1]
    assert again.execute(connection, {"key": b"t" * 32, "expires_at": 1}).rowcount == 1


def test_a_transaction_of_them_is_undone_as_a_whole(app: Flask) -> None:
    database, row = database_of(app), {"key": b"u" * 32, "expires_at": 1}

    def fail_half_way() -> None:
        with database.transaction() as connection:
            Prepared(insert(once), row).execute(connection, row)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert database.first(select(once)) is None


@pytest.mark.parametrize("database_uri", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_a_connection_that_is_lost_is_not_used_again(app: Flask) -> None:
    engine = database_of(app).engine
    one = Prepared(select(once.c.key).where(once.c.key == bindparam("key")))
    with engine.connect() as idle, engine.connect() as connection:
        number = idle.scalar(text("SELECT pg_backend_pid()")), connection.scalar(text("SELECT pg_backend_pid()"))
    with engine.connect() as killer:  # the pool's last in is its first out: this is one of the two
        mine = killer.scalar(text("SELECT pg_backend_pid()"))
        for pid in set(number) - {mine}:
            killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    assert [database_of(app).first(one, {"key": b"v" * 32}) for _ in range(5)] == [None] * 5


def test_what_is_no_statement_is_refused(connection: Any) -> None:
    with pytest.raises(DBAPIError, match=r"(?i)syntax"):
        command(connection, "BEGUN AND DONE")

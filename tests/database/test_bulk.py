"""Many rows that are stored at once are read again as they were given, on every database and in every schema."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from flask_oauth_gateway.database.bulk import insert_rows
from flask_oauth_gateway.database.tables import audit
from tests.support.stored import database_of

ODD = ["", "a\tb\nc\rd", "\\N", "\\.", "back\\slash", "'quoted' \"twice\"", "Zoë 東京 😀", "%s {0} $1 :name", "NULL"]


def row(number: int, **values: Any) -> dict[str, Any]:
    plain = {
        "id": number,
        "at": 5,
        "event": "tried",
        "outcome": "ok",
        "hash": bytes([number]) * 32,
        "client_hash": -number,
    }
    return {**dict.fromkeys(("client_id", "subject", "actor", "address", "details")), **plain, **values}


def stored(app: Flask) -> list[dict[str, Any]]:
    with database_of(app).engine.connect() as connection:
        rows = connection.execute(select(audit).order_by(audit.c.id)).mappings().all()
    return [{**each, "hash": bytes(each["hash"])} for each in rows]


def test_every_value_is_kept_as_it_is(app: Flask) -> None:
    rows = [row(number, subject=odd, details={"said": odd, odd: [1, None, True]}) for number, odd in enumerate(ODD, 1)]
    rows += [row(50), row(51, at=2**53, client_hash=-(2**63), hash=bytes(range(32)), details={})]
    with database_of(app).transaction() as connection:
        insert_rows(connection, audit, rows)
    assert stored(app) == rows


def test_of_rows_one_of_which_cannot_be_stored_none_is(app: Flask) -> None:
    rows = [row(1), row(2), row(1)]
    with pytest.raises(DBAPIError), database_of(app).transaction() as connection:
        insert_rows(connection, audit, rows)
    assert stored(app) == []
    with database_of(app).transaction() as connection:
        insert_rows(connection, audit, rows[:2])
    assert len(stored(app)) == 2


@pytest.mark.parametrize("database_uri", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_what_postgresql_has_no_text_for_is_its_driver_s_error(app: Flask) -> None:
    with pytest.raises(DBAPIError), database_of(app).transaction() as connection:
        insert_rows(connection, audit, [row(1, subject="a\0b")])
    with database_of(app).engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    assert stored(app) == []

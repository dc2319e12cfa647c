"""Tables of another version than the package's: it says so, and doesn't begin to work on them."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text, update

from flask_oauth_gateway.database.tables import SCHEMA_VERSION, schema
from tests.support.app import bearer
from tests.support.app_database import AppDatabase, app_with_database, close_all
from tests.support.databases import sqlite_only
from tests.support.stored import database_of, register

NEWER = f"The tables are of version {SCHEMA_VERSION + 1}, which a newer flask-oauth-gateway has made"


def set_version(number: int) -> Any:
    return update(schema).values(version=number)


def version(app: Flask) -> list[int]:
    return [row[0] for row in database_of(app).all(text("SELECT version FROM oauth_schema"))]


def list_clients(app: Flask) -> Any:
    return app.test_cli_runner().invoke(args=["oauth", "client", "list"])


def test_newer_tables_are_refused_with_what_to_do(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    first = make_app()
    register(first)
    assert version(first) == [SCHEMA_VERSION]
    database_of(first).run(set_version(SCHEMA_VERSION + 1))
    second = make_app()
    refused = list_clients(second)
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"Error: The database can't be used: {NEWER}")
    assert refused.stderr.count("\n") == 1
    with caplog.at_level(logging.ERROR):
        response = second.test_client().get("/weather", headers=bearer("sometoken"))
    assert response.status_code == 503
    assert NEWER in caplog.text
    assert NEWER not in response.text
    database_of(first).run(set_version(SCHEMA_VERSION))
    assert list_clients(second).exit_code == 0, "without a restart"


def test_older_tables_that_were_migrated_are_taken_and_others_are_not(make_app: Callable[..., Flask]) -> None:
    first = make_app()
    database_of(first).run(set_version(0))
    assert list_clients(make_app()).exit_code == 0
    assert version(first) == [SCHEMA_VERSION]
    database_of(first).run(text("DELETE FROM oauth_schema"))
    database_of(first).run(text("ALTER TABLE oauth_client DROP COLUMN updated_at"))
    refused = list_clients(make_app())
    assert (
        "The tables are older than this flask-oauth-gateway: the column oauth_client.updated_at is missing"
        in refused.stderr
    )


@sqlite_only
def test_on_the_app_s_own_database_too(database_uri: str, tmp_path: Path) -> None:
    mine = AppDatabase()
    app = app_with_database(database_uri, mine, tmp_path)
    assert "no such table: oauth_client" in list_clients(app).stderr
    with app.app_context():
        mine.db.create_all()
    close_all(app)
    changes = {
        text("SELECT 1"): None,
        set_version(SCHEMA_VERSION + 1): NEWER,
        text("DROP TABLE oauth_schema"): "the table oauth_schema is missing",
    }
    for change, says in changes.items():
        with app.app_context(), mine.db.engine.begin() as connection:
            connection.execute(change)
        again = app_with_database(database_uri, AppDatabase(), tmp_path)
        result = list_clients(again)
        assert result.exit_code == (says is not None), (change, result.output)
        assert says is None or says in result.stderr
        close_all(again)
    close_all(app)

"""Apps with a database of their own, on every kind of database and on an in-memory SQLite."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from tests.support.app_database import AppDatabase, MakeBy, app_by, app_with_database, close_all


@pytest.fixture(
    params=[
        "file",
        "memory",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def app_uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URI of an empty database for an app's own `db`, an in-memory SQLite among them."""
    if request.param in ("file", "memory"):
        return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path / 'app.db'}"
    database = request.getfixturevalue("server_database")(request.param)
    database.empty(keep_tables=False)
    return str(database.uri)


@pytest.fixture
def mine() -> AppDatabase:
    """The app's own database and its model."""
    return AppDatabase()


@pytest.fixture
def make_with_db(app_uri: str, mine: AppDatabase, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Builds the app, with its tables, as `app_with_database` does."""
    made: list[Flask] = []

    def make(how: str = "passed", **config: Any) -> Flask:
        app = app_with_database(app_uri, mine, tmp_path, how, **config)
        made.append(app)
        with app.app_context():
            mine.db.create_all()
        return app

    yield make
    for app in made:
        close_all(app)


@pytest.fixture
def make_by(tmp_path: Path) -> Iterator[MakeBy]:
    """Builds an app and its `db` on a database, as `app_by` does."""
    made: list[Flask] = []

    def make_by(*arguments: Any, **named: Any) -> tuple[Flask, SQLAlchemy]:
        app, db = app_by(*arguments, folder=tmp_path, **named)
        made.append(app)
        return app, db

    yield make_by
    for app in made:
        close_all(app)

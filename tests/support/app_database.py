"""Apps with a database of their own, which the gateway joins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Mapped, mapped_column

from flask_oauth_gateway import OAuthGateway
from tests.support.app import add_weather, bare_app, close_app

#: Builds an app with an engine that is made in a `Way`, on a database.
MakeBy = Callable[..., tuple[Flask, SQLAlchemy]]


class AppDatabase:
    """An app's own database, with one model; takes what `SQLAlchemy` takes."""

    def __init__(self, **options: Any) -> None:
        self.db = SQLAlchemy(**options)

        class Note(self.db.Model):  # type: ignore[name-defined,misc]
            id: Mapped[int] = mapped_column(primary_key=True)
            words: Mapped[str] = mapped_column(self.db.String(80))

        self.note = Note

    def notes(self) -> list[str]:
        """What is committed, seen from outside of every open transaction."""
        with self.db.engine.connect() as connection:
            return list(connection.scalars(text("SELECT words FROM note ORDER BY id")))


def app_with_database(uri: str, mine: AppDatabase, tmp_path: Path, how: str = "passed", **config: Any) -> Flask:
    """An app whose own `db` the gateway joins.

    `how`: "passed" to the gateway, "found" because it was registered before, or "later": passed, and its own
    `init_app` comes after the gateway's.
    """
    config = {"instance_path": str(tmp_path / "instance"), "SQLALCHEMY_DATABASE_URI": uri, "TESTING": True} | config
    app = bare_app("notes", **config)
    if how != "later":
        mine.db.init_app(app)
    gateway = OAuthGateway()
    if how == "found":
        gateway.init_app(app)
    else:
        gateway.init_app(app, mine.db)
    if how == "later":
        mine.db.init_app(app)

    add_weather(app)
    return app


def close_all(app: Flask) -> None:
    """Let go of the gateway's connections and of the app's."""
    close_app(app)
    with app.app_context():
        db = app.extensions["sqlalchemy"]
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


@dataclass
class Way:
    """How an app makes its engine: what it hands to `SQLAlchemy`, its settings, what it does with the engine.

    `tables`: whether it makes its tables.
    """

    db: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    listen: Callable[[Engine], None] | None = None
    tables: bool = True


def app_by(way: Way, uri: str, folder: Path, *, later: bool = False) -> tuple[Flask, SQLAlchemy]:
    """An app with no tables but the gateway's, and its `db`, which is initialised `later` than the gateway if so asked."""
    config = {"SQLALCHEMY_DATABASE_URI": uri, "TESTING": True, "instance_path": str(folder)} | way.config
    app, db = bare_app("weather", **config), SQLAlchemy(**way.db)
    if later:
        OAuthGateway(app, db)
    db.init_app(app)
    if not later:
        OAuthGateway(app)
    add_weather(app)
    with app.app_context():
        if way.listen is not None:
            way.listen(db.engine)
        if way.tables:
            db.create_all()
    return app, db


def names_of_clients(db: SQLAlchemy) -> list[str]:
    """What the app's own session finds in the app's table of clients."""
    table = next(table for table in db.metadata.sorted_tables if table.name == "oauth_client")
    return list(db.session.scalars(select(table.c.client_id)))

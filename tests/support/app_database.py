"""Apps with a database of their own, which the gateway joins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from flask_oauth_gateway import OAuthGateway
from tests.support.app import add_weather, bare_app, close_app


class AppDatabase:
    """An app's own database, with one model."""

    def __init__(self) -> None:
        self.db = SQLAlchemy()

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

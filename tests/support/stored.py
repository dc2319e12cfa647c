"""Apps with a database of their own, and what the tests of the stores share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from flask_oauth_gateway.clients.registry import ClientRegistry
from flask_oauth_gateway.database.engine import Database
from flask_oauth_gateway.stores.audit import AuditStore
from flask_oauth_gateway.stores.registered_client import Client
from flask_oauth_gateway.tokens.registry import TokenRegistry
from tests.support.app import SCOPES, bearer

ROOT = Path(__file__).parent.parent.parent


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
    app = Flask("notes", instance_path=str(tmp_path / "instance"))
    app.config.update(TESTING=True, SECRET_KEY="only for tests", OAUTH_SCOPES=dict(SCOPES))
    app.config.update(SQLALCHEMY_DATABASE_URI=uri, **config)
    if how != "later":
        mine.db.init_app(app)
    gateway = OAuthGateway()
    if how == "found":
        gateway.init_app(app)
    else:
        gateway.init_app(app, mine.db)
    if how == "later":
        mine.db.init_app(app)

    @app.get("/weather")
    @require_token("weather:read")
    def weather() -> dict[str, str]:
        return {"for": current_token.client_id}

    return app


def close_all(app: Flask) -> None:
    """Let go of the gateway's connections and of the app's."""
    gateway_of(app).close()
    with app.app_context():
        db = app.extensions["sqlalchemy"]
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


def gateway_of(app: Flask) -> OAuthGateway:
    gateway: OAuthGateway = app.extensions["oauth_gateway"]
    return gateway


def clients_of(app: Flask) -> ClientRegistry:
    return gateway_of(app).clients


def tokens_of(app: Flask) -> TokenRegistry:
    return gateway_of(app).tokens


def database_of(app: Flask) -> Database:
    return gateway_of(app).database


def audit_of(app: Flask) -> AuditStore:
    store: AuditStore = gateway_of(app)._server.audit
    return store


def register(app: Flask, **values: Any) -> Client:
    """A client with client credentials and both scopes."""
    given = {"client_name": "Station", "grant_types": ["client_credentials"], "scope": "weather:read weather:write"}
    with app.app_context():
        return clients_of(app).create(**given | values)


def status_with(app: Flask, token: str) -> int:
    """What the protected view says to a token."""
    return app.test_client().get("/weather", headers=bearer(token)).status_code


def python(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Another Python process that can import the package and these tests."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, **options)  # type: ignore[no-any-return]


def finished(process: subprocess.Popen[str], timeout: float = 40) -> str:
    """What a process printed, once it has ended well."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out

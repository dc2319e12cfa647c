"""What the app has pending in `db.session` is the app's: the gateway never flushes, commits or rolls it back."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from flask_oauth_gateway.errors import TemporarilyUnavailable
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import basic, token_for
from tests.support.app_database import AppDatabase, app_with_database, close_all
from tests.support.stored import audit_of, clients_of, database_of, register, status_with, tokens_of

MakeApp = Callable[..., Flask]

#: Everything that writes, called with the app, a client of it, and inside of the app's own context.
WRITES: dict[str, Callable[[Flask, Any], object]] = {
    "a token from the endpoint": lambda app, client: token_for(app.test_client(), client),
    "a token in code": lambda app, client: tokens_of(app).issue(client.client_id),
    "a revocation by the client": lambda app, client: revoke_by_http(app.test_client(), client),
    "a revocation in code": lambda app, client: tokens_of(app).revoke(client_id=client.client_id),
    "attributes of a token": lambda app, client: tokens_of(app).set_attributes(
        {"plan": "gold"}, token=tokens_of(app).issue(client.client_id)["access_token"]
    ),
    "a new client": lambda app, _: clients_of(app).create(client_name="Another", client_id="another"),
    "a client that exists already": lambda app, client: fails(
        lambda: clients_of(app).create(client_name="Twin", client_id=client.client_id)
    ),
    "a changed client": lambda app, client: clients_of(app).update(client.client_id, client_name="Renamed"),
    "a new secret": lambda app, client: clients_of(app).rotate_secret(client.client_id),
    "a deleted client": lambda app, client: clients_of(app).delete(client.client_id),
    "an entry of the audit trail": lambda app, _: audit_of(app).add({"at": 1, "event": "e", "outcome": "ok"}),
    "the audit trail, read": lambda app, _: audit_of(app).newest(5),
    "a purge": lambda app, _: tokens_of(app).purge(),
}


def revoke_by_http(client: FlaskClient, registered: Client) -> None:
    token = token_for(client, registered)["access_token"]
    headers = basic(registered.client_id, registered.client_secret)
    assert client.post("/oauth/revoke", data={"token": token}, headers=headers).status_code == 200


def fails(function: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="already"):
        function()


class Watch:
    """What happened to the app's session."""

    def __init__(self, session: Session) -> None:
        self.seen: list[str] = []
        for name in ("before_flush", "after_commit", "after_rollback", "after_soft_rollback"):
            event.listen(session, name, self._note(name))

    def _note(self, name: str) -> Callable[..., None]:
        return lambda *_: self.seen.append(name)


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("flushed", [False, True], ids=["pending", "flushed"])
def test_the_apps_pending_work_stays_the_apps(
    make_with_db: MakeApp, mine: AppDatabase, app_uri: str, flushed: bool, end: str
) -> None:
    if flushed and app_uri.startswith("sqlite:///"):
        pytest.skip("a flushed write holds the one write lock of a SQLite file: see the test below")
    app = make_with_db()
    for name, write in WRITES.items():
        registered = register(app)
        with app.app_context():
            mine.db.session.add(mine.note(words=name))
            if flushed:
                mine.db.session.flush()
            watch = Watch(mine.db.session())
            write(app, registered)
            assert watch.seen == [], name
            assert mine.db.session.new or flushed, name
            if app_uri != "sqlite://":  # its one connection sees its own uncommitted work
                assert name not in mine.notes(), name
            getattr(mine.db.session, end)()
        with app.app_context():
            assert (name in mine.notes()) is (end == "commit"), name


def test_tokens_outlive_a_rollback_of_the_apps(make_with_db: MakeApp, mine: AppDatabase, app_uri: str) -> None:
    """Save in an in-memory SQLite, whose one connection has one transaction: there they go with the app's work."""
    if app_uri.startswith("sqlite:///"):
        pytest.skip("a flushed write holds the one write lock of a SQLite file: see the test below")
    app = make_with_db()
    registered = register(app)
    with app.app_context():
        mine.db.session.add(mine.note(words="half-done"))
        mine.db.session.flush()
        token = token_for(app.test_client(), registered)["access_token"]
        mine.db.session.rollback()
    assert status_with(app, token) == (401 if app_uri == "sqlite://" else 200)
    with app.app_context():
        assert mine.notes() == []


def test_a_flushed_write_to_a_sqlite_file_stands_in_the_gateways_way(
    tmp_path: Path, mine: AppDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite has one writer at a time. The gateway waits for the app's transaction, then answers 503 and says why."""
    options = {"connect_args": {"timeout": 0.2}}
    app = app_with_database(f"sqlite:///{tmp_path / 'app.db'}", mine, tmp_path, SQLALCHEMY_ENGINE_OPTIONS=options)
    with app.app_context():
        mine.db.create_all()
    registered = register(app)
    token = token_for(app.test_client(), registered)["access_token"]
    with app.app_context():
        mine.db.session.add(mine.note(words="flushed"))
        mine.db.session.flush()
        start = time.monotonic()
        headers = basic(registered.client_id, registered.client_secret)
        response = app.test_client().post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)
        assert time.monotonic() - start < 2, "the app's own timeout holds"
        assert (response.status_code, response.get_json()["error"]) == (503, "temporarily_unavailable")
        assert "holds the file's one write lock" in caplog.text
        with pytest.raises(TemporarilyUnavailable):
            clients_of(app).rotate_secret(registered.client_id)
        assert status_with(app, token) == 200, "reading goes on"
        mine.db.session.commit()
    with app.app_context():
        assert mine.notes() == ["flushed"]
        clients_of(app).rotate_secret(registered.client_id, overlap=60)
    assert token_for(app.test_client(), registered)
    close_all(app)


def test_the_apps_engine_keeps_its_own_settings(make_with_db: MakeApp, mine: AppDatabase, app_uri: str) -> None:
    app = make_with_db()
    register(app)
    with app.app_context(), mine.db.engine.connect() as connection:
        assert connection.get_isolation_level() != "AUTOCOMMIT"
        if app_uri != "sqlite://":
            assert database_of(app).engine is not mine.db.engine
        connection.execute(mine.note.__table__.insert(), {"words": "never committed"})
        connection.rollback()
        assert connection.execute(text("SELECT count(*) FROM note")).scalar() == 0

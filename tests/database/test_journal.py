"""An app's own SQLite file keeps the journal that its owner chose; who is slower for that is told, and how to change it."""

import logging
from pathlib import Path

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

from flask_oauth_gateway import OAuthGateway
from tests.support.app import MakeApp, close_app
from tests.support.stored import register, status_with


def app_with_file(folder: Path, **config: object) -> Flask:
    """An app with a `db` of its own, in a file, whose tables are made."""
    app = Flask("weather", instance_path=str(folder))
    app.config.update(SECRET_KEY="k" * 32, SQLALCHEMY_DATABASE_URI="sqlite:///weather.db", **config)
    app.config["OAUTH_SCOPES"] = {"weather:read": "Read", "weather:write": "Write"}
    db = SQLAlchemy(app)
    OAuthGateway(app, db)
    with app.app_context():
        db.create_all()
    return app


def mode(app: Flask) -> str:
    with app.app_context(), app.extensions["sqlalchemy"].engine.connect() as connection:
        connection.execute(text("SELECT count(*) FROM oauth_client"))  # a connection learns of a switch when it reads
        return str(connection.execute(text("PRAGMA journal_mode")).scalar())


def close(app: Flask) -> None:
    close_app(app)
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()


def test_the_first_use_and_the_doctor_say_it_and_init_db_changes_it_when_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_with_file(tmp_path)
    with caplog.at_level(logging.WARNING):
        register(app)
    assert caplog.text.count("flask oauth init-db --wal") == 1
    run = app.test_cli_runner().invoke
    assert "--wal" in run(args=["oauth", "doctor"]).stdout
    assert "tables are there" in run(args=["oauth", "init-db"]).stdout
    assert mode(app) == "delete", "the file is the app's"
    assert "write-ahead log" in run(args=["oauth", "init-db", "--wal"]).stdout
    assert mode(app) == "wal"
    assert "--wal" not in run(args=["oauth", "doctor"]).stdout
    assert status_with(app, "unknown") == 404, "there is no such view here"
    again = run(args=["oauth", "init-db", "--wal"])
    assert again.exit_code == 0
    close(app)
    caplog.clear()
    other = app_with_file(tmp_path)
    register(other)
    assert "--wal" not in caplog.text
    close(other)


def test_the_doctor_says_it_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = app_with_file(tmp_path)
    said = app.test_cli_runner().invoke(args=["oauth", "doctor"])
    assert (said.stdout + caplog.text).count("--wal") == 1
    close(app)


def test_an_app_under_test_hears_nothing_of_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = app_with_file(tmp_path, TESTING=True)
    register(app)
    assert "--wal" not in caplog.text
    close(app)


@pytest.mark.parametrize("database_uri", ["sqlite"], indirect=True)
def test_the_gateway_s_own_file_has_a_write_ahead_log_from_the_beginning(make_app: MakeApp) -> None:
    app = make_app()
    assert "--wal" not in app.test_cli_runner().invoke(args=["oauth", "doctor"]).stdout


@pytest.mark.parametrize("database_uri", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_other_databases_have_nothing_to_switch(make_app: MakeApp) -> None:
    answer = make_app().test_cli_runner().invoke(args=["oauth", "init-db", "--wal"])
    assert answer.exit_code == 1
    assert "for a SQLite file" in answer.stderr

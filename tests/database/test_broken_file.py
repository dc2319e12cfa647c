"""A SQLite file that can't be used: 503, and a line in the log that says what to do."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from tests.support.app import build_app, close_app, token_for
from tests.support.stored import database_of, register, status_with


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = build_app(instance_path=str(tmp_path / "instance"))
    yield app
    close_app(app)


def is_a_folder(file: Path) -> None:
    file.parent.mkdir()
    file.mkdir()


def is_something_else(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"no database\n" * 1000)


def has_a_file_for_a_folder(file: Path) -> None:
    file.parent.write_text("a file where the instance folder should be")


@pytest.mark.parametrize(
    ("spoil", "advice"),
    [
        (is_a_folder, "let this process read and write the file"),
        (is_something_else, "put the file aside"),
        (has_a_file_for_a_folder, "Make it, or set OAUTH_DATABASE_URI"),
    ],
)
def test_a_file_that_is_none(
    app: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None], advice: str
) -> None:
    spoil(tmp_path / "instance" / "oauth.db")
    caplog.set_level(logging.ERROR)
    response = app.test_client().get("/weather", headers={"Authorization": "Bearer anything"})
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert response.get_json()["error"] == "temporarily_unavailable"
    assert advice in caplog.text
    assert app.test_client().post("/oauth/token", data={"client_id": "x", "grant_type": "y"}).status_code in (400, 503)
    (tmp_path / "instance").rename(tmp_path / "aside")
    assert status_with(app, token_for(app.test_client(), register(app))["access_token"]) == 200, "without a restart"


def test_a_table_that_is_missing(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    registered = register(app)
    token = token_for(app.test_client(), registered)["access_token"]
    with database_of(app).engine.connect() as connection:
        connection.exec_driver_sql("DROP TABLE oauth_access_token")
    assert status_with(app, token) == 503
    assert "flask oauth init-db" in caplog.text
    assert app.test_cli_runner().invoke(args=["oauth", "init-db"]).exit_code == 0
    assert status_with(app, token) == 401, "that table is empty now"
    assert token_for(app.test_client(), registered)


def test_a_file_that_cannot_be_written(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """As on a file system that turned read-only: reading goes on."""
    registered = register(app)
    token = token_for(app.test_client(), registered)["access_token"]
    database_of(app).run(text("PRAGMA query_only = ON"))
    response = app.test_client().post(
        "/oauth/token",
        data={
            "grant_type": "client_credentials",
            "client_id": registered.client_id,
            "client_secret": registered.client_secret or "",
        },
    )
    assert response.status_code == 503
    assert "let this process read and write the file" in caplog.text
    assert status_with(app, token) == 200
    database_of(app).run(text("PRAGMA query_only = OFF"))
    assert token_for(app.test_client(), registered)

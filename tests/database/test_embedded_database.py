"""An app without a database: the gateway brings one, a SQLite file or what `OAUTH_DATABASE_URI` names."""

import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import inspect, text

from flask_oauth_gateway import ConfigurationError, ConfigurationWarning, OAuthGateway
from flask_oauth_gateway.database.tables import metadata
from tests.support.app import build_app, close_app, token_for
from tests.support.processes import finished, python
from tests.support.stored import clients_of, database_of, register, status_with

TABLES = set(metadata.tables)

FIRST_USER = """
import sys
from tests.support.app import build_app, close_app
from tests.support.stored import register
app = build_app(instance_path=sys.argv[1], OAUTH_DATABASE_URI=sys.argv[2] or None)
print('ready', flush=True)
sys.stdin.readline()  # so that both begin at once
print(register(app).client_id)
close_app(app)
"""


def test_a_file_in_the_instance_folder_is_made_on_first_use(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet" / "there"
    app = build_app(instance_path=str(folder))
    assert not folder.exists(), "init_app touches no database"
    token = token_for(app.test_client(), register(app))["access_token"]
    assert status_with(app, token) == 200
    with database_of(app).engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1, "NORMAL"
    close_app(app)
    with closing(sqlite3.connect(folder / "oauth.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names >= TABLES


def test_the_uri_names_another_database(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    token = token_for(client, register(app))["access_token"]
    assert status_with(app, token) == 200
    assert set(inspect(database_of(app).engine).get_table_names()) >= TABLES
    assert not (tmp_path / "instance").exists()


def test_what_is_there_is_used_again(make_app: Callable[..., Flask]) -> None:
    first = make_app()
    registered = register(first)
    token = token_for(first.test_client(), registered)["access_token"]
    close_app(first)
    second = make_app()
    assert status_with(second, token) == 200
    assert token_for(second.test_client(), registered)["access_token"] != token


def test_two_processes_may_be_the_first_at_once(database_uri: str, tmp_path: Path) -> None:
    uri = "" if database_uri.startswith("sqlite") else database_uri
    processes = [python("-c", FIRST_USER, str(tmp_path), uri, stdin=subprocess.PIPE) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    made = {finished(process).strip() for process in processes}
    app = build_app(instance_path=str(tmp_path), OAUTH_DATABASE_URI=uri or None)
    with app.app_context():
        assert {client.client_id for client in clients_of(app).list()} == made
    close_app(app)
    assert len(made) == 2


def test_two_apps_share_nothing(tmp_path: Path) -> None:
    apps = [build_app(instance_path=str(tmp_path / name)) for name in ("one", "two")]
    token = token_for(apps[0].test_client(), register(apps[0]))["access_token"]
    assert [status_with(app, token) for app in apps] == [200, 401]
    for app in apps:
        close_app(app)


def test_an_in_memory_database_serves_many_threads(tmp_path: Path) -> None:
    """It has one connection, so that they take turns."""
    app = build_app(instance_path=str(tmp_path), OAUTH_DATABASE_URI="sqlite://")
    registered = register(app)

    def issue_and_use(number: int) -> int:
        return status_with(app, token_for(app.test_client(), registered)["access_token"])

    def rotate(number: int) -> str | None:
        with app.app_context():
            return clients_of(app).rotate_secret(registered.client_id, overlap=600).client_secret

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(issue_and_use, range(100))) == [200] * 100
        assert len(set(pool.map(rotate, range(40)))) == 40
    with database_of(app).engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM oauth_access_token")) == 100
    close_app(app)


@pytest.mark.parametrize(
    ("uri", "why", "instead"),
    [
        ("mariadb://me:pa55@h/x", "whose driver MySQLdb isn't installed", "'mariadb+pymysql://"),
        ("mysql://me:pa55@h/x", "whose driver MySQLdb isn't installed", "'mysql+pymysql://"),
        ("postgres://me:pa55@h/x", "which SQLAlchemy doesn't know", "'postgresql+psycopg://"),
        (
            "postgresql+psycopg2://me:pa55@h/x",
            "whose driver psycopg2 isn't installed",
            "'flask-oauth-gateway[postgres]'",
        ),
        ("postgresql+psycopg_async://me:pa55@h/x", "whose driver is for asyncio alone", "'postgresql+psycopg://"),
        ("sqlite+types://", "which SQLAlchemy doesn't know", "'sqlite:////"),
        ("foo+bar+x://me:pa55@h/x", "which SQLAlchemy doesn't know", "'mariadb+pymysql://"),
        ("foo://me:pa55@h/x", "which SQLAlchemy doesn't know", "'postgresql+psycopg://"),
    ],
)
def test_a_database_whose_driver_is_not_there_stops_the_app_from_starting(
    uri: str, why: str, instead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for driver in ("MySQLdb", "psycopg2"):
        monkeypatch.setitem(sys.modules, driver, None)  # not installed
    with pytest.raises(ConfigurationError) as caught:
        build_app(OAUTH_DATABASE_URI=uri)
    said = str(caught.value)
    assert f"a URL of {uri.partition(':')[0]}://, {why}" in said
    assert said.startswith("OAUTH_DATABASE_URI is ")
    assert instead in said
    assert "pa55" not in said + "".join(traceback.format_exception(caught.value))


def test_a_database_beside_the_app_s_own_has_no_effect_and_is_a_warning() -> None:
    for uri in ("sqlite:///other.db", "foo://me:pa55@h/x"):
        app = Flask(__name__)
        app.config.update(SQLALCHEMY_DATABASE_URI="sqlite://", OAUTH_DATABASE_URI=uri)
        db = SQLAlchemy(app)
        gateway = OAuthGateway()
        with pytest.warns(ConfigurationWarning, match="OAUTH_DATABASE_URI has no effect: ") as caught:
            gateway.init_app(app, db)
        assert caught[0].filename == __file__
        gateway.close()

"""The app's tables in a schema: `create_all()` and migrations make the gateway's there, and there the gateway looks."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask_migrate import Migrate, init, migrate, upgrade
from sqlalchemy import Engine, MetaData, create_engine, delete, event, inspect

from flask_oauth_gateway.database import writers
from flask_oauth_gateway.database.tables import access_token, metadata
from flask_oauth_gateway.errors import TemporarilyUnavailable
from tests.support import device
from tests.support.app import refusal, token_for
from tests.support.app_database import AppDatabase, MakeBy, Way, app_with_database, close_all, names_of_clients
from tests.support.site import GRANT_TYPES, Site, granted
from tests.support.stored import audit_of, database_of, register, status_with, tokens_of

TABLES = set(metadata.tables)
on_postgresql = pytest.mark.parametrize(
    "database_uri", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


def schema() -> str:
    """Its name has to be quoted. On MariaDB it is a database, beside those of whoever tests there at this moment."""
    return f"of the app {os.getpid()}"


@pytest.fixture
def uri(database_uri: str, tmp_path: Path) -> Iterator[str]:
    """The URI of an empty database with an empty schema beside the default one; SQLite's connections attach it."""
    if database_uri.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'app.db'}"
        return
    engine = create_engine(database_uri, isolation_level="AUTOCOMMIT")
    name = engine.dialect.identifier_preparer.quote(schema())
    drop = f"DROP SCHEMA IF EXISTS {name}" + (" CASCADE" if engine.dialect.name == "postgresql" else "")
    with engine.connect() as connection:
        connection.exec_driver_sql(drop)
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
        yield database_uri
        connection.exec_driver_sql(drop)
    engine.dispose()


def attach(engine: Engine) -> None:
    """SQLite's schemas are further files, which belong to a connection."""
    if engine.dialect.name == "sqlite":
        path = f"{engine.url.database}-schema" if engine.url.database else ":memory:"

        @event.listens_for(engine, "connect")
        def attach(dbapi_connection: Any, record: object) -> None:
            dbapi_connection.execute(f'ATTACH DATABASE {path!r} AS "{schema()}"')


def named_by_the_metadata(**config: Any) -> Way:
    return Way(db={"metadata": MetaData(schema=schema())}, config=config, listen=attach)


def named_by_the_engine(**config: Any) -> Way:
    options = {"execution_options": {"schema_translate_map": {None: schema()}}}
    return Way(config={"SQLALCHEMY_ENGINE_OPTIONS": options, **config}, listen=attach)


def translated_by_the_engine(**config: Any) -> Way:
    options = {"execution_options": {"schema_translate_map": {None: "nobody", "tenant": schema()}}}
    return Way(db={"engine_options": options, "metadata": MetaData(schema="tenant")}, config=config, listen=attach)


def walk(make_by: MakeBy, way: Way, uri: str) -> None:
    """Everything that the gateway keeps is written and read; nothing of it is in the default schema."""
    app, db = make_by(way, uri)
    with app.app_context():
        there = inspect(db.engine)
        assert (set(there.get_table_names()), set(there.get_table_names(schema()))) == (set(), TABLES)
    site = Site(app)
    client, jwt = site.register(), site.register(grant_types=["client_credentials"], access_token_format="jwt")
    tokens = site.tokens(client)
    refreshed = granted(site.refresh(client, tokens["refresh_token"]))["access_token"]
    assert site.is_live(refreshed)
    assert refusal(site.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")
    assert not site.is_live(refreshed), "the refresh token was stolen: its approval is revoked"

    box = device.register(site)
    started = device.start(site, box)
    device.decide(site, started["user_code"])
    assert site.is_live(granted(device.poll(site, box, started["device_code"]))["access_token"])

    signed = token_for(app.test_client(), jwt)["access_token"]
    assert status_with(app, signed) == 200
    assert tokens_of(app).revoke(token=signed) == 1
    assert status_with(app, signed) == 401
    with app.app_context():
        assert set(names_of_clients(db)) == {client.client_id, box.client_id, jwt.client_id}
        assert audit_of(app).verify().entries > 3
    run = app.test_cli_runner().invoke
    assert "The gateway's tables are there" in run(args=["oauth", "init-db"]).output
    assert "0 expired rows deleted" in run(args=["oauth", "token", "purge"]).output
    assert "it can't be read" not in run(args=["oauth", "doctor"]).output
    again = token_for(app.test_client(), jwt)["access_token"]
    assert (
        "200"
        in run(args=["oauth", "explain", f"curl -H 'Authorization: Bearer {again}' http://localhost/weather"]).output
    )
    with app.app_context():
        assert inspect(db.engine).get_table_names() == []


CONFIG = {"OAUTH_GRANT_TYPES": GRANT_TYPES}
IN_A_SCHEMA = [named_by_the_metadata, named_by_the_engine, translated_by_the_engine]


@pytest.mark.parametrize("way", IN_A_SCHEMA)
def test_the_gateway_works_on_tables_in_a_schema(make_by: MakeBy, way: Callable[..., Way], uri: str) -> None:
    walk(make_by, way(**CONFIG), uri)


def test_the_gateway_works_on_tables_in_a_schema_in_memory(make_by: MakeBy) -> None:
    walk(make_by, named_by_the_metadata(**CONFIG), "sqlite://")


def test_one_db_on_two_apps_with_a_schema_each(uri: str, tmp_path: Path) -> None:
    """The `db` and its metadata are one, the engine and its translation are each app's own."""
    mine = AppDatabase(metadata=MetaData(schema="tenant"))
    apps = []
    for name in (None, schema()):
        options = {"execution_options": {"schema_translate_map": {"tenant": name}}}
        apps.append(app_with_database(uri, mine, tmp_path, SQLALCHEMY_ENGINE_OPTIONS=options))
        with apps[-1].app_context():
            attach(mine.db.engine)
            mine.db.create_all()
    first, second = apps
    token = token_for(first.test_client(), register(first))["access_token"]
    assert token_for(second.test_client(), register(second))
    assert (status_with(first, token), status_with(second, token)) == (200, 401)
    for app in apps:
        close_all(app)


@on_postgresql
def test_a_revocation_waits_for_who_writes_to_its_own_schema(
    make_by: MakeBy, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "MAX_SECONDS", 0.1)
    app, _ = make_by(named_by_the_metadata(), uri)
    another, _ = make_by(Way(listen=attach), uri)
    with database_of(another).transaction() as connection:
        connection.execute(delete(access_token))
        assert tokens_of(app).revoke(subject="alice") == 0
        with pytest.raises(TemporarilyUnavailable, match="ask once more"):
            tokens_of(another).revoke(subject="alice")
    with database_of(app).transaction() as connection:
        connection.execute(delete(access_token))
        assert tokens_of(another).revoke(subject="alice") == 0
        with pytest.raises(TemporarilyUnavailable, match="ask once more"):
            tokens_of(app).revoke(subject="alice")


@on_postgresql
def test_older_tables_in_a_schema_are_seen(make_by: MakeBy, uri: str, caplog: pytest.LogCaptureFixture) -> None:
    app, db = make_by(named_by_the_metadata(), uri)
    with app.app_context(), db.engine.begin() as connection:
        table = connection.dialect.identifier_preparer.format_table(db.metadata.tables[f"{schema()}.oauth_client"])
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN updated_at")
    assert status_with(app, "anything") == 503
    assert "the column oauth_client.updated_at is missing" in caplog.text


@on_postgresql
@pytest.mark.filterwarnings("ignore:'get_engine' is deprecated:DeprecationWarning")
def test_migrations_make_tables_in_a_schema(make_by: MakeBy, uri: str, tmp_path: Path) -> None:
    way = named_by_the_metadata()
    way.tables = False
    app, db = make_by(way, uri)
    Migrate(app, db, directory=str(tmp_path / "migrations"))
    with app.app_context():
        init()
        env = tmp_path / "migrations" / "env.py"
        # Alembic's own logging configuration would turn off every logger that there is
        env.write_text(env.read_text().replace("fileConfig(config.config_file_name)", "pass"))
        migrate(message="everything")
        upgrade()
        assert inspect(db.engine).get_table_names() == ["alembic_version"]
    assert status_with(app, token_for(app.test_client(), register(app))["access_token"]) == 200

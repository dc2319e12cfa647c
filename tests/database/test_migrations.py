"""Flask-Migrate sees the gateway's tables beside the app's own: autogenerate, upgrade, downgrade."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import Migrate, downgrade, init, migrate, upgrade
from sqlalchemy import inspect

from flask_oauth_gateway.database.tables import metadata
from tests.support.app import token_for
from tests.support.app_database import AppDatabase, app_with_database, close_all
from tests.support.stored import register, status_with, tokens_of

TABLES = set(metadata.tables)
# Flask-Migrate's own env.py tries Flask-SQLAlchemy 2's way first.
pytestmark = pytest.mark.filterwarnings("ignore:'get_engine' is deprecated:DeprecationWarning")


@pytest.fixture
def project(database_uri: str, mine: AppDatabase, tmp_path: Path) -> Iterator[Flask]:
    """An app with a migrations folder, and the gateway on its database."""
    app = app_with_database(database_uri, mine, tmp_path)
    Migrate(app, mine.db, directory=str(tmp_path / "migrations"))
    with app.app_context():
        init()
        # Alembic's own logging configuration would turn off every logger that there is
        env = tmp_path / "migrations" / "env.py"
        env.write_text(env.read_text().replace("fileConfig(config.config_file_name)", "pass"))
        yield app
    close_all(app)


def tables_of(mine: AppDatabase) -> set[str]:
    return set(inspect(mine.db.engine).get_table_names()) - {"alembic_version"}


def differences(mine: AppDatabase) -> list[object]:
    with mine.db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, mine.db.metadata))


def test_autogenerate_upgrade_and_downgrade(project: Flask, mine: AppDatabase, tmp_path: Path) -> None:
    migrate(message="everything")
    upgrade()
    assert tables_of(mine) == TABLES | {"note"}
    assert differences(mine) == []

    migrate(message="nothing")
    scripts = sorted((tmp_path / "migrations" / "versions").glob("*.py"))
    assert len(scripts) == 1, "nothing has changed, so that there is no second migration"

    registered = register(project)
    token = token_for(project.test_client(), registered)["access_token"]
    assert status_with(project, token) == 200
    subjects = {name: tokens_of(project).issue(registered.client_id, subject=name) for name in ("alice", "Alice")}
    assert len(tokens_of(project).find(subject="alice").tokens) == 1, subjects

    downgrade(revision="base")
    assert tables_of(mine) == set()
    upgrade()
    assert tables_of(mine) == TABLES | {"note"}


def test_create_all_makes_what_migrations_make(project: Flask, mine: AppDatabase) -> None:
    mine.db.create_all()
    assert differences(mine) == []

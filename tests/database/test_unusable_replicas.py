"""A replica to which nobody can connect, for whatever reason, fails no request; what can't be one stops the start."""

from typing import Any

import pytest
from flask_sqlalchemy import SQLAlchemy

from flask_oauth_gateway import ConfigurationError, OAuthGateway
from tests.support.app import MakeApp, bare_app, token_for
from tests.support.command_line import told_by
from tests.support.stored import register, status_with

POSTGRESQL, MARIADB = "postgresql+psycopg://h/x", "mariadb+pymysql://h/x"


@pytest.mark.parametrize("database_uri", [pytest.param("mariadb", marks=pytest.mark.mariadb)], indirect=True)
@pytest.mark.parametrize("option", ["ssl_ca=/nowhere/ca.pem", "compress_it=1", "read_timeout=soon", "password=hunter2"])
def test_no_request_fails_for_what_is_wrong_with_a_replicas_url(
    make_app: MakeApp, database_uri: str, option: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(OAUTH_DATABASE_READ_URIS=[f"{database_uri}?{option}"])
    token = token_for(app.test_client(), register(app))["access_token"]
    assert [status_with(app, token) for _ in range(3)] == [200] * 3
    doctor = told_by(app, "doctor")
    assert "OAUTH_DATABASE_READ_URIS[0]: it can't be read" in doctor
    assert "OAUTH_DATABASE_READ_URIS[0] is left out" in caplog.text
    assert "hunter2" not in doctor + caplog.text


@pytest.mark.parametrize(("primary", "replica"), [(POSTGRESQL, MARIADB), (MARIADB, POSTGRESQL), (None, POSTGRESQL)])
@pytest.mark.parametrize("has_db", [False, True])
def test_a_replica_of_another_kind_of_database_stops_the_start(primary: Any, replica: str, has_db: bool) -> None:
    key = "SQLALCHEMY_DATABASE_URI" if has_db else "OAUTH_DATABASE_URI"
    app = bare_app("x", OAUTH_DATABASE_READ_URIS=[replica], **{key: primary or ("sqlite://" if has_db else None)})
    with pytest.raises(ConfigurationError, match=r"OAUTH_DATABASE_READ_URIS\[0\] .* the primary, which is"):
        OAuthGateway(app, SQLAlchemy(app) if has_db else None)


def test_mysql_and_mariadb_are_the_same_kind() -> None:
    app = bare_app("x", OAUTH_DATABASE_URI="mysql+pymysql://h/x", OAUTH_DATABASE_READ_URIS=[MARIADB])
    assert OAuthGateway(app).settings.database_read_uris == (MARIADB,)


def test_a_file_of_sqlite_is_no_replica_and_the_message_names_what_is() -> None:
    with pytest.raises(ConfigurationError, match="PostgreSQL's or MariaDB's replicas"):
        OAuthGateway(bare_app("x", OAUTH_DATABASE_READ_URIS=["sqlite:///x.db"]))

"""The gateway on the app's own `db`: passed to it, found registered, or initialised after it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import inspect, text

from flask_oauth_gateway.database.tables import metadata
from tests.support.app import token_for
from tests.support.app_database import AppDatabase, app_with_database, close_all
from tests.support.stored import clients_of, database_of, register, status_with, tokens_of

TABLES = set(metadata.tables)
MakeApp = Callable[..., Flask]


@pytest.mark.parametrize("how", ["passed", "found", "later"])
def test_the_gateway_works_on_the_apps_database(make_with_db: MakeApp, how: str, tmp_path: Path) -> None:
    app = make_with_db(how)
    with app.app_context():
        names = set(inspect(app.extensions["sqlalchemy"].engine).get_table_names())
    assert names >= TABLES | {"note"}, "create_all makes the gateway's tables and the app's"
    registered = register(app)
    token = token_for(app.test_client(), registered)["access_token"]
    assert status_with(app, token) == 200
    with app.app_context():
        found = app.extensions["sqlalchemy"].session.scalar(text("SELECT client_id FROM oauth_client"))
        assert found == registered.client_id
        assert tokens_of(app).revoke(client_id=registered.client_id) == 1
    assert status_with(app, token) == 401
    assert not list(tmp_path.glob("**/oauth.db"))


def test_a_statement_of_several_goes_wholly_or_not_at_all(make_with_db: MakeApp) -> None:
    app = make_with_db("passed")
    register(app, client_id="taken")

    def break_off() -> None:
        with database_of(app).transaction() as connection:
            connection.execute(text("DELETE FROM oauth_client_secret"))
            connection.execute(text("DELETE FROM oauth_client"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    with app.app_context():
        client = clients_of(app).get("taken")
        assert client is not None
        assert len(client.secrets) == 1
    with pytest.raises(ValueError, match="already"):
        register(app, client_id="taken")
    assert token_for(app.test_client(), register(app, client_id="next"))


def test_without_tables_the_answer_is_503_and_the_log_says_what_to_do(
    app_uri: str, mine: AppDatabase, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_with_database(app_uri, mine, tmp_path)
    response = app.test_client().post(
        "/oauth/token", data={"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
    )
    assert response.status_code == 503
    assert response.get_json()["error"] == "temporarily_unavailable"
    assert response.headers["Retry-After"]
    assert status_with(app, "anything") == 503
    assert "flask oauth init-db" in caplog.text
    assert app.test_cli_runner().invoke(args=["oauth", "init-db"]).exit_code == 0
    registered = register(app)
    assert status_with(app, token_for(app.test_client(), registered)["access_token"]) == 200
    close_all(app)

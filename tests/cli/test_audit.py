"""`flask oauth audit list`, `flask oauth init-db`, and what every command has in common."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, text

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, ask, basic, register, token_for
from tests.support.command_line import FlaskOAuth
from tests.support.databases import every_database


@every_database
def test_the_newest_entries_come_first_and_may_be_filtered(
    app: Flask, client: FlaskClient, flask_oauth: FlaskOAuth, registered: Client
) -> None:
    register(app, client_id="other")
    token_for(client, registered, scope="weather:read")
    head, first, *rest = flask_oauth("audit", "list").stdout.splitlines()
    assert head.split() == ["TIME", "EVENT", "OUTCOME", "CLIENT_ID", "SUBJECT", "FROM", "DETAILS"]
    assert "token_issued" in first
    assert "127.0.0.1" in first
    assert len(rest) == 2
    assert "command line or code" in rest[0]

    def found(*arguments: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = json.loads(flask_oauth("audit", "list", "--json", *arguments).stdout)
        return entries

    assert [each["event"] for each in found()] == ["token_issued", "client_created", "client_created"]
    assert [each["client_id"] for each in found("--event", "client_created", "--limit", "1")] == ["other"]
    assert len(found("--client", registered.client_id)) == 2
    assert found("--subject", "alice") == []
    (issued,) = found("--event", "token_issued")
    assert (issued["outcome"], issued["address"], issued["actor"]) == ("ok", "127.0.0.1", None)
    assert issued["details"]["scope"] == "weather:read"


def test_an_event_that_there_is_not_is_refused_with_those_that_there_are(flask_oauth: FlaskOAuth) -> None:
    said = flask_oauth("audit", "list", "--event", "token_isued", fails=True).stderr
    assert "'token_isued' is not one of 'token_issued', 'token_refreshed'" in said
    assert "'audit_broken'" in said


def test_what_a_stranger_claims_to_be_can_t_steer_the_terminal(client: FlaskClient, flask_oauth: FlaskOAuth) -> None:
    client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=basic("\x1b[2J\u009b\u202e", "x"))
    assert "?[2J??" in flask_oauth("audit", "list").stdout


@every_database
def test_a_trail_that_was_changed_is_told_from_one_that_was_not(
    gateway: OAuthGateway, flask_oauth: FlaskOAuth, registered: Client
) -> None:
    register(gateway._server.app, client_id="other")
    said = flask_oauth("audit", "verify").stdout
    assert said.startswith("Entries: 2. The last number: 2. Its hash: ")
    verdict = json.loads(flask_oauth("audit", "verify", "--json").stdout)
    assert verdict == {"entries": 2, "last": 2, "hash": said.split()[-1], "findings": []}
    gateway.database.run(text("UPDATE oauth_audit SET client_id = 'somebody' WHERE id = 2"))
    result = gateway._server.app.test_cli_runner().invoke(args=["oauth", "audit", "verify"])
    assert (result.exit_code, result.stderr) == (1, "Error: The audit trail is not as it was written.\n")
    assert result.stdout.startswith("Entry 2 was changed or put in, or follows one that was.\nEntries: 2.")
    gateway.database.run(text("DELETE FROM oauth_audit"))
    result = gateway._server.app.test_cli_runner().invoke(args=["oauth", "audit", "verify"])
    assert result.stdout.startswith("Each of the entries 1 to 2 was deleted.\nEntries: 0.")


@every_database
def test_init_db_makes_the_tables_and_may_be_repeated(gateway: OAuthGateway, flask_oauth: FlaskOAuth) -> None:
    for _ in range(2):
        assert flask_oauth("init-db").stdout == "The gateway's tables are there.\n"
    tables = inspect(gateway.database.engine).get_table_names()
    assert {"oauth_client", "oauth_client_secret", "oauth_access_token", "oauth_audit"} <= set(tables)


@pytest.mark.parametrize(
    "arguments",
    [
        ["client", "list"],
        ["client", "create", "x", "--grant", "client_credentials"],
        ["token", "list"],
        ["token", "purge"],
        ["audit", "list"],
        ["init-db"],
    ],
)
def test_a_database_that_can_t_be_used_is_one_line_on_stderr(
    make_app: MakeApp, tmp_path: Path, arguments: list[str]
) -> None:
    app = make_app(OAUTH_DATABASE_URI=f"sqlite:///{tmp_path}/no/such/folder/oauth.db")
    result = app.test_cli_runner().invoke(args=["oauth", *arguments])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: The database can't be used: unable to open database file\n"


def test_every_command_says_what_it_is_for(app: Flask) -> None:
    def walk(command: Any, path: list[str]) -> None:
        assert command.help
        result = app.test_cli_runner().invoke(args=[*path, "--help"])
        assert result.exit_code == 0
        assert result.output.startswith(f"Usage: {app.name} {' '.join(path)}")
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                walk(command.get_command(context, name), [*path, name])

    walk(app.cli.commands["oauth"], ["oauth"])


def test_a_command_writes_its_audit_entries_before_it_ends(app: Flask, flask_oauth: FlaskOAuth) -> None:
    flask_oauth("client", "create", "x", "--client-id", "one", "--grant", "client_credentials")
    flask_oauth("client", "rotate-secret", "one")
    flask_oauth("client", "disable", "one")
    flask_oauth("client", "delete", "one", "--yes")
    entries = json.loads(flask_oauth("audit", "list", "--json").stdout)
    assert [(e["event"], (e["details"] or {}).get("change")) for e in reversed(entries)] == [
        ("client_created", None),
        ("client_changed", "rotate_secret"),
        ("client_changed", "update"),
        ("client_changed", "delete"),
    ]
    assert {entry["actor"] for entry in entries} == {"command line or code"}
    assert ask(app.test_client(), register(app)).status_code == 200

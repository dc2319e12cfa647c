"""`flask oauth application …`, and clients that belong to one."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.app import ask
from tests.support.command_line import FlaskOAuth


def test_the_life_of_an_application(app: Flask, client: FlaskClient, flask_oauth: FlaskOAuth) -> None:
    said = flask_oauth("application", "create", "Weather GmbH", "--owner", "alice", "--pending").stdout
    assert said.startswith("application_id: ")
    mine = said.split()[1]
    made = flask_oauth(
        *("client", "create", "Station", "--grant", "client_credentials", "--scope", "weather:read"),
        *("--application", mine, "--json"),
    )
    station = type("Station", (), json.loads(made.stdout))
    assert (station.application, station.enabled, station.switched_on) == (mine, False, True)
    other = json.loads(flask_oauth("client", "create", "Other", "--grant", "client_credentials", "--json").stdout)[
        "client_id"
    ]
    assert "application pending" in flask_oauth("client", "list", "--application", mine).stdout
    assert ask(client, station).status_code == 401
    assert flask_oauth("application", "approve", mine).stdout == f"{mine} is approved.\n"
    assert ask(client, station).status_code == 200
    assert json.loads(flask_oauth("application", "revoke", mine, "--json").stdout)["status"] == "revoked"
    assert ask(client, station).status_code == 401

    assert "Nothing is named that is to change" in flask_oauth("application", "update", mine, fails=True).stderr
    flask_oauth("application", "update", mine, "--name", "Renamed", "--attributes", '{"tier": 1}')
    shown = flask_oauth("application", "show", mine).stdout
    for text in ("Renamed", "alice", "revoked", "{'tier': 1}", station.client_id):
        assert text in shown
    as_json = json.loads(flask_oauth("application", "show", mine, "--json").stdout)
    assert (as_json["attributes"], as_json["clients"]) == ({"tier": 1}, [station.client_id])
    listed = flask_oauth("client", "list", "--application", mine).stdout
    assert station.client_id in listed
    assert other not in listed

    assert "has a client" in flask_oauth("application", "delete", mine, "--yes", fails=True).stderr
    said = flask_oauth("application", "delete", mine, "--with-clients", stdin="y\n").stdout
    assert "Delete Renamed and its clients?" in said
    assert f"{mine} is deleted." in said
    assert [each.client_id for each in app.extensions["oauth_gateway"].clients.list()] == [other]


def test_applications_are_listed_by_status_and_owner(
    app: Flask, flask_oauth: FlaskOAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_oauth_gateway.cli.application.PAGE", 2)
    for number in range(5):
        pending = ["--pending"] if number % 2 else []
        flask_oauth("application", "create", f"A{number}", "--application-id", f"a{number}", "--owner", "o", *pending)
    assert flask_oauth("application", "list").stdout.splitlines()[1].split() == ["a0", "A0", "approved", "o"]
    for options, found in (((), "01234"), (("--status", "pending"), "13"), (("--owner", "nobody"), "")):
        listed = json.loads(flask_oauth("application", "list", *options, "--json").stdout)
        assert "".join(each["application_id"][1:] for each in listed) == found
    assert [each["status"] for each in listed] == []


def test_a_client_joins_and_leaves(app: Flask, flask_oauth: FlaskOAuth) -> None:
    flask_oauth("application", "create", "Mine", "--application-id", "mine", "--plan", "")
    flask_oauth("client", "create", "Station", "--grant", "client_credentials", "--client-id", "station")
    clients = app.extensions["oauth_gateway"].clients
    flask_oauth("client", "update", "station", "--application", "mine")
    assert clients.get("station").application == "mine"
    flask_oauth("client", "update", "station", "--application", "")
    assert clients.get("station").application is None


def test_what_is_wrong_is_one_line(flask_oauth: FlaskOAuth) -> None:
    for arguments, why in (
        (("application", "show", "nobody"), "There is no application 'nobody'."),
        (("application", "approve", "nobody"), "There is no application 'nobody'."),
        (("application", "delete", "nobody", "--yes"), "There is no application 'nobody'."),
        (("application", "create", "A", "--attributes", "{"), "--attributes is a JSON object"),
        (("application", "create", "A", "--plan", "gold"), "not in OAUTH_PLANS"),
        (
            ("client", "create", "A", "--grant", "client_credentials", "--application", "nobody"),
            "There is no application 'nobody'.",
        ),
        (("client", "list", "--application", "nobody"), "There is no application 'nobody'."),
    ):
        assert why in flask_oauth(*arguments, fails=True).stderr

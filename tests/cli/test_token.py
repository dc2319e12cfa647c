"""`flask oauth token …`."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, gateway_of, is_accepted, register, token_for
from tests.support.clock import Clock
from tests.support.command_line import FlaskOAuth, told_by
from tests.support.databases import EVERY_DATABASE, every_database
from tests.support.site import MakeSite


def listed(flask_oauth: FlaskOAuth, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(flask_oauth("token", "list", "--json", *arguments).stdout)["tokens"]
    return found


def test_tokens_are_listed_by_what_they_are_called_never_by_their_value(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, flask_oauth: FlaskOAuth, registered: Client
) -> None:
    other = register(app, client_id="other")
    tokens = [token_for(client, registered)["access_token"]]
    tokens.append(gateway.tokens.issue("other", subject="al\u009b\u202eice", scope="weather:read")["access_token"])
    gateway.tokens.revoke(token=tokens[0])
    printed = flask_oauth("token", "list").stdout
    head, line = printed.splitlines()
    assert head.split() == ["TOKEN_ID", "CLIENT_ID", "SUBJECT", "SCOPE", "ISSUED", "EXPIRES", "STATUS"]
    assert line.split()[0] == gateway.tokens.get(token=tokens[1]).token_id
    assert "other" in line
    assert "al??ice" in line
    assert line.endswith("live")
    everything = flask_oauth("token", "list", "--all").stdout
    assert "The access token was revoked." in everything
    assert not any(token in printed + everything for token in tokens)
    assert [each["client_id"] for each in listed(flask_oauth, "--client", other.client_id)] == ["other"]
    assert len(listed(flask_oauth, "--subject", "al\u009b\u202eice", "--all")) == 1
    assert len(listed(flask_oauth, "--all")) == 2
    assert listed(flask_oauth, "--subject", "nobody") == []


def test_a_long_list_comes_in_pages(gateway: OAuthGateway, flask_oauth: FlaskOAuth, registered: Client) -> None:
    for number in range(5):
        gateway.tokens.issue(registered.client_id, expires_in=100 + number)
    page = json.loads(flask_oauth("token", "list", "--limit", "3", "--json").stdout)
    assert len(page["tokens"]) == 3
    assert f"More: --after {page['next']}\n" in flask_oauth("token", "list", "--limit", "3").stdout
    rest = listed(flask_oauth, "--limit", "3", "--after", page["next"])
    assert len({each["token_id"] for each in page["tokens"] + rest}) == 5


def test_a_token_is_inspected_by_value_by_standard_input_or_by_its_id(
    gateway: OAuthGateway, flask_oauth: FlaskOAuth, registered: Client
) -> None:
    token = gateway.tokens.issue(
        registered.client_id,
        subject="alice",
        audience=["https://a.example"],
        attributes={"plan": "go\u009bld", "_x": 1},
    )["access_token"]
    found = gateway.tokens.get(token=token)
    by_value = json.loads(flask_oauth("token", "inspect", token, "--json").stdout)
    assert by_value == {
        "token_id": found.token_id,
        "status": "live",
        "client_id": registered.client_id,
        "subject": "alice",
        "scope": "weather:read weather:write",
        "audience": ["https://a.example"],
        "grant_type": "direct",
        "issued_at": found.iat,
        "expires_at": found.exp,
        "attributes": {"plan": "go\u009bld", "_x": 1},
        "authorization_details": [],
        "cnf": None,
    }
    assert json.loads(flask_oauth("token", "inspect", "-", "--json", stdin=f"{token}\n").stdout) == by_value
    assert json.loads(flask_oauth("token", "inspect", found.token_id, "--json").stdout) == by_value
    for_people = flask_oauth("token", "inspect", token).stdout
    assert f"token_id:     {found.token_id}\n" in for_people
    assert token not in for_people


def test_one_token_or_all_that_fit_are_revoked(
    client: FlaskClient, gateway: OAuthGateway, flask_oauth: FlaskOAuth, registered: Client
) -> None:
    tokens = [
        gateway.tokens.issue(registered.client_id, subject=subject)["access_token"]
        for subject in ("alice", "alice", "bob", None, None)
    ]
    third = gateway.tokens.get(token=tokens[2]).token_id

    def live() -> list[int]:
        return [number for number, token in enumerate(tokens) if is_accepted(client, token)]

    assert flask_oauth("token", "revoke", tokens[0]).stdout == "1 revoked.\n"
    assert live() == [1, 2, 3, 4]
    assert flask_oauth("token", "revoke", third).stdout == "1 revoked.\n"
    assert live() == [1, 3, 4]
    assert flask_oauth("token", "revoke", "-", stdin=tokens[3] + "\n").stdout == "1 revoked.\n"
    uncounted = "JWTs aren't counted: all that fit and were issued until {} are refused too.\n"
    assert flask_oauth("token", "revoke", "--subject", "alice").stdout == "1 revoked.\n" + uncounted.format("now")
    assert live() == [4]
    before = ("token", "revoke", "--client", registered.client_id, "--issued-before")
    assert flask_oauth(*before, "2020-01-01").stdout == "0 revoked.\n" + uncounted.format("2020-01-01 00:00:00Z")
    assert live() == [4]
    for future in ("2999-01-01T00:00:00", "2999-01-01"):
        refused = flask_oauth(*before, future, fails=True).stderr
        assert "--issued-before lies in the future" in refused
        assert "milliseconds" not in refused
    assert live() == [4]
    time.sleep(1.1)  # a time in whole seconds, after the one in which the token was issued
    assert flask_oauth(*before, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}").stdout.startswith("1 revoked.\n")
    assert live() == []


def test_a_time_is_taken_as_the_command_line_itself_prints_it(
    gateway: OAuthGateway, flask_oauth: FlaskOAuth, registered: Client
) -> None:
    token = gateway.tokens.issue(registered.client_id)["access_token"]
    issued = gateway.tokens.get(token=token).iat
    row = flask_oauth("token", "list").stdout.splitlines()[1]
    in_table = f"{datetime.fromtimestamp(issued, UTC):%Y-%m-%d %H:%M:%SZ}"
    assert in_table in row
    before = ("token", "revoke", "--client", registered.client_id, "--issued-before")
    for time_ in (in_table, in_table.replace(" ", "T"), in_table.replace("Z", ""), str(issued)):
        printed = flask_oauth(*before, time_).stdout
        assert printed.startswith("0 revoked.\n"), "what was issued at this time isn't issued before it"
        assert f"issued until {in_table}" in printed


JWT = {"OAUTH_ACCESS_TOKEN_FORMAT": "jwt", "OAUTH_ISSUER": "https://as.example"}


def test_a_jwt_which_is_not_stored_is_inspected_and_revoked_by_its_value(make_app: MakeApp) -> None:
    app = make_app(**JWT)
    gateway, registered, runner = gateway_of(app), register(app), app.test_cli_runner()
    token = gateway.tokens.issue(registered.client_id, subject="alice", attributes={"plan": "gold"})["access_token"]

    def inspected() -> Any:
        result = runner.invoke(args=["oauth", "token", "inspect", "-", "--json"], input=token + "\n")
        assert token not in result.output
        return json.loads(result.output)

    found = inspected()
    assert {name: found[name] for name in ("status", "client_id", "subject", "attributes")} == {
        "status": "live",
        "client_id": registered.client_id,
        "subject": "alice",
        "attributes": {"plan": "gold"},
    }
    assert is_accepted(app.test_client(), token)
    for by_jti in ("inspect", "revoke"):
        said = told_by(app, "token", by_jti, found["token_id"])
        assert said.startswith("Error: There is no such token here")
        assert "A JWT isn't stored, and not found by its jti: give the JWT itself." in said
    assert told_by(app, "token", "revoke", token, "--client", "nobody") == "Error: There is no client 'nobody'.\n"
    assert told_by(app, "token", "revoke", token, "--subject", "bob") == "0 revoked.\n"
    assert is_accepted(app.test_client(), token)
    assert runner.invoke(args=["oauth", "token", "revoke", "-"], input=token + "\n").output == "1 revoked.\n"
    assert not is_accepted(app.test_client(), token)
    assert inspected()["status"] == "The access token was revoked."
    assert told_by(app, "token", "revoke", token) == "0 revoked.\n"


def test_a_jwt_says_why_it_is_refused(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(**JWT)
    gateway, registered = gateway_of(app), register(app)
    old, token = (
        gateway.tokens.issue(registered.client_id, expires_in=seconds)["access_token"] for seconds in (5, 3600)
    )
    clock.advance(6)
    assert gateway.tokens.get(token=old).refusal == "The access token expired."
    assert gateway.tokens.get(token=token).refusal is None
    for key in json.loads(told_by(app, "key", "list", "--json")):
        told_by(app, "key", "retire", key["kid"])
    assert "The key of this access token is not believed any more." in told_by(app, "token", "inspect", token)
    forged = ".".join((*token.split(".")[:2], "AAAA"))
    for command in ("inspect", "revoke"):
        said = told_by(app, "token", command, forged)
        assert said == "Error: This JWT is not an access token that this server signed.\n"


def test_a_jwt_is_known_where_only_requests_say_what_the_server_is_called(make_app: MakeApp) -> None:
    """On loopback OAUTH_ISSUER may be missing, and a command has no request."""
    app = make_app(OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    token = token_for(app.test_client(), register(app))["access_token"]
    app.testing = False
    assert "status:       live" in told_by(app, "token", "inspect", token)
    assert told_by(app, "token", "revoke", token) == "1 revoked.\n"
    assert "status:       The access token was revoked." in told_by(app, "token", "inspect", token)


def test_all_jwts_of_a_client_are_refused_though_none_is_counted(make_app: MakeApp) -> None:
    app = make_app(**JWT)
    registered = register(app)
    token = token_for(app.test_client(), registered)["access_token"]
    assert told_by(app, "token", "revoke", "--client", registered.client_id) == (
        "0 revoked.\nJWTs aren't counted: all that fit and were issued until now are refused too.\n"
    )
    assert not is_accepted(app.test_client(), token)


def test_a_refresh_token_is_revoked_with_what_it_gave(make_site: MakeSite) -> None:
    site = make_site()
    tokens = site.tokens(site.register())
    assert "This is a refresh token, of the client" in told_by(site.app, "token", "inspect", tokens["refresh_token"])
    assert told_by(site.app, "token", "revoke", tokens["refresh_token"]) == "1 revoked.\n"
    assert not site.is_live(tokens["access_token"])
    assert told_by(site.app, "token", "revoke", tokens["refresh_token"]) == "0 revoked.\n"


@pytest.mark.parametrize("command", ["list", "revoke"])
def test_a_client_that_isn_t_there_is_an_error_and_its_name_offers_the_client_id(
    app: Flask, gateway: OAuthGateway, flask_oauth: FlaskOAuth, command: str
) -> None:
    """In an incident a mistyped name must not look like a success."""
    client_id = register(app, client_name="Weather station").client_id
    gateway.tokens.issue(client_id)
    assert "There is no client 'nobody'." in flask_oauth("token", command, "--client", "nobody", fails=True).stderr
    by_name = flask_oauth("token", command, "--client", "Weather station", fails=True).stderr
    assert f"There is no client 'Weather station'. Is it {client_id}" in by_name
    assert len(listed(flask_oauth, "--client", client_id)) == 1


@every_database
def test_what_has_expired_is_purged(
    gateway: OAuthGateway, flask_oauth: FlaskOAuth, registered: Client, clock: Clock
) -> None:
    for _ in range(5):
        gateway.tokens.issue(registered.client_id, expires_in=5)
    assert flask_oauth("token", "purge").stdout == "0 expired rows deleted.\n"
    clock.advance(7)
    assert flask_oauth("token", "purge", "--batch", "2").stdout == "5 expired rows deleted.\n"
    assert listed(flask_oauth, "--all") == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["inspect", "no\x1b[2Jsuch"], "There is no such token here"),
        (["inspect", "-"], "There is no such token here"),
        (["revoke", "0" * 32], "There is no such token here"),
        (["revoke"], "Name a token, --client, --subject or --issued-before."),
        (["revoke", "--issued-before", "yesterday"], "'yesterday' is not a time: use 2026-01-31, or"),
        (["revoke", "--issued-before", "1790000000000"], "is not a time"),
        (["list", "--after", "x"], "--after: after is what an earlier page gave as next."),
        (["list", "--limit", "0"], "0 is not in the range"),
        (["purge", "--batch", "many"], "'many' is not a valid integer range."),
    ],
)
def test_what_can_t_be_done_is_one_line_on_stderr(flask_oauth: FlaskOAuth, arguments: list[str], sentence: str) -> None:
    assert sentence in flask_oauth("token", *arguments, fails=True, stdin="").stderr


@pytest.mark.parametrize("database_uri", EVERY_DATABASE[::2], indirect=True)
def test_partitions_are_for_postgresql(flask_oauth: FlaskOAuth) -> None:
    refused = flask_oauth("token", "partition", fails=True).stderr
    assert "Only PostgreSQL" in refused
    assert "flask oauth token purge" in refused

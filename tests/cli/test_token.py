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
from tests.support.app import is_accepted, register, token_for
from tests.support.clock import Clock
from tests.support.command_line import FlaskOAuth
from tests.support.databases import every_database


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
    assert flask_oauth("token", "revoke", "--subject", "alice").stdout == "1 revoked.\n"
    assert live() == [4]
    before = ("token", "revoke", "--client", registered.client_id, "--issued-before")
    assert flask_oauth(*before, "2020-01-01").stdout == "0 revoked.\n"
    assert live() == [4]
    assert "issued_before lies in the future" in flask_oauth(*before, "2999-01-01T00:00:00", fails=True).stderr
    assert live() == [4]
    time.sleep(1.1)  # a time in whole seconds, after the one in which the token was issued
    assert flask_oauth(*before, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}").stdout == "1 revoked.\n"
    assert live() == []


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
        (["revoke", "--issued-before", "yesterday"], "'yesterday'"),
        (["list", "--after", "x"], "--after: after is what an earlier page gave as next."),
        (["list", "--limit", "0"], "0 is not in the range"),
        (["purge", "--batch", "many"], "'many' is not a valid integer range."),
    ],
)
def test_what_can_t_be_done_is_one_line_on_stderr(flask_oauth: FlaskOAuth, arguments: list[str], sentence: str) -> None:
    assert sentence in flask_oauth("token", *arguments, fails=True, stdin="").stderr

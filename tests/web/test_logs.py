"""The logger `flask_oauth_gateway`: a line for each token that is given, and for each refusal."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import OAuthGateway, require_token
from flask_oauth_gateway.crypto.checksums import new_checked_token
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import ask, bearer, token_for


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[Any]]:
    caplog.set_level(logging.INFO, "flask_oauth_gateway")

    def lines() -> list[Any]:
        records = [record for record in caplog.records if hasattr(record, "oauth")]
        assert all(record.name == "flask_oauth_gateway" and record.levelname == "INFO" for record in records)
        return records

    return lines


def test_a_token_that_is_given_is_a_line(
    client: FlaskClient, registered: Client, gateway: OAuthGateway, lines: Any
) -> None:
    token = token_for(client, registered, scope="weather:read")["access_token"]
    (line,) = lines()
    fields = line.oauth
    assert fields.pop("request_id")
    assert fields == {
        "event": "token_issued",
        "method": "POST",
        "path": "/oauth/token",
        "address": "127.0.0.1",
        "client_id": registered.client_id,
        "grant_type": "client_credentials",
        "token_id": gateway.tokens.get(token=token).token_id,
        "scope": "weather:read",
    }
    assert line.getMessage().startswith("event=token_issued request_id=")
    assert token not in line.getMessage()


def test_a_token_in_an_address_is_left_out(client: FlaskClient, registered: Client, lines: Any) -> None:
    mine = new_checked_token("acme_", 1_800_000_000)
    for token in (token_for(client, registered, scope="weather:read")["access_token"], mine):
        client.delete(f"/oauth/tokens/{token}/now")
        line = lines()[-1]
        assert token[-40:] not in line.getMessage() + str(line.oauth)
        assert line.oauth["path"].startswith("/oauth/tokens/")
        assert line.oauth["path"].endswith(".../now")


def test_a_refusal_is_one_line_that_says_why(client: FlaskClient, registered: Client, lines: Any) -> None:
    ask(client, replace(registered, client_secret="wrong-secret"))
    client.get("/weather", headers=bearer("nonsense"))
    client.get("/weather")
    client.get("/oauth/tokeninfo", headers=bearer("nonsense"))
    told = [(each.oauth["event"], each.oauth["path"], each.oauth["error"], each.oauth["status"]) for each in lines()]
    assert told == [
        ("refused", "/oauth/token", "invalid_client", 401),
        ("refused", "/weather", "invalid_token", 401),
        ("refused", "/weather", "unauthorized", 401),
        ("refused", "/oauth/tokeninfo", "invalid_token", 401),
    ]
    first = lines()[0].oauth
    assert first["client_id"] == registered.client_id
    assert "secret" in first["reason"]  # more than the client is told
    text = " ".join(each.getMessage() for each in lines())
    assert "wrong-secret" not in text
    assert "nonsense" not in text


@pytest.mark.parametrize("compatibility", ["apigee", "axway"])
def test_another_gateways_words_change_no_line(make_app: Callable[..., Flask], lines: Any, compatibility: str) -> None:
    make_app(OAUTH_COMPATIBILITY=compatibility).test_client().get("/weather", headers=bearer("nonsense"))
    assert [each.oauth["error"] for each in lines()] == ["invalid_token"]


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        ("abc-123", True),
        ("Root=1-67891233-abcdef", True),
        ("a b", False),
        ("x" * 129, False),
        ("", False),
        ("é", False),
    ],
)
def test_the_requests_id_is_the_callers_where_it_is_sane(
    app: Flask, client: FlaskClient, lines: Any, sent: str, is_kept: bool
) -> None:
    headers = {"X-Request-ID": sent}
    client.get("/oauth/tokeninfo", headers={**headers, **bearer("nonsense")})
    client.get("/weather", headers=headers)
    one, two = (each.oauth["request_id"] for each in lines())
    assert ((one == sent), (two == sent)) == (is_kept, is_kept)
    assert is_kept or (one != two and len(one) == 32)


def test_lines_of_one_request_have_one_id(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, registered: Client, lines: Any
) -> None:
    issue = gateway.tokens.issue
    app.add_url_rule("/twice", view_func=lambda: [issue(registered.client_id)["scope"] for _ in range(2)])
    client.get("/twice")
    client.get("/twice")
    ids = [each.oauth["request_id"] for each in lines()]
    assert (ids[0], ids[2]) == (ids[1], ids[3])
    assert ids[0] != ids[2]


def test_nobody_writes_a_line_of_their_own(app: Flask, client: FlaskClient, registered: Client, lines: Any) -> None:
    app.add_url_rule("/stations/<name>", "station", require_token(lambda name: name))
    client.get("/stations/a%0Aevent=token_issued%20x%E2%80%A8")
    client.post("/oauth/token", data={"grant_type": "a\u2028b", "client_secret": "x" * 9000})
    ask(client, replace(registered, client_id='c" d' * 500, client_secret="\u2028"))
    assert len(lines()) == 3
    for line in lines():
        assert line.getMessage().splitlines() == [line.getMessage()]
        assert line.getMessage().isascii()
        assert len(line.getMessage()) < 1500
    assert 'path="/stations/a\\nevent=token_issued x\\u2028"' in lines()[0].getMessage()
    json.dumps([each.oauth for each in lines()])


def test_code_without_a_request_writes_too(gateway: OAuthGateway, registered: Client, lines: Any) -> None:
    gateway.tokens.issue(registered.client_id, scope="weather:read")
    gateway.tokens.revoke(client_id=registered.client_id)
    issued, revoked = (each.oauth for each in lines())
    assert (issued["event"], issued["grant_type"]) == ("token_issued", "direct")
    assert (revoked["event"], revoked["count"]) == ("token_revoked", 1)
    assert "request_id" not in issued


def test_below_info_nothing_is_written(
    client: FlaskClient, registered: Client, caplog: pytest.LogCaptureFixture
) -> None:
    token_for(client, registered)
    client.get("/weather")
    assert [each for each in caplog.records if hasattr(each, "oauth")] == []

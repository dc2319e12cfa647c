"""`flask_oauth_gateway.testing`: what our users' own tests are written with."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway import OAuthGateway, current_token, require_token
from flask_oauth_gateway.testing import Clock
from tests.support.app import ask, bearer, is_accepted, refusal, register, server_of, token_for
from tests.support.databases import every_database
from tests.support.statements import statements_of

pytest_plugins = ["flask_oauth_gateway.testing", "pytester"]


@pytest.fixture
def told(app: Flask) -> Flask:
    """The app, with a view that tells what it knows of the token."""

    @app.get("/told")
    @require_token
    def told() -> dict[str, Any]:
        names = ("client_id", "subject", "grant_type", "audience", "attributes", "claims")
        return {name: getattr(current_token, name) for name in names} | {"scopes": sorted(current_token.scopes)}

    return app


def test_a_token_says_what_the_test_asked_for_and_is_looked_up_nowhere(
    told: Flask, oauth_token: Callable[..., Any]
) -> None:
    token = oauth_token(
        "weather:read",
        "weather:write",
        subject="alice",
        client_id="spa",
        attributes={"plan": "gold"},
        audience=("http://localhost", "https://b.example"),
        claims={"acr": "mfa"},
    )
    answer = told.test_client().get("/told", headers=token.headers).get_json()
    claims = answer.pop("claims")
    assert (claims["acr"], claims["exp"] - claims["iat"]) == ("mfa", 3600)
    assert answer == {
        "client_id": "spa",
        "subject": "alice",
        "grant_type": "authorization_code",
        "audience": ["http://localhost", "https://b.example"],
        "attributes": {"plan": "gold"},
        "scopes": ["weather:read", "weather:write"],
    }
    plain = told.test_client().get("/told", headers=bearer(oauth_token())).get_json()
    assert (plain["client_id"], plain["subject"], plain["scopes"]) == ("test-client", None, [])
    assert plain["grant_type"] == "client_credentials"
    assert server_of(told).database._engine is None  # never connected


def test_it_goes_through_the_checks_of_the_view(
    app: Flask, authorized_client: Callable[..., Any], oauth_token: Callable[..., Any]
) -> None:
    assert authorized_client("weather:read").get("/weather").get_json() == {"for": "test-client"}
    refusal(authorized_client("weather:write").get("/weather"), 403, "insufficient_scope")
    other = {"Authorization": "Bearer nonsense"}
    refusal(authorized_client("weather:read").get("/weather", headers=other), 401, "invalid_token")
    with pytest.raises(ValueError, match="'scope'"):
        oauth_token(attributes={"scope": "weather:write"})


@pytest.mark.parametrize("by", [3600, timedelta(hours=1)])
def test_the_clock_stands_still_until_a_token_has_expired(
    authorized_client: Callable[..., Any], oauth_clock: Clock, by: Any
) -> None:
    client, began, on = authorized_client("weather:read"), time.time(), time.monotonic()
    assert time.time() == began == oauth_clock.now == int(began)
    oauth_clock.advance(3599)
    assert client.get("/weather").status_code == 200
    oauth_clock.advance(1)
    assert "expired" in refusal(client.get("/weather"), 401, "invalid_token")
    oauth_clock.advance(by)
    assert time.time() - began == 7200
    assert time.monotonic() - on >= 7200


@pytest.mark.parametrize("seconds", [0, 60])
def test_tokens_that_the_server_issued_live_and_die_beside_it(
    make_app: Callable[..., Flask], request: pytest.FixtureRequest, seconds: int
) -> None:
    app = make_app(OAUTH_TOKEN_CACHE_SECONDS=seconds)
    client, registered = app.test_client(), register(app)
    before = server_of(app).guard.validate
    plugin = request.config.pluginmanager.getplugin("flask_oauth_gateway.testing")
    fixture = plugin.oauth_token._get_wrapped_function()(app)
    test_token = next(fixture)("weather:read")
    issued, gone = (token_for(client, registered)["access_token"] for _ in range(2))
    assert is_accepted(client, issued)
    with statements_of(app.extensions["oauth_gateway"].database.engine) as statements:
        assert is_accepted(client, issued)
    assert len(statements) == (0 if seconds else 1)  # what the app does with other tokens is as before
    assert is_accepted(client, gone)
    app.extensions["oauth_gateway"].tokens.revoke(token=gone)
    assert [is_accepted(client, token) for token in (issued, gone, test_token)] == [True, False, True]
    next(fixture, None)
    assert server_of(app).guard.validate == before
    assert not is_accepted(client, test_token)


@every_database
def test_a_registered_client_gets_tokens_and_is_gone_afterwards(
    app: Flask, oauth_client: Callable[..., Any], gateway: OAuthGateway
) -> None:
    assert token_for(app.test_client(), oauth_client())["scope"] == "weather:read weather:write"
    reader = oauth_client(client_id="reader", scope="weather:read")
    assert gateway.clients.get("reader") is not None
    assert ask(app.test_client(), reader, scope="weather:write").status_code == 400
    gateway.clients.delete("reader")  # the test may do it first


CONFTEST = """
import pytest
from flask import Flask
from flask_oauth_gateway import OAuthGateway, require_token
from flask_oauth_gateway.testing import OAuthToken  # for the types

pytest_plugins = ["flask_oauth_gateway.testing"]
gateway = OAuthGateway()


@pytest.fixture(scope="session")
def app(tmp_path_factory, pytestconfig):
    app = Flask("users_app", instance_path=str(tmp_path_factory.mktemp("instance")))
    app.config.update(TESTING=True, OAUTH_SCOPES={"read": "Read"})
    gateway.init_app(app)
    app.add_url_rule("/read", view_func=require_token("read")(lambda: "read"))
    yield app
    gateway.database.dispose()
"""

USERS_TESTS = """
import pytest

seen = []

def test_a_token(app, oauth_token):
    seen.append(oauth_token("read"))
    assert app.test_client().get("/read", headers=seen[0].headers).text == "read"

def test_no_token_of_an_earlier_test(app, oauth_token):
    assert app.test_client().get("/read", headers=seen[0].headers).status_code == 401

def test_a_client(oauth_client):
    assert oauth_client(client_id="one").client_secret

def test_no_client_of_an_earlier_test(oauth_client):
    assert oauth_client(client_id="one").scope == "read"

def test_an_app_that_is_served(app, monkeypatch, request):
    monkeypatch.setattr(app, "testing", False)
    for fixture in ("oauth_token", "oauth_client", "authorized_client"):
        with pytest.raises(pytest.UsageError, match="TESTING"):
            request.getfixturevalue(fixture)
"""


#: Under `python -O` pytest warns of asserts outside of tests, which it can't rewrite.
UNDER_O = ("-W", "ignore:assertions not in test modules:pytest.PytestConfigWarning")


def test_it_works_for_an_app_fixture_that_lives_long(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(USERS_TESTS)
    pytester.runpytest("-p", "no:cacheprovider", "-p", "no:dash", "-W", "error", *UNDER_O).assert_outcomes(passed=5)


def test_an_app_without_a_gateway_is_told_what_it_lacks(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
import pytest
from flask import Flask
pytest_plugins = ["flask_oauth_gateway.testing"]
app = pytest.fixture(lambda: Flask("bare"))
""")
    pytester.makepyfile("def test_token(oauth_token): pass")
    result = pytester.runpytest("-p", "no:cacheprovider", "-p", "no:dash")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*UsageError*has no gateway*"])


def test_an_app_that_is_served_never_has_it() -> None:
    check = "import sys, flask_oauth_gateway as g; sys.exit('pytest' in sys.modules or hasattr(g, 'testing'))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0

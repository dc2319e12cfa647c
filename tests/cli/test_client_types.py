"""`client create --type`: a name is enough, and what is printed leads to a first token."""

import json
import shlex
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway.features.grants import DEVICE_CODE
from tests.support.app import MakeApp, gateway_of
from tests.support.command_line import HOME, FlaskOAuth, run_curl

URI = "https://app.example/cb"


def lines_of(text: str) -> list[str]:
    """The lines that can be typed, or opened."""
    return [line for line in text.splitlines() if line.startswith(("curl ", "http"))]


def made(app: Flask, stdout: str) -> Any:
    client_id = stdout.splitlines()[0].removeprefix("client_id:").strip()
    return gateway_of(app).clients.get(client_id)


def test_a_machine_gets_its_first_token_by_the_line_that_is_printed(
    app: Flask, client: FlaskClient, flask_oauth: FlaskOAuth
) -> None:
    result = flask_oauth("client", "create", "Weather station", "--type", "machine", "--scope", "weather:read")
    found = made(app, result.stdout)
    assert (found.client_name, found.grant_types) == ("Weather station", ["client_credentials"])
    assert f"discovery:     {HOME}/.well-known/oauth-authorization-server" in result.stdout
    (line,) = lines_of(result.stdout)
    assert run_curl(client, line).get_json()["scope"] == "weather:read"
    assert result.stderr == ""


def test_a_secret_of_any_characters_stands_in_the_line_as_a_shell_takes_it(
    client: FlaskClient, flask_oauth: FlaskOAuth
) -> None:
    odd = """it's "%41" $HOME `x` \\ : + & é"""[:-2] + "!"
    result = flask_oauth("client", "create", "One", "--type", "machine", "--client-secret", odd, "--client-id", "a'b:c")
    (line,) = lines_of(result.stdout)
    assert run_curl(client, line).status_code == 200
    assert "'" not in shlex.split(line)[2]


@pytest.mark.parametrize(
    ("kind", "grants", "method"),
    [
        ("web", ["authorization_code", "refresh_token"], "client_secret_basic"),
        ("browser", ["authorization_code", "refresh_token"], "none"),
        ("native", ["authorization_code", "refresh_token"], "none"),
        ("machine", ["client_credentials"], "client_secret_basic"),
        ("device", [DEVICE_CODE, "refresh_token"], "none"),
    ],
)
def test_each_type_says_the_rest(make_app: MakeApp, kind: str, grants: list[str], method: str) -> None:
    app = make_app(OAUTH_GRANT_TYPES=["authorization_code", "refresh_token", "client_credentials", "device_code"])
    run = app.test_cli_runner().invoke
    uris = [] if kind in ("machine", "device") else ["--redirect-uri", URI]
    result = run(args=["oauth", "client", "create", "One", "--type", kind, *uris])
    assert (result.exit_code, result.stderr) == (0, "")
    found = made(app, result.stdout)
    assert (found.grant_types, found.token_endpoint_auth_method) == (grants, method)
    assert ("client_secret: " in result.stdout) is (method != "none")
    assert lines_of(result.stdout)


def test_a_name_and_redirect_uris_are_asked_for(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    said = "Notes\nhttp://evil.example/\nhttps://app.example/cb http://127.0.0.1/cb\n"
    result = app.test_cli_runner().invoke(args=["oauth", "client", "create", "--type", "native"], input=said)
    assert result.exit_code == 0, result.output
    found = made(app, result.stdout)
    assert (found.client_name, found.redirect_uris) == ("Notes", ["https://app.example/cb", "http://127.0.0.1/cb"])
    assert "must be https" in result.stderr
    assert "com.example.app:/callback" in result.stderr


def test_where_nobody_can_be_asked_an_option_is_named(app: Flask, flask_oauth: FlaskOAuth) -> None:
    for arguments, option in ((["One"], "give a --redirect-uri"), ([], "give its name before the options")):
        result = flask_oauth("client", "create", *arguments, "--type", "web", fails=True)
        assert option in result.stderr
    assert "Missing argument 'CLIENT_NAME'" in app.test_cli_runner().invoke(args=["oauth", "client", "create"]).stderr


def test_explicit_options_win_over_the_type(app: Flask, flask_oauth: FlaskOAuth) -> None:
    web = ["client", "create", "One", "--type", "web"]
    public = made(app, flask_oauth(*web, "--public", "--redirect-uri", URI).stdout)
    assert (public.is_public, public.response_types) == (True, ["code"])
    machine = made(app, flask_oauth(*web, "--grant", "client_credentials").stdout)
    assert (machine.grant_types, machine.response_types) == (["client_credentials"], [])
    posting = flask_oauth(*web, "--redirect-uri", URI, "--auth-method", "client_secret_post")
    assert made(app, posting.stdout).token_endpoint_auth_method == "client_secret_post"


def test_a_type_whose_grant_is_off_says_how_it_is_turned_on(flask_oauth: FlaskOAuth) -> None:
    result = flask_oauth("client", "create", "TV", "--type", "device", fails=True)
    assert result.stderr.strip().endswith("add 'device_code' to OAUTH_GRANT_TYPES.")


def test_json_has_what_it_had_and_the_first_requests(flask_oauth: FlaskOAuth) -> None:
    plain = json.loads(flask_oauth("client", "create", "One", "--grant", "client_credentials", "--json").stdout)
    typed = json.loads(flask_oauth("client", "create", "One", "--type", "machine", "--json").stdout)
    assert [*typed][: len(plain)] == [*plain]
    assert {*typed} - {*plain} == {"discovery_url", "first_requests"}
    (line,) = typed["first_requests"]
    assert typed["client_secret"] in line


def test_a_client_with_a_key_is_told_that_curl_cannot_sign(make_app: MakeApp) -> None:
    app = make_app(OAUTH_CLIENT_AUTH_METHODS=["private_key_jwt"], OAUTH_ISSUER="https://auth.example/eu")
    options = ["--type", "machine", "--jwks-uri", "https://app.example/jwks"]
    result = app.test_cli_runner().invoke(args=["oauth", "client", "create", "One", *options])
    assert "no line of curl can sign" in result.stdout
    assert "https://auth.example/.well-known/oauth-authorization-server/eu" in result.stdout
    refused = app.test_cli_runner().invoke(args=["oauth", "client", "create", "One", *options[:2]])
    assert "--jwks" in refused.stderr

"""What `client create` makes of what is left out or odd, what it says to do next, and what `--help` and a name lead to."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.app import MakeApp, gateway_of, register
from tests.support.command_line import FlaskOAuth, run_curl
from tests.support.site import MakeSite, Page, answer, location

EVERY_GRANT = ["authorization_code", "client_credentials", "refresh_token", "password", "device_code"]


def create(flask_oauth: FlaskOAuth, *options: str) -> tuple[str, str, list[str]]:
    """The client_id and secret ("" without one) of a new client, and what was said beside them."""
    result = flask_oauth("client", "create", "One", *options)
    said = dict(line.split(":", 1) for line in result.stdout.splitlines())
    secret = said.get("client_secret", "").removesuffix("(shown once)").strip()
    return said["client_id"].strip(), secret, result.stderr.splitlines()


def test_without_a_grant_it_is_what_the_administrators_form_begins_with(app: Flask, flask_oauth: FlaskOAuth) -> None:
    client_id, _, _ = create(flask_oauth, "--redirect-uri", "https://app.example/cb")
    assert gateway_of(app).clients.get(client_id).grant_types == ["authorization_code", "refresh_token"]  # type: ignore[union-attr]
    result = flask_oauth("client", "create", "One", fails=True)
    assert "--grant (authorization_code, client_credentials, refresh_token)" in result.stderr
    assert "--redirect-uri" in result.stderr
    asker, _, _ = create(flask_oauth, "--resource-server")
    assert gateway_of(app).clients.get(asker).grant_types == []  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("options", "note"),
    [
        (["--grant", "password"], "password is not in OAUTH_GRANT_TYPES"),
        (["--grant", "password", "--grant", "device_code"], "device_code are not in OAUTH_GRANT_TYPES"),
        (["--redirect-uri", "https://*.app.example/cb"], "the * in https://*.app.example/cb stands for itself"),
        (["--redirect-uri", "http://127.0.0.1/*"], "stands for itself"),
        (["--grant", "client_credentials", "--redirect-uri", "https://app.example/cb"], "no grant of this client uses"),
        (["--grant", "client_credentials", "--grant", "refresh_token"], "refresh_token is of no use"),
    ],
)
def test_what_is_hardly_meant_is_noted(app: Flask, flask_oauth: FlaskOAuth, options: list[str], note: str) -> None:
    client_id, _, said = create(flask_oauth, *options)
    assert [line for line in said if line.startswith("Note: ") and note in line]
    printed = flask_oauth("client", "create", "One", *options, "--json")
    assert printed.stderr.count("\n") == 1, "only the note: whoever asks for JSON is a program"
    register(app, client_id="plain")
    assert note in flask_oauth("client", "update", "plain", *options).stderr
    assert flask_oauth("client", "update", client_id, "--name", "Two").stderr == printed.stderr


def test_members_of_openid_connect_are_noted_while_it_is_off(flask_oauth: FlaskOAuth, make_app: MakeApp) -> None:
    both = '{"backchannel_logout_uri": "https://app.example/out", "default_max_age": 60, "require_pkce": true}'
    options = ("--redirect-uri", "https://app.example/cb", "--metadata")
    client_id, _, said = create(flask_oauth, *options, both)
    assert "Note: default_max_age and backchannel_logout_uri have no effect without OAUTH_OIDC." in said
    one = flask_oauth("client", "update", client_id, "--metadata", '{"default_max_age": null}').stderr
    assert one == "Note: backchannel_logout_uri has no effect without OAUTH_OIDC.\n"
    said = create(flask_oauth, *options, '{"require_pkce": true, "application_type": "web"}')[2]
    assert "OAUTH_OIDC" not in "".join(said), "these count without it"
    oidc = make_app(OAUTH_OIDC=True).test_cli_runner()
    result = oidc.invoke(args=["oauth", "client", "create", "One", *options, both])
    assert (result.exit_code, "OAUTH_OIDC" in result.stderr) == (0, False)


def test_what_is_in_order_gets_no_note(flask_oauth: FlaskOAuth) -> None:
    _, _, said = create(flask_oauth, "--redirect-uri", "https://app.example/cb")
    assert not [line for line in said if line.startswith("Note")]


def test_the_next_command_of_a_machine_gets_a_token(client: FlaskClient, flask_oauth: FlaskOAuth) -> None:
    _, secret, (line,) = create(flask_oauth, "--grant", "client_credentials", "--scope", "weather:read")
    assert line.startswith("Next (curl asks for the secret): curl -u ")
    assert secret not in line
    assert run_curl(client, line, secret).get_json()["scope"] == "weather:read"
    odd, secret, (line,) = create(flask_oauth, "--grant", "client_credentials", "--client-id", "it's a:b c")
    assert "it%27s%20a%3Ab%20c" in line
    assert odd == "it's a:b c"


def test_the_next_command_of_an_app_leads_through_the_browser_to_a_token(make_site: MakeSite) -> None:
    site = make_site()
    run = site.app.test_cli_runner().invoke
    for kind in (["--public"], []):
        uri = "http://127.0.0.1:8000/cb?x=1&y=a b".replace(" ", "%20")
        result = run(args=["oauth", "client", "create", "One", "--redirect-uri", uri, "--scope", "weather:read", *kind])
        opens, then = result.stderr.splitlines()
        asked = urlsplit(opens.removeprefix("Next: open "))
        page = Page(site.browser.get(f"{asked.path}?{asked.query}"))
        code = answer(location(site.send(page)), uri)["code"]
        secret = result.stdout.partition("client_secret: ")[2].partition(" ")[0]
        tokens = run_curl(site.app.test_client(), then, secret, CODE=f"code={code}").get_json()
        assert tokens["scope"] == "weather:read", tokens


@pytest.mark.parametrize(
    ("setting", "options"),
    [
        ({"OAUTH_DPOP": True}, ["--grant", "client_credentials", "--dpop-bound-access-tokens"]),
        ({"OAUTH_DPOP": "required"}, ["--grant", "client_credentials"]),
        ({"OAUTH_PAR": True}, ["--redirect-uri", "https://app.example/cb", "--require-pushed-authorization-requests"]),
        ({"OAUTH_PAR": "required"}, ["--redirect-uri", "https://app.example/cb"]),
        ({"OAUTH_JAR": "required"}, ["--redirect-uri", "https://app.example/cb"]),
    ],
)
def test_no_command_is_told_that_would_be_refused(
    make_app: MakeApp, setting: dict[str, Any], options: list[str]
) -> None:
    result = make_app(**setting).test_cli_runner().invoke(args=["oauth", "client", "create", "One", *options])
    (line,) = result.stderr.splitlines()
    assert line.startswith("Next: flask oauth client show ")


def test_the_next_command_of_other_clients(make_app: MakeApp) -> None:
    app = make_app(OAUTH_GRANT_TYPES=EVERY_GRANT, OAUTH_ISSUER="https://auth.example")
    run = app.test_cli_runner().invoke

    def following(number: int, options: list[str]) -> str:
        result = run(args=["oauth", "client", "create", "One", "--client-id", f"c{number}", *options])
        assert result.exit_code == 0, result.output
        return str(result.stderr).partition(": ")[2].strip()

    kinds = (
        ["--grant", "device_code", "--public"],
        ["--grant", "password"],
        ["--resource-server"],
        ["--grant", "client_credentials", "--auth-method", "private_key_jwt", "--jwks-uri", "https://c.example/jwks"],
        ["--grant", "jwt_bearer"],
    )
    told = [following(number, options) for number, options in enumerate(kinds)]
    assert told[:4] == [
        "curl -d client_id=c0 https://auth.example/oauth/device_authorization",
        "curl -u c1 -d grant_type=password -d username=NAME -d password=PASSWORD https://auth.example/oauth/token",
        "curl -u c2 -d token=TOKEN https://auth.example/oauth/introspect",
        "flask oauth client show c3",
    ]
    assert "urn:ietf:params:oauth:grant-type:jwt-bearer is not in OAUTH_GRANT_TYPES" in told[4]


def test_help_lists_what_this_app_takes(make_app: MakeApp) -> None:
    plans = {"gold": {}, "silver": {}}
    app = make_app(
        OAUTH_GRANT_TYPES=EVERY_GRANT, OAUTH_PLANS=plans, OAUTH_CLIENT_AUTH_METHODS=["none", "client_secret_jwt"]
    )

    def help_of(*command: str) -> str:
        return " ".join(app.test_cli_runner().invoke(args=["oauth", *command, "--help"]).output.split())

    for command in ("create", "update"):
        text = help_of("client", command)
        for said in (
            f"Here: {', '.join(EVERY_GRANT)}.",
            "A scope that it may have; repeatable. Here: weather:read, weather:write.",
            "Here: none, client_secret_jwt.",
            "Here: gold, silver.",
        ):
            assert said in text
    assert "Here: gold, silver." in help_of("application", "create")
    assert "Here: weather:read, weather:write." in help_of("client", "import")
    assert "token_issued, token_refreshed, token_revoked" in help_of("audit", "list")
    many = make_app(OAUTH_SCOPES={f"s{number}": "S" for number in range(100)})
    assert "s39, ..." in " ".join(
        many.test_cli_runner().invoke(args=["oauth", "client", "create", "--help"]).output.split()
    )


@pytest.mark.parametrize(
    "command",
    [("show",), ("update", "--owner", "bob"), ("rotate-secret",), ("enable",), ("disable",), ("delete", "--yes")],
)
def test_a_name_offers_the_client_id(app: Flask, flask_oauth: FlaskOAuth, command: tuple[str, ...]) -> None:
    register(app, client_id="one", client_name="Weather station")
    register(app, client_id="two", client_name="Weather map")
    before = gateway_of(app).clients.list()
    said = flask_oauth("client", command[0], "Weather station", *command[1:], fails=True).stderr
    assert said == "Error: There is no client 'Weather station'. Is it one ('Weather station')?\n"
    said = flask_oauth("client", command[0], "weather", *command[1:], fails=True).stderr
    assert "Is it one ('Weather station') or two ('Weather map')?" in said
    assert flask_oauth("client", command[0], "Nobody", *command[1:], fails=True).stderr.endswith("client 'Nobody'.\n")
    assert gateway_of(app).clients.list() == before


@pytest.mark.parametrize(
    "command", [("show",), ("update", "--owner", "bob"), ("approve",), ("revoke",), ("delete", "--yes")]
)
def test_a_name_offers_the_application_id(app: Flask, flask_oauth: FlaskOAuth, command: tuple[str, ...]) -> None:
    made = gateway_of(app).applications.create("Partner & sons")
    said = flask_oauth("application", command[0], "Partner & sons", *command[1:], fails=True).stderr
    assert f"Is it {made.application_id} ('Partner & sons')?" in said
    assert gateway_of(app).applications.get(made.application_id) == made

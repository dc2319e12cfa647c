"""`flask oauth client …`."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import ask, register, register_public
from tests.support.clock import Clock
from tests.support.command_line import FlaskOAuth
from tests.support.signing import Signer

#: What could clear a terminal, or turn its text around, and stands in a name all the same.
STEERING = "evil\u009b2J\u202ename"


def as_client(printed: str) -> Any:
    """What `--json` printed, with its members as attributes."""
    return type("Printed", (), json.loads(printed))


def test_the_quick_start_s_command_makes_a_client_that_gets_a_token(
    app: Flask, client: FlaskClient, flask_oauth: FlaskOAuth
) -> None:
    command = ("client", "create", "Weather station", "--grant", "client_credentials", "--scope", "weather:read")
    lines = flask_oauth(*command).stdout.splitlines()
    assert [line[:15] for line in lines] == ["client_id:     ", "client_secret: "]
    assert lines[1].endswith("   (shown once)")
    client_id, secret = (line[15:].split()[0] for line in lines)
    made = type("Made", (), {"client_id": client_id, "client_secret": secret})
    assert ask(client, made).get_json()["scope"] == "weather:read"
    assert ask(client, as_client(flask_oauth(*command, "--json").stdout)).status_code == 200
    assert len(app.extensions["oauth_gateway"].clients.list()) == 2


def test_every_option_of_create_is_kept(flask_oauth: FlaskOAuth) -> None:
    options = {
        "--scope": "weather:read",
        "--default-scope": "weather:read",
        "--redirect-uri": "https://app.example/cb",
        "--auth-method": "client_secret_post",
        "--access-token-lifetime": "15m",
        "--access-token-format": "jwt",
        "--owner": "alice",
        "--contact": "ops@example.com",
        "--client-uri": "https://app.example/",
        "--attributes": '{"tier": 1}',
        "--client-id": "station",
        "--client-secret": "brought by hand",
        "--secret-expires-in": "30d",
    }
    arguments = [item for option in options.items() for item in option]
    command = ("client", "create", "Station", *arguments, "--scope", "weather:write", "--resource-server")
    printed = json.loads(flask_oauth(*command, "--json").stdout)
    shown = json.loads(flask_oauth("client", "show", "station", "--json").stdout)
    assert printed == {**shown, "client_secret": "brought by hand"}
    (secret,) = shown.pop("secrets")
    assert secret == {
        "hint": "hand",
        "created_at": secret["created_at"],
        "expires_at": secret["created_at"] + 30 * 86400,
        "last_used_at": None,
    }
    said = {name: value for name, value in shown.items() if value not in (None, [], "", False)}
    assert said.pop("created_at") == said.pop("updated_at")
    assert said == {
        "client_id": "station",
        "client_name": "Station",
        "enabled": True,
        "switched_on": True,
        "owner": "alice",
        "scope": "weather:read weather:write",
        "default_scope": "weather:read",
        "redirect_uris": ["https://app.example/cb"],
        "token_endpoint_auth_method": "client_secret_post",
        "access_token_lifetime": 900,
        "access_token_format": "jwt",
        "contacts": ["ops@example.com"],
        "client_uri": "https://app.example/",
        "attributes": {"tier": 1},
        "resource_server": True,
    }


def test_a_secret_may_come_from_standard_input(flask_oauth: FlaskOAuth, client: FlaskClient) -> None:
    command = ("client", "create", "x", "--grant", "client_credentials", "--client-secret", "-", "--json")
    made = as_client(flask_oauth(*command, stdin="from a pipe\r\n").stdout)
    assert made.client_secret == "from a pipe"
    assert ask(client, made).status_code == 200
    rotated = flask_oauth("client", "rotate-secret", made.client_id, "--client-secret", "-", stdin="another one\n")
    assert "client_secret: another one   (shown once)" in rotated.stdout


def test_a_public_client_has_no_secret_to_show(flask_oauth: FlaskOAuth) -> None:
    command = ("client", "create", "Phone", "--public", "--redirect-uri", "http://127.0.0.1/cb")
    printed = flask_oauth(*command)
    assert printed.stdout.startswith("client_id: ")
    assert "secret" not in printed.output
    assert json.loads(flask_oauth(*command, "--json").stdout)["client_secret"] is None


def test_list_and_show_print_tables_for_people(
    app: Flask, client: FlaskClient, flask_oauth: FlaskOAuth, registered: Client
) -> None:
    other = register(app, client_name=STEERING, client_id="other", scope="weather:read")
    app.extensions["oauth_gateway"].clients.update("other", enabled=False)
    ask(client, registered)
    head, first, second = flask_oauth("client", "list").stdout.splitlines()
    assert head.split() == ["CLIENT_ID", "NAME", "STATUS", "GRANTS", "SCOPE"]
    assert first.split()[0] == registered.client_id
    assert "Weather station  enabled" in first
    assert second.split() == ["other", "evil?2J?name", "disabled", "client_credentials", "weather:read"]
    shown = flask_oauth("client", "show", registered.client_id).stdout
    assert registered.client_secret not in shown
    assert f"...{registered.client_secret[-4:]}" in shown
    lines = [line for line in shown.splitlines() if line.startswith(("scope:", "tls_client_certificate_bound_"))]
    assert [line.split()[1:] for line in lines] == [["weather:read", "weather:write"], ["False"]]
    assert lines[0].index("weather") == lines[1].index("False"), "the longest name keeps its distance, too"
    assert "never" in shown
    assert json.loads(flask_oauth("client", "list", "--json").stdout)[1]["client_name"] == STEERING
    assert "evil?2J?name" in flask_oauth("client", "show", other.client_id).stdout


def test_update_changes_what_is_given_and_nothing_else(app: Flask, flask_oauth: FlaskOAuth, registered: Client) -> None:
    command = ("client", "update", registered.client_id, "--name", "New", "--scope", "weather:read", "--owner", "bob")
    assert flask_oauth(*command).stdout == f"{registered.client_id} is changed.\n"
    changed = app.extensions["oauth_gateway"].clients.get(registered.client_id)
    assert (changed.client_name, changed.scope, changed.owner) == ("New", "weather:read", "bob")
    assert changed.grant_types == registered.grant_types
    printed = flask_oauth("client", "update", registered.client_id, "--access-token-lifetime", "60", "--json").stdout
    assert json.loads(printed)["access_token_lifetime"] == 60
    assert json.loads(printed)["owner"] == "bob"


def test_an_update_that_names_nothing_is_a_usage_error(flask_oauth: FlaskOAuth, registered: Client) -> None:
    said = flask_oauth("client", "update", registered.client_id, fails=True).stderr
    assert said.startswith("Error: Nothing is named that is to change: an option says what. See '")


def test_a_rotated_secret_replaces_the_old_one_at_once_or_after_the_overlap(
    client: FlaskClient, flask_oauth: FlaskOAuth, registered: Client, clock: Clock
) -> None:
    rotate = ("client", "rotate-secret", registered.client_id, "--json")
    second = as_client(flask_oauth(*rotate, "--overlap", "1h").stdout)
    assert [ask(client, each).status_code for each in (registered, second)] == [200, 200]
    clock.advance(3601)
    assert [ask(client, each).status_code for each in (registered, second)] == [401, 200]
    third = as_client(flask_oauth(*rotate, "--expires-in", "90s").stdout)
    assert [ask(client, each).status_code for each in (second, third)] == [401, 200]
    clock.advance(91)
    assert ask(client, third).status_code == 401


def test_a_client_is_disabled_enabled_and_deleted(
    app: Flask, client: FlaskClient, flask_oauth: FlaskOAuth, registered: Client
) -> None:
    name = registered.client_id
    assert flask_oauth("client", "disable", name).stdout == f"{name} is disabled.\n"
    assert ask(client, registered).status_code == 401
    assert flask_oauth("client", "enable", name).stdout == f"{name} is enabled.\n"
    assert ask(client, registered).status_code == 200
    assert flask_oauth("client", "delete", name, "--yes").stdout == f"{name} is deleted.\n"
    assert app.extensions["oauth_gateway"].clients.list() == []


def test_a_client_of_an_application_that_is_not_approved_is_only_switched_on(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, flask_oauth: FlaskOAuth
) -> None:
    gateway.applications.create(name="Example", application_id="example")
    registered = register(app, application="example")
    flask_oauth("client", "disable", registered.client_id)
    flask_oauth("application", "revoke", "example")
    said = flask_oauth("client", "enable", registered.client_id).stdout
    assert said == (
        f"{registered.client_id} is switched on, and works once its application example, which is revoked,"
        " is approved.\n"
    )
    assert ask(client, registered).status_code == 401
    flask_oauth("application", "approve", "example")
    assert ask(client, registered).status_code == 200


def test_delete_asks_first(app: Flask, flask_oauth: FlaskOAuth) -> None:
    register(app, client_id="one", client_name=STEERING)
    kept = app.test_cli_runner().invoke(args=["oauth", "client", "delete", "one"], input="n\n")
    assert kept.exit_code == 1
    assert "Delete evil?2J?name, its secrets, consents and tokens?" in kept.output
    assert app.extensions["oauth_gateway"].clients.get("one") is not None
    assert flask_oauth("client", "delete", "one", stdin="y\n").stdout.endswith("one is deleted.\n")
    assert app.extensions["oauth_gateway"].clients.get("one") is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["create", "x", "--scope", "weather:rain"], "scope names 'weather:rain', which is not in OAUTH_SCOPES"),
        (["create", "x", "--client-id", "taken"], "There is a client 'taken' already."),
        (["create", "x", "--grant", "authorization_code"], "users here needs --redirect-uri: one at least."),
        (["create", "x", "--default-scope", "rain"], "'rain'"),
        (["create", "x", "--auth-method", "private_key_jwt"], "needs a --jwks, --jwks-uri or certificate."),
        (["create", "x", "--client-secret", "short"], "A --client-secret has 8 to 1024 printable ASCII characters."),
        (["create", "x", "--public", "--client-secret", "long enough"], "A client registered for none"),
        (["create", "x", "--attributes", "{"], "--attributes is a JSON object"),
        (["create", "x", "--attributes", "[]"], "attributes is a JSON object."),
        (["create", "x", "--metadata", "{"], "--metadata is a JSON object"),
        (["create", "x", "--metadata", "[]"], "--metadata is a JSON object."),
        (["create", "x", "--metadata", '{"owner": "alice"}'], "--metadata names 'owner'; it may be"),
        (["update", "taken", "--metadata", '{"require_pkce": 5}'], "require_pkce is True or False."),
        (["create", "\x1b[2J"], "client_name is a text"),
        (["create", "x", "--auth-method", "\x1b[2J"], "--auth-method is '\\x1b[2J'"),
        (["create", "x", "--owner", "x" * 256], "owner is a subject"),
        (["create", "x", "--secret-expires-in", "soon"], "'soon' is not a duration: use a number of seconds, or 15m"),
        (["create", "x", "--secret-expires-in", "9" * 30], "is not a duration"),
        (["create", "x", "--secret-expires-in", "99999d"], "is not a duration"),
        (["create"], "Missing argument 'CLIENT_NAME'. See 'weather oauth client create --help'."),
        (["create", "x", "--no-such-option\x1b[2J"], "No such option"),
        (["nonsense"], "No such command 'nonsense'."),
        (["show", "no\x1b[2Jbody"], "There is no client 'no\\x1b[2Jbody'."),
        (["update", "nobody", "--name", "x"], "There is no client 'nobody'."),
        (["update", "taken", "--redirect-uri", "http://evil.example"], "The redirect URI 'http://evil.example' must be https"),
        (["rotate-secret", "nobody"], "There is no client 'nobody'."),
        (["rotate-secret", "public"], "A client registered for none has no client_secret."),
        (["enable", "nobody"], "There is no client 'nobody'."),
        (["disable", "nobody"], "There is no client 'nobody'."),
        (["delete", "nobody", "--yes"], "There is no client 'nobody'."),
    ],
)  # fmt: skip
def test_what_can_t_be_done_is_one_line_on_stderr_and_changes_nothing(
    app: Flask, flask_oauth: FlaskOAuth, arguments: list[str], sentence: str
) -> None:
    register(app, client_id="taken")
    register_public(app, client_id="public")
    before = app.extensions["oauth_gateway"].clients.list()
    grant = ["--grant", "device_code"] if arguments[0] == "create" and len(arguments) > 1 else []
    assert sentence in flask_oauth("client", *arguments, *grant, fails=True).stderr
    assert app.extensions["oauth_gateway"].clients.list() == before


def test_a_client_that_signs_is_registered_with_its_keys(
    flask_oauth: FlaskOAuth, gateway: OAuthGateway, tmp_path: Path
) -> None:
    signer = Signer()
    keys, certificate, wrong = (tmp_path / name for name in ("jwks.json", "certificate.pem", "wrong.json"))
    keys.write_text(json.dumps(signer.jwks()))
    certificate.write_text(signer.certificate())
    wrong.write_text("{")
    method = ("--grant", "client_credentials", "--auth-method", "private_key_jwt", "--client-id")
    printed = flask_oauth("client", "create", "One", *method, "one", "--jwks", str(keys)).stdout
    assert printed == "client_id:     one\n"
    assert gateway.clients.get("one").jwks == signer.jwks()
    flask_oauth("client", "create", "Two", *method, "two", "--certificate", str(certificate))
    assert gateway.clients.get("two").certificate == certificate.read_text()
    flask_oauth("client", "create", "Three", *method, "three", "--jwks-uri", "https://three.example/jwks")
    assert gateway.clients.get("three").jwks_uri == "https://three.example/jwks"
    flask_oauth("client", "update", "one", "--jwks", "-", stdin=json.dumps(Signer(kid="new").jwks()))
    assert gateway.clients.get("one").jwks["keys"][0]["kid"] == "new"
    for given in (("--jwks", str(wrong)), ("--jwks", str(tmp_path / "nowhere")), ("--certificate", str(keys)), ()):
        flask_oauth("client", "create", "Four", *method, "four", *given, fails=True)


def test_members_without_an_option_are_given_as_json(flask_oauth: FlaskOAuth) -> None:
    members = {"require_pkce": False, "default_max_age": 3600}
    made = json.loads(
        flask_oauth(
            "client", "create", "Dashboard", "--grant", "authorization_code", "--redirect-uri", "https://a.example/cb",
            "--metadata", json.dumps(members), "--json",
        ).stdout
    )  # fmt: skip
    flask_oauth("client", "update", made["client_id"], "--metadata", '{"default_max_age": 60}')
    shown = json.loads(flask_oauth("client", "show", made["client_id"], "--json").stdout)
    assert (shown["require_pkce"], shown["default_max_age"]) == (False, 60)

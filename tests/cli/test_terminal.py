"""What others named their things never steers the terminal of who lists them, and what is no text is one line on stderr."""

from pathlib import Path

import pytest
from flask import Flask

from flask_oauth_gateway.cli import output
from tests.support.app import gateway_of, register
from tests.support.command_line import FlaskOAuth
from tests.support.databases import sqlite_only

STEERS = "x\x9b2J\x1b[2J\x1b]0;owned\x07\u202e\x7f"
NO_TEXT = "no\udcfftext"  # as Python reads bytes that are not UTF-8


@sqlite_only
@pytest.mark.parametrize("option", [(), ("--json",)])
@pytest.mark.parametrize("command", ["client list", "client show one", "token list", "audit list", "application list"])
def test_no_name_steers_the_terminal(
    app: Flask, flask_oauth: FlaskOAuth, command: str, option: tuple[str, ...]
) -> None:
    register(app, client_id="one", client_name="x\x9b2J\u202e", owner="x\x9b2J\u202e", attributes={"a": STEERS})
    gateway_of(app).tokens.issue("one", subject=STEERS, attributes={"a": STEERS})
    gateway_of(app).tokens.revoke(subject=STEERS)
    gateway_of(app).applications.create("x\x9b2J\u202e")
    flask_oauth(*command.split(), *option)


@sqlite_only
@pytest.mark.parametrize(
    "command",
    [
        ("client", "show", STEERS),
        ("client", "delete", "--yes", STEERS),
        ("client", "create", STEERS, "--grant", "client_credentials", "--scope", STEERS),
        ("client", "create", "One", "--grant", STEERS),
        ("application", "show", STEERS),
        ("application", "revoke", STEERS),
        ("key", "retire", STEERS),
        ("token", "list", "--after", STEERS),
        ("token", "inspect", STEERS),
        ("token", "purge", "--audit-older-than", STEERS),
        ("issuer", "check", STEERS),
        ("explain", STEERS),
        (STEERS,),
    ],
)
def test_what_was_typed_does_not_come_back_as_it_was(flask_oauth: FlaskOAuth, command: tuple[str, ...]) -> None:
    flask_oauth(*command, fails=True)


@sqlite_only
@pytest.mark.parametrize(
    "command",
    [
        ("client", "show", NO_TEXT),
        ("client", "create", NO_TEXT, "--grant", "client_credentials"),
        ("client", "create", "One", "--grant", "client_credentials", "--owner", NO_TEXT),
        ("client", "list", "--application", NO_TEXT),
        ("application", "create", NO_TEXT),
        ("application", "show", NO_TEXT),
        ("token", "revoke", "--subject", NO_TEXT),
        ("token", "revoke", NO_TEXT),
        ("token", "inspect", NO_TEXT),
        ("key", "retire", NO_TEXT),
        ("issuer", "check", NO_TEXT),
        ("explain", NO_TEXT),
    ],
)
def test_bytes_that_are_no_text_are_one_line_on_stderr(
    app: Flask, flask_oauth: FlaskOAuth, command: tuple[str, ...]
) -> None:
    register(app, client_id="one")
    flask_oauth(*command, fails=True)


@sqlite_only
@pytest.mark.parametrize("option", ["--jwks", "--certificate", "--attributes"])
def test_a_file_that_is_no_text_or_too_deep_is_one_line_on_stderr(
    flask_oauth: FlaskOAuth, tmp_path: Path, option: str
) -> None:
    file = tmp_path / "given"
    file.write_bytes(b"\x30\x82\xff\x00")
    given = "[" * 100_000 if option == "--attributes" else str(file)
    flask_oauth("client", "create", "One", "--grant", "client_credentials", option, given, fails=True)


COMMANDS = (
    "client list", "client show one", "client show Wetter", "client export", "token list", "audit list", "application list",
    "application show a", "issuer list", "routes", "doctor", "explain /oauth/authorize?client_id=天気", "explain /weather",
    "client create 天気 --grant client_credentials --owner 天気", "client delete one", "client create --help", "--help",
)  # fmt: skip


@sqlite_only
@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "shift_jis"])
def test_every_command_writes_on_any_terminal(app: Flask, encoding: str) -> None:
    register(app, client_id="one", client_name="Wetter 天気 🦄", owner="天気")
    gateway_of(app).applications.create("天気 🦄", application_id="a", owner="天気")
    gateway_of(app).tokens.issue("one", subject="天気 🦄")
    runner = app.test_cli_runner(charset=encoding)
    for command in COMMANDS:
        result = runner.invoke(args=["oauth", *command.split(" ")], input="n\n")
        assert result.exception is None or isinstance(result.exception, SystemExit), command
        result.stdout_bytes.decode(encoding)  # nothing that this terminal can't write


@sqlite_only
def test_what_a_terminal_can_t_write_is_spelled_out_and_keeps_its_column(app: Flask) -> None:
    register(app, client_id="one", client_name="天気")
    register(app, client_id="two", client_name="Wetter")
    run = {
        name: app.test_cli_runner(charset=name).invoke(args=["oauth", "client", "list"]).stdout
        for name in ("ascii", "utf-8")
    }
    head, one, two = run["ascii"].splitlines()
    assert "\\u5929\\u6c17" in one
    assert head.index("STATUS") == one.index("enabled") == two.index("enabled")
    head, one, two = run["utf-8"].splitlines()
    assert (
        two.index("enabled") == head.index("STATUS") == one.index("enabled") + 2
    )  # two letters that take four columns


@sqlite_only
@pytest.mark.parametrize("columns", [1, 20, 40, 60, 500])
def test_in_a_narrow_terminal_a_row_is_a_block_of_lines(
    app: Flask, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    register(app, client_id="one", client_name="Weather station", scope="weather:read")
    register(app, client_id="two", client_name="Map", scope="")
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    listed = app.test_cli_runner().invoke(args=["oauth", "client", "list"]).stdout
    if columns == 500:
        assert len(listed.splitlines()) == 3
        return
    assert listed.splitlines() == [
        "CLIENT_ID  one",
        "NAME       Weather station",
        "STATUS     enabled",
        "GRANTS     client_credentials",
        "SCOPE      weather:read",
        "",
        "CLIENT_ID  two",
        "NAME       Map",
        "STATUS     enabled",
        "GRANTS     client_credentials",
    ]

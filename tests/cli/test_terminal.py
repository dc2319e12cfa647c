"""What others named their things never steers the terminal of who lists them, and what is no text is one line on stderr."""

from pathlib import Path

import pytest
from flask import Flask

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
        ("client", "create", STEERS, "--scope", STEERS),
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
        ("client", "create", NO_TEXT),
        ("client", "create", "One", "--owner", NO_TEXT),
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
    flask_oauth("client", "create", "One", option, given, fails=True)

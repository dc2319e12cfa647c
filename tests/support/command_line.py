"""The fixture `flask_oauth`: the command line of a test's app; and the lines of curl that it prints."""

import shlex
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from tests.support.app import basic

#: Runs `flask oauth …`.
FlaskOAuth = Callable[..., Result]
HOME = "http://127.0.0.1:5000"  # where the lines say that the server is
#: What a command that ends well may say beside its answer.
ADVICE = ("Note: ", "Next: ", "Next (", "Then: ")


@pytest.fixture
def flask_oauth(app: Flask) -> FlaskOAuth:
    """Runs `flask oauth …`, which has to end well; with `fails=True` it has to end with one line on stderr."""

    def flask_oauth(*arguments: str, fails: bool = False, stdin: str | None = None) -> Result:
        result: Any = app.test_cli_runner().invoke(args=["oauth", *arguments], input=stdin)
        assert all(c == "\n" or c.isprintable() for c in result.output), "this could steer a terminal"
        if fails:
            assert result.exit_code == 1, result.output
            assert result.stdout == ""
            assert result.stderr.startswith("Error: ")
            assert result.stderr.count("\n") == 1
        else:
            assert result.exit_code == 0, result.output
            assert all(line.startswith(ADVICE) for line in result.stderr.splitlines()), result.stderr
        return result

    return flask_oauth


def told_by(app: Flask, *arguments: str) -> str:
    """What `flask oauth …` of an app prints, however it ends."""
    return app.test_cli_runner().invoke(args=["oauth", *arguments]).output


def run_curl(client: FlaskClient, line: str, secret: str = "", **instead: str) -> Any:
    """Send the request of a curl line, which may ask for the secret; `instead` stands for words in capitals."""
    words = shlex.split(line.partition("curl ")[2])
    data, headers, url = [], {}, ""
    while words:
        word = words.pop(0)
        if word == "-d":
            data.append(instead.get(words[0].rpartition("=")[2], words[0]))
            words.pop(0)
        elif word == "-u":
            name, colon, own = words.pop(0).partition(":")
            headers = (
                {"Authorization": f"Basic {b64encode(f'{name}:{own}'.encode()).decode()}"}
                if colon
                else basic(name, secret)
            )
        else:
            url = word
    pairs = parse_qsl("&".join(data), strict_parsing=True)
    assert url.startswith(f"{HOME}/oauth/")
    return client.post(url.removeprefix(HOME), data=dict(pairs), headers=headers)

"""The fixture `flask_oauth`: the command line of a test's app."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

#: Runs `flask oauth …`.
FlaskOAuth = Callable[..., Result]
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

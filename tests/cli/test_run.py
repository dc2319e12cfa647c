"""`flask run` on a development host that is not this machine: what the server needs to be set comes before anything else."""

import click
import pytest

from tests.support.app import MakeApp


def started(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str], host: str, command: str = "run", **config: object
) -> str:
    """What is said while an app is made by `flask run --host`."""
    context = click.Context(click.Command(command), info_name=command)
    context.params["host"] = host
    with context:
        make_app(**{"TESTING": False, **config})
    return capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "dev.example"])  # noqa: S104
def test_a_host_that_is_not_loopback_needs_a_name(
    make_app: MakeApp, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    (line,) = started(make_app, capsys, host).splitlines()
    assert host in line
    assert "OAUTH_ISSUER" in line
    assert "OAUTH_ALLOW_HTTP = True" in line


def test_where_it_has_one_or_needs_none_nothing_is_said(make_app: MakeApp, capsys: pytest.CaptureFixture[str]) -> None:
    away = "192.168.1.5"
    for host in ("127.0.0.1", "localhost", "app.localhost", "::1"):
        assert started(make_app, capsys, host) == ""
    assert started(make_app, capsys, away, OAUTH_ISSUER="https://auth.example") == ""
    assert started(make_app, capsys, away, TESTING=True) == ""
    assert started(make_app, capsys, away, DEBUG=True) == ""
    assert started(make_app, capsys, away, command="routes") == ""

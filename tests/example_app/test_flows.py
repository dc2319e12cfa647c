"""`python -m example_app.flows`, as somebody who reads along runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from example_app.flows import FLOWS
from tests.example_app.running import ROOT, environment, example_app, url_in


def flows(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "example_app.flows", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_shows_its_requests_and_answers(name: str) -> None:
    done = flows(name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n   200 OK\n   Content-Type: application/json\n" in done.stdout
    if name == "implicit":
        assert "#access_token=" in done.stdout
    else:
        assert "/oauth/token" in done.stdout
        assert '"access_token": "' in done.stdout
    assert done.stdout.endswith(f"All as expected: {name}.\n")
    assert done.stderr == ""


def test_without_a_name_all_are_walked_and_told_in_json() -> None:
    done = flows("--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["flows"]
    assert [flow["flow"] for flow in told] == list(FLOWS)
    assert all(step["answer"]["status"] in step["expected"] for flow in told for step in flow["steps"])


USERS_FLOWS = ("authorization_code", "refresh_token", "device_code", "implicit")


@pytest.mark.parametrize("name", USERS_FLOWS)
def test_the_person_with_the_browser_is_played_and_that_is_said(name: str) -> None:
    told = flows(name).stdout
    assert "alice signs in." in told
    assert "and presses Allow." in told
    assert "username=alice&password=alice" in told
    assert "Sign in · Weather" in told
    assert "<html" not in told  # a page is named, not shown


def test_flows_walk_against_a_running_server_and_stop_where_it_answers_otherwise(tmp_path: Path) -> None:
    with example_app(tmp_path) as printed:
        url = url_in(printed)
        done = flows("revoke", "--url", url, "--client-secret", "wrong")
    assert done.returncode == 1
    assert "401 UNAUTHORIZED" in done.stdout
    assert done.stderr == "revoke: POST /oauth/token answered 401, expected was 200.\n"


def test_the_flows_with_a_user_walk_against_a_running_server(tmp_path: Path) -> None:
    with example_app(tmp_path) as printed:
        for _ in range(2):  # what the first walk left behind is not in the way
            done = flows(*USERS_FLOWS, "password", "--url", url_in(printed), "--client-secret", "plays no part")
            assert done.returncode == 0, done.stdout + done.stderr


def test_a_server_that_is_not_there_is_said_in_words() -> None:
    done = flows("tokeninfo", "--url", "http://127.0.0.1:1", "--client-secret", "x")
    assert done.returncode == 1
    assert "can't be reached" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "there is no flow 'nonsense'; there are client_credentials, "),
        (["--url", "http://127.0.0.1:1"], "--url needs --client-secret"),
        (["--url", "127.0.0.1:1", "--client-secret", "x"], "--url is '127.0.0.1:1'"),
        (["--client-secret", "x"], "go with --url"),
    ],
)
def test_what_cannot_be_asked_is_said_in_words(arguments: list[str], said: str) -> None:
    done = flows(*arguments)
    assert done.returncode == 2
    assert said in done.stderr

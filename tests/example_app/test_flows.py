"""`python -m example_app.flows`, as somebody who reads along runs it."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from example_app.flows import FLOWS
from tests.support.example import ROOT, environment, example_app, url_in
from tests.support.warm import warm_commands


def flows(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [warm_commands() / "python", "-m", "example_app.flows", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def walked() -> subprocess.CompletedProcess[str]:
    """All flows, walked against a server of their own."""
    return flows()


def of_one(walked: subprocess.CompletedProcess[str], name: str) -> str:
    """What is told of one flow."""
    told = walked.stdout.partition("\nAll as expected: ")[0]
    return re.split(r"\n(?=\w+\n=+\n)", told)[1 + FLOWS.index(name)]


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_shows_its_requests_and_answers(walked: subprocess.CompletedProcess[str], name: str) -> None:
    told = of_one(walked, name)
    assert told.startswith(f"{name}\n===")
    assert "\n   200 OK\n   Content-Type: application/json\n" in told
    if name == "implicit":
        assert "#access_token=" in told
    elif name != "personal_token":
        assert "/oauth/token" in told
        assert '"access_token": "' in told
    assert "\n   401 UNAUTHORIZED\n" in told  # the view without the token
    assert "\n   200 OK\n" in told.partition("The token opens the protected view.")[2]


def test_no_wall_of_base64_is_shown(walked: subprocess.CompletedProcess[str]) -> None:
    assert max(map(len, re.findall(r"[A-Za-z0-9+/_-]+", walked.stdout))) <= 128
    told = of_one(walked, "saml2_bearer")
    assertions = re.findall(r"(PHNhbWw6QXNzZXJ0aW9u[\w-]+…\(\d{4} characters\)…[\w-]{12})", told)
    assert len(assertions) == 4  # given, traded, traded again, forged
    assert re.search(r"<ds:X509Certificate>MII[\w+/]{45}…\(\d{3} characters\)…[\w+/]{12}=*\n", told)


def test_it_ends_with_a_table(walked: subprocess.CompletedProcess[str]) -> None:
    assert (walked.returncode, walked.stderr) == (0, "")
    told, _, table = walked.stdout.partition("\nflow  ")
    assert told.endswith(f"All as expected: {', '.join(FLOWS)}.\n")
    head, _, *rows = table.splitlines()
    assert re.split(r"  +", head.strip()) == ["requests", "what was seen", "time"]
    assert [row.split()[0] for row in rows] == list(FLOWS)
    for row, name in zip(rows, FLOWS, strict=True):
        shown = re.fullmatch(rf"{name} +(\d+)  ✓ \d+ checks; (\d.*\d) +\d+\.\d\d s", row)
        assert shown, row
        numbers = re.findall(r"^(\d+)\. ", of_one(walked, name), re.MULTILINE)
        assert shown[1] == numbers[-1] == str(len(numbers))
        answers = [each.split("x ") for each in shown[2].split(", ")]
        assert sum(int(each[0]) if len(each) > 1 else 1 for each in answers) == len(numbers)


def test_one_flow_is_walked_by_its_name() -> None:
    done = flows("client_credentials")
    assert done.returncode == 0
    assert "\nAll as expected: client_credentials.\n" in done.stdout
    assert "refresh_token" not in done.stdout


def test_all_are_told_in_json() -> None:
    done = flows("--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["flows"]
    assert [flow["flow"] for flow in told] == list(FLOWS)
    assert all(step["answer"]["status"] in step["expected"] for flow in told for step in flow["steps"])
    assert all(flow["seconds"] > 0 and flow["about"] and "problem" not in flow for flow in told)
    assert all(any(step["checks"] for step in flow["steps"]) for flow in told)
    (saml,) = (flow for flow in told if flow["flow"] == "saml2_bearer")
    assert len(saml["steps"][0]["answer"]["body"]) > 2000  # whole, for a program


def test_json_says_what_went_wrong() -> None:
    done = flows("tokeninfo", "revoke", "--json", "--url", "http://127.0.0.1:1", "--client-secret", "x")
    assert done.returncode == 1
    (flow,) = json.loads(done.stdout)["flows"]
    assert (flow["flow"], flow["steps"][0]["answer"]) == ("tokeninfo", None)
    assert "can't be reached" in flow["problem"]


USERS_FLOWS = ("authorization_code", "refresh_token", "openid", "device_code", "implicit")


@pytest.mark.parametrize("name", USERS_FLOWS)
def test_the_person_with_the_browser_is_played_and_that_is_said(
    walked: subprocess.CompletedProcess[str], name: str
) -> None:
    told = of_one(walked, name)
    assert "alice signs in." in told
    assert "and presses Allow." in told
    assert "username=alice&password=alice" in told
    assert "Sign in · Weather" in told
    assert "<html" not in told  # a page is named, not shown


@pytest.mark.parametrize(
    ("name", "taken_apart"),
    [
        (
            "dpop",
            ['"typ": "dpop+jwt"', '"htm": "GET"', '"ath": "', "a proof is good once", "the token is bound to the key"],
        ),
        (
            "jar",
            ['"typ": "oauth-authz-req+jwt"', '"scope": "weather:read weather:write"', "/oauth/authorize?client_id="],
        ),
        ("jarm", ["response_mode=jwt", '"code": "', "this server signed it", "the app is told why"]),
        ("par", ["request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A", "the request is used up"]),
        ("mtls", ["X-SSL-Client-Cert: ", '"tls_client_auth_san_dns": "bank.example"', "bound to a certificate"]),
        ("rar", ['"creditor": "Bakery"', "Alice Archer's account", "isn't what the user allowed"]),
        ("step_up", ['acr_values="code"', "types the code that her phone shows", '"restarted": true']),
        ("fapi2", ["client_assertion=", '"typ": "dpop+jwt"', "POST http://", "/oauth/par", "Without the first key"]),
    ],
)
def test_what_protects_a_request_or_a_token_is_taken_apart(
    walked: subprocess.CompletedProcess[str], name: str, taken_apart: list[str]
) -> None:
    told = of_one(walked, name)
    for each in taken_apart:
        assert each in told, each


def test_flows_walk_against_a_running_server_and_stop_where_it_answers_otherwise(tmp_path: Path) -> None:
    with example_app(tmp_path) as printed:
        url = url_in(printed)
        done = flows("revoke", "--url", url, "--client-secret", "wrong")
    assert done.returncode == 1
    assert "401 UNAUTHORIZED" in done.stdout
    assert re.search(r"^revoke +1  not what was expected; 401 ", done.stdout, re.MULTILINE)
    assert done.stderr == "revoke: POST /oauth/token answered 401, expected was 200.\n"


def test_all_flows_walk_against_a_running_server(tmp_path: Path) -> None:
    with example_app(tmp_path) as printed:
        secret = re.findall(r"weather-station:(\S+)", printed)[0]
        for _ in range(2):  # what the first walk left behind is not in the way
            done = flows("--url", url_in(printed), "--client-secret", secret)
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

"""`python -m example_app`: what it prints can be pasted."""

import json
import re
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.support.example import ROOT, environment, example_app, url_in
from tests.support.serving import Form
from tests.support.warm import warm_commands


def pasted(line: str) -> str:
    """What a real shell makes of a line."""
    done = subprocess.run(
        ["bash", "-c", line], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_lines_that_it_prints_work_as_they_are(tmp_path: Path) -> None:
    with example_app(tmp_path) as printed:
        token, weather, tokeninfo, introspect, revoke = re.findall(r"^ *(curl .*)$", printed, re.MULTILINE)
        assert json.loads(pasted(token))["token_type"] == "Bearer"
        assert json.loads(pasted(weather))["sky"] == "clear"
        assert json.loads(pasted(tokeninfo))["client_id"] == "weather-station"
        assert json.loads(pasted(introspect))["active"] is True
        assert json.loads(pasted(revoke)) == {}
        assert json.loads(pasted(weather))["error"] == "invalid_token"
        (flows,) = re.findall(r"^ *(.* -m example_app\.flows .*)$", printed, re.MULTILINE)
        assert "All as expected: client_credentials, " in pasted(flows)


def test_a_second_start_finds_its_data_and_the_clients_secrets(tmp_path: Path) -> None:
    lines = []
    for _ in range(2):
        with example_app(tmp_path) as text:
            lines.append(re.findall(r"^ *curl (-u .*) http:.*/oauth/token$", text, re.MULTILINE)[0])
            assert "access_token" in pasted(f"curl {lines[0]} {url_in(text)}/oauth/token")
    assert lines[0] == lines[1]
    key = tmp_path / "instance" / "secret_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_second_server_on_another_port_leaves_the_first_as_it_was(tmp_path: Path) -> None:
    def send(page: requests.Response, **filled: str) -> requests.Response:
        form = Form(page)
        return browser.post(str(form.action), data=dict(form.fields) | filled)

    def code_at(url: str) -> str:
        return re.findall(r"[B-Z]{4}-[B-Z]{4}", browser.get(f"{url}/tv").text)[0]

    with requests.Session() as browser, example_app(tmp_path) as printed:
        first = url_in(printed)
        send(browser.get(f"{first}/login"), username="alice", password="alice")
        send(browser.get(f"{first}/tv"))
        code = code_at(first)
        with example_app(tmp_path) as printed_by_second:
            second = url_in(printed_by_second)
            for lines in (printed, printed_by_second):
                token, weather, *_ = re.findall(r"^ *(curl .*)$", lines, re.MULTILINE)
                assert json.loads(pasted(token))["token_type"] == "Bearer"
                assert json.loads(pasted(weather))["sky"] == "clear"
            # Somebody has both in one browser, which doesn't tell cookies by port.
            assert "Nobody is signed in here." in browser.get(second).text
            send(browser.get(f"{second}/login"), username="bob", password="bob")
            send(browser.get(f"{second}/tv"))
            assert "You are signed in as Bob" in browser.get(second).text
            assert "You are signed in as Alice" in browser.get(first).text
            assert [code_at(first) == code, code_at(second) == code] == [True, False]
        page = browser.get(f"{first}/client/login")
        assert send(page, decision="allow").url == f"{first}/client/"


def test_servers_that_are_started_at_once_all_start(tmp_path: Path) -> None:
    def token_of_another(_: int) -> str:
        with example_app(tmp_path) as printed:
            return pasted(re.findall(r"^ *(curl -u .*/oauth/token)$", printed, re.MULTILINE)[0])

    tmp_path.joinpath("example_app").symlink_to(ROOT / "example_app")
    with ThreadPoolExecutor(3) as starting:
        assert ["access_token" in answer for answer in starting.map(token_of_another, range(3))] == [True] * 3


def test_a_port_that_is_taken_is_said_in_words(tmp_path: Path) -> None:
    with example_app(tmp_path / "first") as printed:
        port = url_in(printed).rpartition(":")[2]
        second = subprocess.run(
            [warm_commands() / "python", "-m", "example_app"],
            cwd=tmp_path / "first",
            env=environment(PYTHONPATH=str(tmp_path / "first"), PORT=port),
            capture_output=True,
            text=True,
            check=False,
        )
    assert second.returncode != 0
    assert "in use" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_port_that_is_none_is_said_in_words() -> None:
    done = subprocess.run(
        [warm_commands() / "python", "-m", "example_app"],
        cwd=ROOT,
        env=environment(PORT="http"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("PORT is 'http'")

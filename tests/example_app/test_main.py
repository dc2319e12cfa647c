"""`python -m example_app`: what it prints can be pasted."""

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

from tests.support.example import ROOT, environment, example_app, url_in


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


def test_a_second_start_finds_its_data_and_gives_the_clients_new_secrets(tmp_path: Path) -> None:
    printed = []
    for _ in range(2):
        with example_app(tmp_path) as text:
            printed.append(text)
            line = re.findall(r"^ *(curl -u .*/oauth/token)$", text, re.MULTILINE)[0]
            assert "access_token" in pasted(line)
    secrets = {re.findall(r"weather-station:(\S+)", text)[0] for text in printed}
    assert len(secrets) == 2
    key = tmp_path / "instance" / "secret_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_port_that_is_taken_is_said_in_words(tmp_path: Path) -> None:
    with example_app(tmp_path / "first") as printed:
        port = url_in(printed).rpartition(":")[2]
        second = subprocess.run(
            [sys.executable, "-m", "example_app"],
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
        [sys.executable, "-m", "example_app"],
        cwd=ROOT,
        env=environment(PORT="http"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("PORT is 'http'")

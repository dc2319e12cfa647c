"""`python -m bench --check` fails where something has become slower, and only there."""

import time
from pathlib import Path
from typing import Any

import pytest

from bench import check
from flask_oauth_gateway.protection import guard

SEEN = "protected view, token seen"


def test_a_guard_that_takes_100_microseconds_more_fails_the_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "CHECKED", (SEEN,))
    monkeypatch.setattr(check, "RATIOS", tmp_path / "ratios.json")
    assert check.commit() == 0  # of this machine and this Python
    assert check.check() == 0

    token_of = guard.token_of

    def slow(*given: Any) -> Any:
        until = time.thread_time() + 100e-6
        while time.thread_time() < until:
            pass
        return token_of(*given)

    monkeypatch.setattr(guard, "token_of", slow)
    capsys.readouterr()
    assert check.check() == 1
    said = capsys.readouterr()
    assert said.out.count(f"{SEEN}: ") == check.TRIES
    assert said.err.startswith(f"{SEEN} has become ")


@pytest.mark.parametrize(("ratio", "slow"), [(1.5, False), (2.29, False), (2.31, True), (4.0, True)])
def test_15_percent_more_are_too_much(ratio: float, slow: bool) -> None:
    assert bool(check.slower({SEEN: ratio}, {SEEN: 2.0, "introspect": 1.0})) is slow

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
    monkeypatch.setattr(check, "BARS", {})
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
    assert said.err.startswith(f"{SEEN} takes ")


@pytest.mark.parametrize(("ratio", "slow"), [(1.5, False), (2.3, False), (2.31, True), (4.0, True)])
def test_more_than_may_be_is_too_much(ratio: float, slow: bool) -> None:
    assert bool(check.above({SEEN: ratio}, {SEEN: 2.3, "introspect": 1.0})) is slow


def test_a_bar_is_no_committed_ratio_and_is_checked_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "CHECKED", ())
    monkeypatch.setattr(check, "BARS", {"userinfo": 0.5})
    monkeypatch.setattr(check, "CALLS", 40)
    monkeypatch.setattr(check, "TRIES", 1)
    monkeypatch.setattr(check, "TOKENS", 10)
    monkeypatch.setattr(check, "RATIOS", tmp_path / "ratios.json")
    assert check.commit() == 0
    assert check.check() == 1, "nothing is twice as quick as what it does first"
    assert capsys.readouterr().err.startswith("userinfo takes ")

"""`Clock`: time that passes when a test says so."""

import time
from collections.abc import Callable

import pytest


class Clock:
    """The time of day and the time since start, as this process reads them; `advance` moves both."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._offset = 0.0
        self._monkeypatch = monkeypatch
        for name in ("time", "monotonic"):
            monkeypatch.setattr(time, name, self._shifted(getattr(time, name)))

    def _shifted(self, read: Callable[[], float]) -> Callable[[], float]:
        return lambda: read() + self._offset

    def advance(self, seconds: float) -> None:
        self._offset += seconds

    def hold(self) -> None:
        """Let the time of day stand still but for `advance`: what lasts a second does so on a busy machine too."""
        now = time.time() - self._offset
        self._monkeypatch.setattr(time, "time", lambda: now + self._offset)

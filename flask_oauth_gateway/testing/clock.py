"""The clock of a test."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


class Clock:
    """The time as this process reads it. It stands still, on a whole second, until `advance` is called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = float(int(time.time()))  #: seconds since 1970
        self._advanced = 0.0
        monotonic = time.monotonic
        monkeypatch.setattr(time, "time", lambda: self.now)
        # The monotonic clock goes on by itself too: there are loops that wait for it.
        monkeypatch.setattr(time, "monotonic", lambda: monotonic() + self._advanced)

    def advance(self, by: float | timedelta) -> None:
        """Let time pass, in seconds or as a `timedelta`."""
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        self.now += seconds
        self._advanced += seconds

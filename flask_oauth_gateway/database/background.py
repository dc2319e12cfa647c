"""Writing that no request waits for: done within a second, in another thread, at the latest when the process ends."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Callable

SECONDS = 1.0


class Later:
    """Calls a function soon. A process that is killed before that loses what the function would have written."""

    def __init__(self, work: Callable[[bool], None], forget: Callable[[], None]) -> None:
        """`work` is told whether this is the last time. `forget` drops, in a forked child, what is the parent's to write."""
        self._work = work
        self._forget = forget
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._timers: weakref.WeakSet[threading.Timer] = weakref.WeakSet()  # one that writes, and one that waits
        _all.add(self)

    def start(self, seconds: float | None = None) -> None:
        """Do it in so many seconds (left out: `SECONDS`), unless that is arranged already."""
        if self._timer is not None:
            return
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(SECONDS if seconds is None else seconds, self.now)
                self._timer.daemon = True
                self._timers.add(self._timer)
                self._timer.start()

    def now(self) -> None:
        """Do it at once."""
        self._timer = None  # before the work: what comes while it runs is for the next time
        self._work(False)

    def close(self) -> None:
        """Do it for the last time; one that is just at it is waited for."""
        for timer in list(self._timers):
            timer.cancel()
            timer.join()
        self._timer = None
        self._work(True)

    def after_fork(self) -> None:
        """The parent's timers aren't the child's, and its lock may be held for good."""
        self._timer, self._lock, self._timers = None, threading.Lock(), weakref.WeakSet()
        self._forget()


_all: weakref.WeakSet[Later] = weakref.WeakSet()


def _after_fork() -> None:
    for each in _all:
        each.after_fork()


@atexit.register
def _close_all() -> None:
    for each in list(_all):
        each.close()


os.register_at_fork(after_in_child=_after_fork)

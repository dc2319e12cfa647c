"""Writes in another thread, so that no request waits: within a second, at the latest when the process ends."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Callable

SECONDS = 1.0


class Later:
    """Calls a function soon. If the process is killed before, everything that the function would have written is lost."""

    def __init__(self, work: Callable[[bool], None], forget: Callable[[], None]) -> None:
        """`work` gets whether this is the last call. `forget` drops, in a forked child, what the parent will write."""
        self._work = work
        self._forget = forget
        self._lock = threading.Lock()
        self._working = threading.Lock()
        self._timer: threading.Timer | None = None
        self._timers: weakref.WeakSet[threading.Timer] = weakref.WeakSet()  # one may be writing while the next waits
        _all.add(self)

    def start(self, seconds: float | None = None) -> None:
        """Call the function in so many seconds (`None`: `SECONDS`), unless a call is due already."""
        if self._timer is not None:
            return
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(SECONDS if seconds is None else seconds, self.now)
                self._timer.daemon = True
                self._timers.add(self._timer)
                self._timer.start()

    def now(self) -> None:
        """Call the function at once, after a call that is still running."""
        self._timer = None  # before the call, so that new work during the call starts the next timer
        with self._working:
            self._work(False)

    def now_within(self, seconds: float) -> None:
        """Call the function at once, in another thread, and wait until it is done, but no longer than so many seconds."""
        timer = threading.Timer(0, self.now)
        timer.daemon = True
        self._timers.add(timer)
        timer.start()
        timer.join(seconds)

    def close(self) -> None:
        """Call the function for the last time, after a call that is still running."""
        for timer in list(self._timers):
            timer.cancel()
            timer.join()
        self._timer = None
        with self._working:
            self._work(True)

    def after_fork(self) -> None:
        """Drop the parent's timers, and its locks, which another thread of the parent may have held."""
        self._timer, self._timers = None, weakref.WeakSet()
        self._lock, self._working = threading.Lock(), threading.Lock()
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

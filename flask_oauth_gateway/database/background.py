"""Writes in another thread, so that no request waits: within a second, at the latest when the process ends."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable

from ..locks import Lock

logger = logging.getLogger(__name__)

SECONDS = 1.0
IDLE_SECONDS = 30.0
FORK_SECONDS = 1.0  # how long a fork waits at most for calls that are running


class Later:
    """Calls a function soon. If the process is killed before, everything that the function would have written is lost.

    One thread makes the calls, and ends when there has been nothing to do for a while: a new thread for each call would
    have the C library take memory for each, and keep it.
    """

    def __init__(self, work: Callable[[bool], None], forget: Callable[[], None]) -> None:
        """`work` gets whether this is the last call. `forget` drops, in a forked child, what the parent will write."""
        self._work = work
        self._forget = forget
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._made: tuple[threading.Condition, threading.Lock] | None = None
        self._due: float | None = None  # when the next call is due, by the monotonic clock
        self._thread: threading.Thread | None = None
        self._begun = self._done = 0  # calls of the thread
        self.is_closing = False  # a call that takes long should end soon

    @property
    def _wake(self) -> threading.Condition:
        return self._locks()[0]

    @property
    def _working(self) -> threading.Lock:
        return self._locks()[1]

    def _locks(self) -> tuple[threading.Condition, threading.Lock]:
        """The locks, made on first use: see `locks.py`."""
        if self._made is None:
            with _making:
                if self._made is None:
                    self._made = (threading.Condition(), threading.Lock())
        return self._made

    def start(self, seconds: float | None = None) -> None:
        """Call the function in so many seconds (`None`: `SECONDS`), unless a call is due already."""
        if self._due is not None:
            return
        with self._wake:
            if self._due is None:
                self._call_at(time.monotonic() + (SECONDS if seconds is None else seconds))

    def hasten(self, seconds: float) -> None:
        """Call the function in so many seconds at the latest, whenever a call is due."""
        with self._wake:
            moment = time.monotonic() + seconds
            if self._due is None or moment < self._due:
                self._call_at(moment)

    def now(self) -> None:
        """Call the function at once, after a call that is still running."""
        self._due = None  # before the call, so that new work during the call has its own
        with self._working:
            self._work(False)

    def now_within(self, seconds: float) -> None:
        """Call the function at once, in the other thread, and wait until it is done, but no longer than so many seconds."""
        with self._wake:
            mine = self._begun + 1
            self._call_at(time.monotonic())
            self._wake.wait_for(lambda: self._done >= mine, seconds)

    def close(self) -> None:
        """Call the function for the last time, after a call that is still running, and end the thread."""
        with self._wake:
            thread, self._thread, self._due = self._thread, None, None
            self.is_closing = True
            self._wake.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self.is_closing = False
        with self._working:
            self._work(True)

    def pause(self, until: float) -> threading.Lock | None:
        """Let no call run until what is returned is released. `None` where there is none, or one that runs on at that moment."""
        if self._made is None:
            return None
        working = self._working
        if working.acquire(blocking=False) or working.acquire(timeout=max(until - time.monotonic(), 0)):
            return working
        return None

    def after_fork(self) -> None:
        """Drop the parent's thread, and its locks, which it may have held."""
        self._begin()
        self._forget()

    def _call_at(self, moment: float) -> None:
        self._due = moment
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="oauth gateway writer", daemon=True)
            thread.start()  # it waits for the lock that is held here
            self._thread = thread
        self._wake.notify_all()

    def _run(self) -> None:
        while self._wait(threading.current_thread()):
            try:
                with self._working:
                    self._work(False)
            except Exception:
                logger.exception("What was to be written in the background could not be written.")
            with self._wake:
                self._done += 1
                self._wake.notify_all()

    def _wait(self, me: threading.Thread) -> bool:
        """Wait until a call is due; False where this thread has to end."""
        with self._wake:
            idle_until = time.monotonic() + IDLE_SECONDS
            while self._thread is me:
                now = time.monotonic()
                if self._due is not None and self._due <= now:
                    self._due = None
                    self._begun += 1
                    return True
                if self._due is None and idle_until <= now:
                    self._thread = None
                    break
                self._wake.wait((self._due or idle_until) - now)
            return False


_making = Lock()  # of all: it is held for a moment, in which nothing waits
_all: weakref.WeakSet[Later] = weakref.WeakSet()


_paused: list[threading.Lock] = []


def _before_fork() -> None:
    """No call runs at a fork. In the midst of one SQLite's library may hold locks of its own, which nobody opens in the child."""
    until = time.monotonic() + FORK_SECONDS
    _paused.extend(filter(None, [each.pause(until) for each in list(_all)]))


def _after_fork_in_parent() -> None:
    while _paused:
        _paused.pop().release()


def _after_fork() -> None:
    _paused.clear()
    for each in _all:
        each.after_fork()


@atexit.register
def _close_all() -> None:
    for each in list(_all):
        each.close()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork)

"""A lock that a forked child gets open."""

from __future__ import annotations

import os
import threading
import weakref

_making = threading.Lock()  # held for a moment, in which nothing waits


class Lock:
    """A lock for threads. After a fork the child's is open: whoever held it stayed with the parent, and never opens it.

    It is made when it is first taken: gunicorn's workers turn threads into gevent's greenlets only after they were forked, and a
    lock that was made before would hold up all of them.
    """

    def __init__(self, *, reentrant: bool = False) -> None:
        self._reentrant = reentrant
        self.renew()
        _all.add(self)

    def acquire(self, *, wait: bool = True, seconds: float = -1) -> bool:
        """Take the lock; without `wait`, or after so many seconds, False where somebody has it."""
        lock = self._lock
        return (self._made() if lock is None else lock).acquire(wait, seconds if wait else -1)

    def release(self) -> None:
        """Open the lock."""
        self._made().release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    def renew(self) -> None:
        """Forget who holds it."""
        self._lock: threading.Lock | threading.RLock | None = None

    def _made(self) -> threading.Lock | threading.RLock:
        if self._lock is None:
            with _making:
                if self._lock is None:
                    self._lock = threading.RLock() if self._reentrant else threading.Lock()
        return self._lock


_all: weakref.WeakSet[Lock] = weakref.WeakSet()


def _after_fork() -> None:
    global _making  # noqa: PLW0603, a thread of the parent's may have held it
    _making = threading.Lock()
    for lock in _all:
        lock.renew()


os.register_at_fork(after_in_child=_after_fork)

"""A lock that a forked child gets open."""

from __future__ import annotations

import os
import threading
import weakref


class Lock:
    """A lock for threads. After a fork the child's is open: whoever held it stayed with the parent, and never opens it."""

    def __init__(self, *, reentrant: bool = False) -> None:
        self._make = threading.RLock if reentrant else threading.Lock
        self.renew()
        _all.add(self)

    def acquire(self, *, wait: bool = True) -> bool:
        """Take the lock; without `wait`, False where somebody has it."""
        return self._lock.acquire(blocking=wait)

    def release(self) -> None:
        """Open the lock."""
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    def renew(self) -> None:
        """Forget who holds it."""
        self._lock = self._make()


_all: weakref.WeakSet[Lock] = weakref.WeakSet()


def _after_fork() -> None:
    for lock in _all:
        lock.renew()


os.register_at_fork(after_in_child=_after_fork)

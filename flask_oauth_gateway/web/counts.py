"""Counts for rate limits in this process's memory: a storage for the limits library that is bounded and starts no threads.

The library's own storage keeps every key that anybody makes up, and starts a timer thread when it counts.
"""

from __future__ import annotations

import time

from limits.storage import Storage

from ..locks import Lock

MAX_COUNTS = 50_000


class Counts(Storage):
    """Counts by key, each until it expires. Where there are too many keys, the older half is forgotten."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, tuple[int, float]] = {}  # key to count and expiry, the oldest first
        self._lock = Lock()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        with self._lock:
            count, until = self._counts.get(key, (0, 0.0))
            if until <= now:
                self._counts.pop(key, None)  # so that the key comes last again
                if len(self._counts) >= MAX_COUNTS:
                    self._make_room(now)
                count, until = 0, now + expiry
            self._counts[key] = (count + amount, until)
        return count + amount

    def get(self, key: str) -> int:
        count, until = self._counts.get(key, (0, 0.0))
        return count if until > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return self._counts.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        with self._lock:
            count = len(self._counts)
            self._counts.clear()
        return count

    def clear(self, key: str) -> None:
        with self._lock:
            self._counts.pop(key, None)

    def _make_room(self, now: float) -> None:
        live = [item for item in self._counts.items() if item[1][1] > now]
        self._counts = dict(live[-MAX_COUNTS // 2 :])

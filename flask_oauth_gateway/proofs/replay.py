"""Where it is kept which proofs were used: in Redis, in the database, or in tests in memory. Each is good once.

An entry is kept until the proof isn't good any more by its own time.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from ..errors import TemporarilyUnavailable

if TYPE_CHECKING:
    from ..database.redis.shared import Redis


class Once(Protocol):
    """Claims keys: of two callers at once, in whichever process, exactly one gets True."""

    def claim(self, key: bytes, until: int) -> bool:
        """Claim a key until a time (seconds since 1970). Raises `TemporarilyUnavailable` where that can't be told."""


class OnceInRedis:
    """Claims by one command. Where Redis is away, nothing is claimed, and nothing let through."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def claim(self, key: bytes, until: int) -> bool:
        from ..database.redis.servers import PROOF_PREFIX  # redis-py is loaded only where it is used
        from ..database.redis.shared import RedisAway

        milliseconds = max(1000, int((until - time.time()) * 1000))
        name = PROOF_PREFIX + key
        try:
            return bool(self.redis.run(lambda connected: connected.client.set(name, b"", nx=True, px=milliseconds)))
        except RedisAway:
            raise TemporarilyUnavailable from None


class AskedInRedis:
    """Asks whether a key was claimed, and claims nothing: for `flask oauth explain`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def claim(self, key: bytes, until: int) -> bool:
        from ..database.redis.servers import PROOF_PREFIX
        from ..database.redis.shared import RedisAway

        try:
            return not self._redis.run(lambda connected: connected.client.exists(PROOF_PREFIX + key))
        except RedisAway:
            raise TemporarilyUnavailable from None


class OnceInMemory:
    """Claims for one process, in debug mode and in tests."""

    def __init__(self) -> None:
        self._claimed: dict[bytes, int] = {}
        self._lock = threading.Lock()

    def claim(self, key: bytes, until: int) -> bool:
        now = time.time()
        with self._lock:
            if self._claimed.get(key, 0) > now:
                return False
            if len(self._claimed) >= 10_000:
                self._claimed = {each: ends for each, ends in self._claimed.items() if ends > now}
            self._claimed[key] = until
        return True

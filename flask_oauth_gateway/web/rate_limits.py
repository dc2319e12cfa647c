"""Limits how often secrets can be guessed and endpoints be called, per client, user and address, by the limits library.

The counts are in this process's memory, or in Redis for all processes together (`OAUTH_REDIS_URL`). While Redis is
away, they are in memory.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ..config.checks import RATE_LIMITS
from .guesses import Guess, Looking, Refused, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limits import RateLimitItem
    from limits.storage import Storage

    from ..database.redis.shared import Redis

    Work = Callable[[Storage, RateLimitItem, str], "Result"]

Result = TypeVar("Result")


class Usage(NamedTuple):
    """A limit after one hit: whether the hit was within it, its size, what remains, and in how many seconds it begins anew.

    `counted`: all hits, also those beyond it.
    """

    allowed: bool
    limit: int
    remaining: int
    reset: int
    counted: int = 0


class RateLimiter:
    """Counts hits, and refuses where a limit is used up.

    Each name (`password`, `device_codes`, …) has its own limits; an identity is a text such as `address:192.0.2.1`.
    """

    def __init__(self, limits: Mapping[str, str | None] | None, redis: Redis | None = None) -> None:
        self._texts: Mapping[str, str | None] = {} if limits is None else {**RATE_LIMITS, **limits}
        self._redis = redis
        self._items: dict[tuple[str, int], list[RateLimitItem]] = {}
        self._memory: Storage | None = None
        self._looking = Looking()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Limit nothing meanwhile, and forget what is counted: for a rehearsal, in a process of its own."""
        kept = dict(self.__dict__)
        self.__dict__.update(RateLimiter(None).__dict__)
        try:
            yield
        finally:
            self.__dict__.update(kept)

    def is_on(self, name: str) -> bool:
        """Whether there is a limit of this name."""
        return self._texts.get(name) is not None

    @contextmanager
    def guess(self, name: str, identities: Mapping[str, int]) -> Iterator[Guess]:
        """Count a guess before anybody looks at it, so that of many at once no more are looked at than the limit allows.

        `identities`: who guesses, each with how many times the limit it may use. The caller looks at the guess inside
        of the `with`, and says whether the counts are given back. Where others are being looked at, a guess waits for
        them. Raises `TooManyRequests` beyond the limit.
        """
        guess = Guess()
        if not self.is_on(name):
            yield guess
            return
        hits = [(item, identity) for identity, times in identities.items() for item in self._limits(name, times)]
        who = [f"{name} {identity}" for identity in identities]
        self._looking.begin(who, partial(self._take_all, name, hits))
        try:
            yield guess
        finally:
            if guess.is_given_back:
                self._give_back(name, hits)
            self._looking.end(who)

    def _take_all(self, name: str, hits: list[tuple[RateLimitItem, str]]) -> list[Refused]:
        """Count all of these, or none; returns which limits are used up."""
        refused = []
        for item, identity in hits:
            usage = self.take(item, name, identity)
            if not usage.allowed:
                counted = usage.counted - 1  # without this one
                refused.append(Refused(f"{name} {identity}", usage.limit, counted, time.time() + usage.reset))
        if refused:
            self._give_back(name, hits)
        return refused

    def _give_back(self, name: str, hits: list[tuple[RateLimitItem, str]]) -> None:
        for item, identity in hits:
            self._do(_give_back, item, name, identity)

    def spend(self, name: str, *identities: str) -> None:
        """Count one for each identity. Raises `TooManyRequests` where one of them is beyond its limit."""
        if self.is_on(name):
            taken = [self.take(item, name, identity) for item in self._limits(name) for identity in identities]
            refuse([time.time() + usage.reset for usage in taken if not usage.allowed])

    def count(self, name: str, identity: str, times: int) -> None:
        """Count something that has happened already as so many, and refuse nothing now."""
        if self.is_on(name):
            for item in self._limits(name):
                self._do(partial(_hit, times=times), item, name, identity)

    def take(self, item: RateLimitItem, name: str, identity: str) -> Usage:
        """Hit a limit of the limits library, whatever `OAUTH_RATE_LIMITS` says; returns what is left of it.

        `name` says what is limited, `identity` who is limited: each pair of them has its own count.
        """
        return self._do(_hit, item, name, identity)

    def _limits(self, name: str, times: int = 1) -> list[RateLimitItem]:
        """The limits of a name, parsed once. The limits library is imported only where a flow needs it."""
        found = self._items.get((name, times))
        if found is None:
            from limits import parse_many

            items = parse_many(self._texts.get(name) or "")
            found = self._items[name, times] = [type(each)(each.amount * times, each.multiples) for each in items]
        return found

    def _do(self, work: Work[Result], item: RateLimitItem, name: str, identity: str) -> Result:
        """Do `work` with Redis's counts, or with this process's own."""
        # A hash: all keys have the same length, and nobody can read names or addresses in Redis.
        key = hashlib.sha256(identity.encode(errors="backslashreplace")).hexdigest()[:32]
        key = item.key_for("oauth", name, key)
        if self._redis is not None:
            from ..database.redis.shared import RedisAway

            try:
                return self._redis.run(lambda connected: work(connected.counts, item, key))
            except RedisAway:
                pass
        if self._memory is None:
            from .counts import Counts

            self._memory = Counts()
        return work(self._memory, item, key)


def _hit(storage: Storage, item: RateLimitItem, key: str, times: int = 1) -> Usage:
    count = storage.incr(key, item.get_expiry(), amount=times)
    seconds = storage.get_expiry(key) - time.time()
    return Usage(count <= item.amount, item.amount, max(0, item.amount - count), max(1, math.ceil(seconds)), count)


def _give_back(storage: Storage, item: RateLimitItem, key: str) -> None:
    if storage.incr(key, item.get_expiry(), amount=-1) < 0:  # the count has expired since it was taken
        storage.incr(key, item.get_expiry())

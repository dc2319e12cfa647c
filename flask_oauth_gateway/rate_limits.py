"""Limits on what can be guessed or flooded, by the limits library, per client, user and address."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .config_checks import RATE_LIMITS
from .errors import TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from limits import RateLimitItem


class RateLimiter:
    """Counts in this process. Each name (`password`, `device_codes`, …) has its own limits."""

    def __init__(self, limits: Mapping[str, str] | None) -> None:
        self._texts = None if limits is None else {**RATE_LIMITS, **limits}
        self._items: dict[str, list[RateLimitItem]] = {}

    def check(self, name: str, *identities: str) -> None:
        """Raises `TooManyRequests` where one of the identities has used up its share; counts nothing."""
        for item, identity in self._pairs(name, identities):
            if not self._strategy.test(item, name, identity):
                reset = self._strategy.get_window_stats(item, name, identity).reset_time
                raise TooManyRequests(max(1, int(reset - time.time()) + 1))

    def hit(self, name: str, *identities: str) -> None:
        """Count one for each identity."""
        for item, identity in self._pairs(name, identities):
            self._strategy.hit(item, name, identity)

    def _pairs(self, name: str, identities: tuple[str, ...]) -> list[tuple[RateLimitItem, str]]:
        if self._texts is None:
            return []
        if name not in self._items:
            self._load(name)
        return [(item, identity[:300]) for item in self._items[name] for identity in identities]

    def _load(self, name: str) -> None:
        """The limits library is imported by the flows that need it alone."""
        from limits import parse_many
        from limits.storage import MemoryStorage
        from limits.strategies import FixedWindowRateLimiter

        if not self._items:
            self._strategy = FixedWindowRateLimiter(MemoryStorage())
        self._items[name] = parse_many((self._texts or RATE_LIMITS)[name])

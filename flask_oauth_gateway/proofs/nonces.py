"""Nonces, which show that a proof was made just now (RFC 9449 sections 8 and 9): made from a key and the time, and kept nowhere.

A nonce is good in the two minutes in which it is given, and in the two that follow, in every process that has the key. Those
of the endpoints aren't good where a token is taken, nor the other way round.
"""

from __future__ import annotations

import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable

PERIOD = 120  # seconds
_BYTES = 24


class Nonces:
    """Makes and knows the nonces of one place. `keys`: the app's long-lived secrets, first the one that makes new ones."""

    def __init__(self, keys: Callable[[], list[bytes]], place: str) -> None:
        self._keys = keys
        self._label = f"flask-oauth-gateway DPoP-Nonce {place} ".encode()
        self._current: tuple[int, str] = (0, "")

    def current(self) -> str:
        """The nonce that is given now."""
        period = int(time.time()) // PERIOD
        made_for, nonce = self._current
        if made_for != period:
            nonce = self._make(self._keys()[0], period)
            self._current = (period, nonce)
        return nonce

    def ends_at(self, nonce: str) -> int | None:
        """Until when a nonce is good, in seconds since 1970; `None` where it is none of ours, or isn't good any more.

        That of the period that begins next is known too: the clock of another process may be ahead.
        """
        given, now = nonce.encode(), int(time.time()) // PERIOD
        for period in (now, now - 1, now + 1):
            for key in self._keys():
                if hmac.compare_digest(self._make(key, period).encode(), given):
                    return (period + 2) * PERIOD
        return None

    def _make(self, key: bytes, period: int) -> str:
        return urlsafe_b64encode(hmac.digest(key, self._label + str(period).encode(), "sha256")[:_BYTES]).decode()

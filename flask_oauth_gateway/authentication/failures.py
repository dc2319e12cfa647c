"""Counts wrong client secrets, per client and address (`OAUTH_RATE_LIMITS["token_failures"]`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ..web.addresses import Addresses
    from ..web.guesses import Guess
    from ..web.rate_limits import RateLimiter

NAME = "token_failures"
CLIENTS_AT_AN_ADDRESS = 10  # all clients at an address together may fail ten times as often as one client


class Failures:
    """Counts the wrong secrets of clients.

    This locks no client out. Nobody guesses 256 random bits, so the right secret works even after too many wrong ones.
    Only a secret that a person chose is refused meanwhile, and only at this address.
    """

    def __init__(self, limiter: RateLimiter, addresses: Addresses) -> None:
        self._limiter = limiter
        self._addresses = addresses

    def guess(self, client_id: str | None) -> AbstractContextManager[Guess]:
        """Count a secret that nobody has looked at yet; the caller says whether its count is given back.

        Raises `TooManyRequests` after too many: of this client here, or of this address.
        """
        here, address = self._addresses.client_here(client_id), f"address:{self._addresses.neighbourhood()}"
        return self._limiter.guess(NAME, {here: 1, address: CLIENTS_AT_AN_ADDRESS})

    def count(self, client_id: str | None) -> None:
        """Count a wrong secret. Raises `TooManyRequests` as `guess` does."""
        with self.guess(client_id):
            pass

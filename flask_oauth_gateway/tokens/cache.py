"""Tokens that this process verified lately (`OAUTH_TOKEN_CACHE_SECONDS`), by the hash of their value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .access_token import AccessToken

if TYPE_CHECKING:
    from .revoked import Revoked

MAX_TOKENS = 10_000


class TokenCache:
    """A cache of at most `MAX_TOKENS` verified tokens. An entry ends with its token, after its seconds, or on revocation."""

    def __init__(self, seconds: int, listen: Callable[[], None] | None = None, revoked: Revoked | None = None) -> None:
        """`listen` is called before a token is remembered: it starts to listen for news of revocations.

        `revoked` tells within its poll seconds that another process couldn't send its news.
        """
        self._seconds = seconds
        self._listen = listen
        self._revoked = revoked
        if revoked is not None:
            revoked.when_missed = self.clear
        self.forgotten = 0  # counts the drops: a token that was looked up before a drop is not remembered after it
        self._tokens: dict[bytes, tuple[float, AccessToken]] = {}

    def get(self, token_hash: bytes, now: float) -> AccessToken | None:
        if self._revoked is not None:
            self._revoked.poll()
        found = self._tokens.get(token_hash)
        if found is None or found[0] <= now:
            return None
        return found[1]

    def put(
        self,
        token_hash: bytes,
        token: AccessToken,
        now: float,
        forgotten: int | None = None,
        seconds: int | None = None,
    ) -> None:
        """Remember a token, for no longer than `seconds` where they are given.

        `forgotten` is the value of `self.forgotten` before the look-up: a token that was revoked meanwhile isn't kept.
        """
        kept = self._seconds if seconds is None else min(seconds, self._seconds)
        if self._listen is not None:
            self._listen()
        if len(self._tokens) >= MAX_TOKENS:
            self._make_room(now)
        self._tokens[token_hash] = (min(now + kept, token.exp), token)
        if forgotten is not None and forgotten != self.forgotten:
            self._tokens.pop(token_hash, None)

    def drop(self, token_hash: bytes) -> None:
        self.forgotten += 1
        self._tokens.pop(token_hash, None)

    def clear(self) -> None:
        self.forgotten += 1
        self._tokens.clear()

    def _make_room(self, now: float) -> None:
        """Drop the entries that have ended; of the others keep at most the newer half."""
        live = [item for item in list(self._tokens.items()) if item[1][0] > now]
        self._tokens = dict(live[-MAX_TOKENS // 2 :])

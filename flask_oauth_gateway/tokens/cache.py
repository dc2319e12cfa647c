"""Tokens that this process verified lately (`OAUTH_TOKEN_CACHE_SECONDS`), by the hash of their value."""

from __future__ import annotations

from collections.abc import Callable

from .access_token import AccessToken

MAX_TOKENS = 10_000


class TokenCache:
    """A bounded memory of verified tokens. An entry dies at the token's expiry, after its seconds, or on revocation."""

    def __init__(self, seconds: int, listen: Callable[[], None] | None = None) -> None:
        """`listen` is called before anything is remembered: from then on news of revocations are heard."""
        self._seconds = seconds
        self._listen = listen
        self.forgotten = 0  # how often something was dropped: what was looked up before is not remembered after
        self._tokens: dict[bytes, tuple[float, AccessToken]] = {}

    def get(self, token_hash: bytes, now: float) -> AccessToken | None:
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

        `forgotten` is what it was before the look-up: nothing is kept that was revoked meanwhile.
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
        """Drop what has died; where that isn't much, the older half too."""
        live = [item for item in list(self._tokens.items()) if item[1][0] > now]
        self._tokens = dict(live[-MAX_TOKENS // 2 :])

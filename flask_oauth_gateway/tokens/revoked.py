"""Which stateless tokens are revoked. Every process keeps the few marks in memory, and reads the new ones every few seconds.

There is no background thread: the first check after `OAUTH_REVOCATION_POLL_SECONDS` reads the new marks.
"""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from ..stores.revocations import FOREVER, mark_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..stores.revocations import RevocationStore


MAX_AHEAD = 15  # the most seconds by which a token's `iat` may lie in the future


class Revoked:
    """The marks that one process knows."""

    def __init__(self, store: RevocationStore, poll_seconds: int, listen: Callable[[], None] | None = None) -> None:
        """`listen` is called before the marks are read: it starts to listen for news of revocations."""
        self._store = store
        self._poll_seconds = poll_seconds
        self._marks: dict[bytes, tuple[int, int]] = {}  # mark to (issued_until, expires_at)
        self._last_id = 0
        self._listen = listen
        self._read_at = -1e9
        self._forgotten = 0
        self._lock = threading.Lock()

    def covers(self, issued_at: int, marks: tuple[bytes, ...]) -> bool:
        """Whether one of these marks revokes a token that was issued at this time."""
        return self._until(marks) >= issued_at

    def first_second_after(self, now: int, marks: tuple[bytes, ...]) -> int:
        """The `iat` of a new token: after the second for which its marks revoke tokens, so that they don't cover it."""
        until = self._until(marks)
        return until + 1 if now <= until <= now + MAX_AHEAD else now

    def _until(self, marks: tuple[bytes, ...]) -> int:
        """The time up to which these marks revoke tokens; 0 where none of them is set."""
        if time.monotonic() - self._read_at >= self._poll_seconds:
            self._refresh()
        known = self._marks
        if known.keys().isdisjoint(marks):
            return 0
        return max((known[mark][0] for mark in marks if mark in known), default=0)

    def forget(self) -> None:
        """Make the next check read the marks, as there is a new one."""
        self._forgotten += 1
        self._read_at = -1e9

    def learn(self, mark: bytes, expires_at: int) -> None:
        """Count a mark that this process has just stored from now on, without reading it."""
        with self._lock:
            self._marks[mark] = (FOREVER, expires_at)

    def _refresh(self) -> None:
        if self._listen is not None:
            self._listen()
        with self._lock:
            started, forgotten = time.monotonic(), self._forgotten
            if started - self._read_at < self._poll_seconds:
                return  # another thread has just read them
            for row in self._store.since(self._last_id):
                self._marks[bytes(row.mark)] = (row.issued_until, row.expires_at)
                self._last_id = max(self._last_id, row.id)
            now = time.time()
            if len(self._marks) > 1000:
                self._marks = {mark: value for mark, value in self._marks.items() if value[1] > now}
            if self._forgotten == forgotten:  # else a mark came meanwhile, which this query may have missed
                self._read_at = started


def kind_of(client_id: str | None, subject: str | None) -> tuple[str, ...]:
    """The kind and names of the mark for all tokens of a client, of a user, of both, or of everybody."""
    if client_id is None:
        return ("everything",) if subject is None else ("subject", subject)
    return ("client", client_id) if subject is None else ("client and subject", client_id, subject)


def marks_of(token_id: str, approval: str | None, client_id: str, subject: str | None) -> tuple[bytes, ...]:
    """Every mark that would revoke a token."""
    own: tuple[bytes, ...] = (mark_of("token", token_id),)
    if approval is not None:
        own += (mark_of("family", approval),)
    return own + _marks_shared(client_id, subject)


@lru_cache(maxsize=1024)  # cached tokens share these marks
def _marks_shared(client_id: str, subject: str | None) -> tuple[bytes, ...]:
    marks: tuple[bytes, ...] = (
        mark_of("client", client_id), mark_of("disabled client", client_id), mark_of("everything")
    )  # fmt: skip
    if subject is not None:
        marks += (mark_of("subject", subject), mark_of("client and subject", client_id, subject))
    return marks

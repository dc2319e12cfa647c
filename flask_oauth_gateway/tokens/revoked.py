"""Which stateless tokens are revoked. Every process keeps the few marks in memory, and reads what is new every few seconds.

There is no background thread: the first check after half of `OAUTH_REVOCATION_POLL_SECONDS` reads what has changed. No
clock decides whether a token was issued before or after a revocation: each token carries the numbers that its marks had
when it was issued (`stores/revocations/`), and a revocation raises them.
"""

from __future__ import annotations

import heapq
import time
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ..errors import TemporarilyUnavailable
from ..locks import Lock
from ..stores.revocations.mark import DISABLED, FOREVER, MISSED, NO_NUMBERS, bucket_of, mark_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ..stores.revocations import RevocationStore

MANY_AT_ONCE = 1000  # expired marks are dropped in such portions


class Mark(NamedTuple):
    """What is known of a mark (`database/tables`). `learned`: the moment in which this process read it."""

    number: int
    epoch: int
    issued_until: int
    expires_at: int
    learned: int


class Superseded(Exception):
    """A revocation came after the moment at which a request began, and before its token was issued."""


class Revoked:
    """The marks that one process knows. Its `moment` counts how often it learned something new."""

    def __init__(self, store: RevocationStore, poll_seconds: int, listen: Callable[[], None] | None = None) -> None:
        """`listen` is called before the marks are read: it starts to listen for news of revocations."""
        self._store = store
        self._poll_seconds = 0 if store.rolls_back else poll_seconds
        self._listen = listen
        self._marks: dict[bytes, Mark] = {}
        self._counts: dict[int, int] | None = None  # the number of each bucket up to which it was read; None: not yet
        self._expiring: list[tuple[int, bytes]] = []  # a heap
        self._read_at = -1e9
        self._clock = 0.0  # how far the wall clock was ahead of the monotonic one
        self._forgotten = 0
        self._failed_at = -1e9
        self._lock = Lock()
        self.moment = 0
        self.when_missed: Callable[[], None] | None = None  # called where another process couldn't tell its news

    def covers(self, began_at: int, marks: Iterable[bytes], numbers: Mapping[bytes, int] = NO_NUMBERS) -> bool:
        """Whether one of these marks revokes a token.

        `began_at`: when the token, or the approval that it comes of, began, in seconds since 1970; `numbers`: those
        that the token carries.
        """
        self.poll()
        known = self._marks
        if known.keys().isdisjoint(marks):
            return False
        for mark in marks:
            found = known.get(mark)
            if found is not None:
                carried = numbers.get(mark, 0)
                if found.epoch > carried or (found.number > carried and began_at <= found.issued_until):
                    return True
        return False

    def standing(self, marks: Iterable[bytes], since: int | None) -> dict[bytes, int]:
        """The numbers of these marks, for a token to carry and for the statement that stores it to compare.

        Raises `Superseded` where one of them changed after the moment `since`.
        """
        numbers = {}
        for mark in marks:
            found = self._marks.get(mark)
            if found is not None and since is not None and found.learned > since:
                raise Superseded
            numbers[mark] = 0 if found is None else found.number
        return numbers

    def numbers_of(self, marks: Iterable[bytes]) -> dict[bytes, int]:
        """The numbers of these marks, as far as they are set."""
        known = self._marks
        if known.keys().isdisjoint(marks):
            return {}
        return {mark: found.number for mark in marks if (found := known.get(mark)) is not None}

    def forget(self) -> None:
        """Make the next check read the marks, as there is a new one."""
        self._forgotten += 1
        self._read_at = -1e9

    def learn(self, mark: bytes, expires_at: int) -> None:
        """Count a mark that this process has just stored from now on, without reading it."""
        with self._lock:
            self._keep([(mark, FOREVER, 0, FOREVER, expires_at)])

    def look_up(self, marks: Iterable[bytes]) -> None:
        """Read these marks, because a statement found that one of them has changed."""
        rows = self._store.find(marks)
        with self._lock:
            self._keep(rows)
            self._drop_expired()

    def poll(self) -> None:
        """Read the marks that are new, unless that was done within the poll seconds.

        One thread reads after half of these seconds; the others go on with what is known until all of them are over.
        """
        came = time.monotonic()
        is_due = came - self._read_at >= self._poll_seconds
        if came - self._read_at < self._poll_seconds / 2:
            return
        if self._listen is not None:
            self._listen()
        if not self._lock.acquire(wait=is_due):
            return
        try:
            started, forgotten = time.monotonic(), self._forgotten
            if started - self._read_at < self._poll_seconds / 2:
                return  # another thread has just read them
            if self._failed_at > came:
                raise TemporarilyUnavailable  # another thread has just tried: all would wait for one after the other
            self._read()
            if self._forgotten == forgotten:  # else a mark came meanwhile, which this query may have missed
                self._read_at = started
        except TemporarilyUnavailable:
            self._failed_at = time.monotonic()
            if is_due:
                raise
        finally:
            self._lock.release()

    def _read(self) -> None:
        """Read what has changed: the buckets' counts first, so that a change that comes in between is read again next time."""
        clock = time.time() - time.monotonic()
        if clock < self._clock - 1:
            self._counts = None  # the clock was set back: what had expired by it may count again
            if self.when_missed is not None:
                self.when_missed()  # without the old counts nobody can tell
        self._clock = clock
        counts, known = self._store.counts(), self._counts
        if known is None:
            self._keep(self._store.all())
        else:
            undone = {bucket for bucket, number in known.items() if counts.get(bucket, 0) < number}
            if undone:  # the app has rolled back what was stored in memory, or a backup was restored
                for mark in [mark for mark in self._marks if bucket_of(mark) in undone]:
                    del self._marks[mark]
            changed = {bucket: known.get(bucket, 0) for bucket in counts if counts[bucket] != known.get(bucket, 0)}
            if changed.pop(MISSED, None) is not None and self.when_missed is not None:
                self.when_missed()
            self._keep(self._store.changed({**changed, **dict.fromkeys(undone, 0)}))
        self._counts = counts
        self._drop_expired()

    def _keep(self, rows: Iterable[Iterable[Any]]) -> None:
        moment = self.moment + 1
        for row, number, epoch, issued_until, expires_at in rows:
            mark = bytes(row)
            known = self._marks.get(mark)
            if known is None:
                heapq.heappush(self._expiring, (expires_at, mark))
            elif known.number >= number:
                continue  # another thread has read a later one
            self._marks[mark] = Mark(number, epoch, issued_until, expires_at, moment)
        self.moment = moment  # last: whoever reads it before this has not seen them all

    def _drop_expired(self) -> None:
        now = time.time()
        for _ in range(MANY_AT_ONCE):
            if not self._expiring or self._expiring[0][0] > now:
                return
            _, mark = heapq.heappop(self._expiring)
            found = self._marks.get(mark)
            if found is not None and found.expires_at > now:
                heapq.heappush(self._expiring, (found.expires_at, mark))  # it was renewed
            elif found is not None:
                del self._marks[mark]


def kind_of(client_id: str | None, subject: str | None) -> tuple[str, ...]:
    """The kind and names of the mark for all tokens of a client, of a user, of both, or of everybody."""
    if client_id is None:
        return ("everything",) if subject is None else ("subject", subject)
    return ("client", client_id) if subject is None else ("client and subject", client_id, subject)


@lru_cache(maxsize=1024)  # cached tokens share these
def shared_marks(client_id: str, subject: str | None) -> Mapping[str, bytes]:
    """By kind, the marks that tokens of a client, and of a user, share: their numbers stand in a JWT."""
    owners: list[tuple[str | None, str | None]] = [(None, None), (client_id, None)]
    if subject is not None:
        owners += [(None, subject), (client_id, subject)]
    kinds = (kind_of(*owner) for owner in owners)
    return MappingProxyType({kind[0]: mark_of(*kind) for kind in kinds})


@lru_cache(maxsize=1024)
def marks_of_user(client_id: str, subject: str) -> tuple[bytes, ...]:
    """The marks of a user, and of a user with a client."""
    return tuple(mark_of(*kind_of(client, subject)) for client in (None, client_id))


def marks_of(token_id: str, approval: str | None, client_id: str, subject: str | None) -> tuple[bytes, ...]:
    """Every mark that would revoke a token."""
    own: tuple[bytes, ...] = (mark_of("token", token_id),)
    if approval is not None:
        own += (mark_of("family", approval),)
    return own + _shared(client_id, subject)


@lru_cache(maxsize=1024)
def _shared(client_id: str, subject: str | None) -> tuple[bytes, ...]:
    return (*shared_marks(client_id, subject).values(), mark_of(DISABLED, client_id))

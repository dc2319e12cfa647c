"""Stores the marks for which every process refuses stateless tokens. What was revoked first follows from counts, not clocks.

A mark is the hash of what it refuses: a token, an approval, a signing key, a disabled client; or all that a client, a user, or
both had before. The marks stand in buckets. Whoever changes a mark raises its bucket's count, and holds that row until the
commit; so within a bucket a higher number means a later commit, and a process that has read a number has missed nothing before
it, however long a commit took. A JWT carries the numbers of its marks as they were when it was issued
(`tokens/revoked.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.engine import Row

from ...database.deadlocks import again_after_deadlock
from ...database.engine import Database
from ...database.sqlite.in_memory import InMemoryDatabase
from .mark import CHANGED, DISABLED, FOREVER, MAX_TOKEN_LIFETIME, MISSED, bucket_of, mark_of
from .statements import ALL, COUNTS, ONE, OWNER, lowest_number, new_marks, raise_count, statements_of

if TYPE_CHECKING:
    from ..registered_client import Client

LONGER = 3600  # seconds for which a mark is kept after its last token, as hosts' clocks differ
AT_ONCE = 32  # buckets that are read by one statement
NO_BUCKET = -2


class Change(NamedTuple):
    """What becomes of a mark. Of two changes the stricter one counts, unless `lifts`.

    `all_before`: tokens that don't carry the number of this change, or a later one, are refused. `issued_until`: of these
    tokens only such as began up to then, in seconds since 1970; `FOREVER` refuses all that carry no number.
    """

    mark: bytes
    all_before: bool = False
    issued_until: int = 0
    lifts: bool = False
    expires_at: int | None = None


class RevocationStore:
    """Changes marks, and reads those that are new."""

    def __init__(self, database: Database, *, replicated: bool = False) -> None:
        """`replicated`: tokens are looked up on replicas, so what ends a stored token leaves a mark too, with a new number."""
        self._database = database
        self.replicated = replicated

    def refuse(
        self, kind: str, *names: str, expires_at: int | None = None, connection: Connection | None = None
    ) -> None:
        """Refuse a token, an approval or a signing key for good.

        `expires_at`: when the last of its tokens has expired, in seconds since 1970; by default after the longest life
        of a stateless token.
        """
        self.change([Change(mark_of(kind, *names), issued_until=FOREVER, expires_at=expires_at)], connection)

    def refuse_own(self, token_id: str, owner: Client, *, expires_at: int) -> bool:
        """Refuse a client's token for good, if the client is still enabled and unchanged; on PostgreSQL in one statement."""
        hashed = mark_of("token", token_id)
        statements = statements_of(self._database.engine.dialect.name)
        statement = statements.own_repeat if self.replicated else statements.own
        parameters: dict[str, Any] = {"p_owner": owner.key, "p_version": owner.version}
        if statement is None:
            is_live = self._database.first(OWNER, parameters) is not None
            if is_live:
                self._change_alone([Change(hashed, issued_until=FOREVER, expires_at=expires_at)])
            return is_live
        parameters |= {
            "p_mark": hashed,
            "p_bucket": bucket_of(hashed),
            "p_number": lowest_number(),
            "p_issued_until": FOREVER,
            "p_expires_at": expires_at + LONGER,
        }
        return self._database.run(statement, parameters, repeatable=True) == 1

    def refuse_what_was_issued(
        self, kind: tuple[str, ...], *, issued_before: int | None = None, connection: Connection
    ) -> None:
        """Refuse the tokens of a client, a user or both until now: all, or those that began before a time."""
        until = 0 if issued_before is None else issued_before - 1
        change = Change(mark_of(*kind), all_before=issued_before is None, issued_until=until)
        self.change([change], connection)

    def switch(self, client_ids: Sequence[str], *, enabled: bool, connection: Connection) -> None:
        """Stop all stateless tokens of clients, or let them work again."""
        until = 0 if enabled else FOREVER
        changes = [Change(mark_of(DISABLED, name), issued_until=until, lifts=True) for name in client_ids]
        self.change(changes, connection)

    def remove(self, client_ids: Sequence[str], *, connection: Connection) -> None:
        """Refuse all that deleted clients were given; a later client with the same `client_id` begins anew."""
        gone = [Change(mark_of("client", name), all_before=True) for name in client_ids]
        self.change(gone + [Change(mark_of(DISABLED, name), lifts=True) for name in client_ids], connection)

    def note_change(self, client_id: str, *, connection: Connection) -> None:
        """Let every process ask the primary about a client until a replica has its change, where there are replicas."""
        if self.replicated:
            self.change([Change(mark_of(CHANGED, client_id), lifts=True)], connection)

    def change(self, changes: Iterable[Change], connection: Connection | None = None) -> None:
        """Make changes: in the caller's transaction as its last statements, or in one of their own."""
        if connection is None:
            self._change_alone(list(changes))
            return
        statements, now = statements_of(connection.dialect.name), int(time.time())
        change_one = statements.repeat if self.replicated else statements.change
        # In one order, so that two who change several never wait for each other.
        for change in sorted(changes, key=lambda change: (bucket_of(change.mark), change.mark)):
            bucket = bucket_of(change.mark)
            ends = now + MAX_TOKEN_LIFETIME if change.expires_at is None else change.expires_at
            raise_count(connection, bucket)
            (statements.lift if change.lifts else change_one).execute(
                connection,
                {
                    "p_mark": change.mark,
                    "p_bucket": bucket,
                    "p_all_before": int(change.all_before),
                    "p_issued_until": change.issued_until,
                    "p_expires_at": ends + LONGER,
                },
            )

    @again_after_deadlock
    def _change_alone(self, changes: list[Change]) -> None:
        with self._database.transaction() as connection:
            self.change(changes, connection)

    @again_after_deadlock
    def note_missed(self) -> None:
        """Let every process know within its poll seconds that it may have missed news, which were to come by Redis."""
        with self._database.transaction() as connection:
            raise_count(connection, MISSED)

    def counts(self) -> dict[int, int]:
        """The number of each bucket that has one."""
        return {row.bucket: row.number for row in self._database.all(COUNTS, {})}

    def all(self) -> list[Row[Any]]:
        """Every mark that still counts."""
        return self._database.all(ALL, {"now": int(time.time())})

    def changed(self, since: Mapping[int, int]) -> list[Row[Any]]:
        """The marks of some buckets that were changed after each one's number."""
        found: list[Row[Any]] = []
        every = list(since.items())
        for start in range(0, len(every), AT_ONCE):
            some = every[start : start + AT_ONCE]
            names = range(1 << (len(some) - 1).bit_length())  # few sizes, so that few statements are compiled
            pairs = [*some, *[(NO_BUCKET, 0)] * (len(names) - len(some))]
            parameters = {f"of_{n}": pairs[n][0] for n in names} | {f"after_{n}": pairs[n][1] for n in names}
            found += self._database.all(new_marks(len(names)), parameters)
        return found

    @property
    def rolls_back(self) -> bool:
        """Whether what was stored may be undone by the app: a database in memory, with one connection."""
        return isinstance(self._database, InMemoryDatabase)

    def find(self, marks: Iterable[bytes]) -> list[Row[Any]]:
        """These marks, as far as they are set."""
        found = (self._database.first(ONE, {"hash": each}) for each in marks)
        return [row for row in found if row is not None]

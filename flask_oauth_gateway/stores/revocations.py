"""Stores the marks for which every process refuses stateless tokens. What was revoked first follows from counts, not clocks.

A mark is the hash of what it refuses: a token, an approval, a signing key, a disabled client; or all that a client, a user, or
both had before. The marks stand in buckets. Whoever changes a mark raises its bucket's count, and holds that row until the
commit; so within a bucket a higher number means a later commit, and a process that has read a number has missed nothing before
it, however long a commit took. A JWT carries the numbers of its marks as they were when it was issued
(`tokens/revoked.py`).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, and_, bindparam, case, exists, func, or_, select
from sqlalchemy.engine import Row
from sqlalchemy.sql import ColumnElement

from ..database.deadlocks import again_after_deadlock
from ..database.engine import Database
from ..database.prepared import Prepared
from ..database.sqlite.in_memory import InMemoryDatabase
from ..database.tables import epoch, mark

FOREVER = 2**53
MAX_TOKEN_LIFETIME = 31 * 86400  # the longest life of a stateless token; a mark is kept as long
LONGER = 3600  # and so many seconds more, as hosts' clocks differ
BUCKETS = 256
AT_ONCE = 32  # buckets that are read by one statement
NO_BUCKET = -2
MISSED = -1  # the bucket of a count alone: how often a process couldn't tell its news to the others
NO_NUMBERS: Mapping[bytes, int] = {}

_M = mark.c
_COLUMNS = ("mark", "bucket", "number", "epoch", "issued_until", "expires_at")
COUNTS = Prepared(select(epoch.c.bucket, epoch.c.number))
_MARKS = select(_M.mark, _M.number, _M.epoch, _M.issued_until, _M.expires_at)
_ALL = Prepared(_MARKS.where(_M.expires_at > bindparam("now")))
_ONE = Prepared(_MARKS.where(_M.mark == bindparam("hash")))


@lru_cache
def _new(count: int) -> Prepared:
    return Prepared(
        _MARKS.where(
            or_(*(and_(_M.bucket == bindparam(f"of_{n}"), _M.number > bindparam(f"after_{n}")) for n in range(count)))
        )
    )


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
        statements, now = _statements(connection.dialect.name), int(time.time())
        change_one = statements.repeat if self.replicated else statements.change
        # In one order, so that two who change several never wait for each other.
        for change in sorted(changes, key=lambda change: (bucket_of(change.mark), change.mark)):
            bucket = bucket_of(change.mark)
            ends = now + MAX_TOKEN_LIFETIME if change.expires_at is None else change.expires_at
            _raise_count(connection, bucket)
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
            _raise_count(connection, MISSED)

    def counts(self) -> dict[int, int]:
        """The number of each bucket that has one."""
        return {row.bucket: row.number for row in self._database.all(COUNTS, {})}

    def all(self) -> list[Row[Any]]:
        """Every mark that still counts."""
        return self._database.all(_ALL, {"now": int(time.time())})

    def changed(self, since: Mapping[int, int]) -> list[Row[Any]]:
        """The marks of some buckets that were changed after each one's number."""
        found: list[Row[Any]] = []
        every = list(since.items())
        for start in range(0, len(every), AT_ONCE):
            some = every[start : start + AT_ONCE]
            names = range(1 << (len(some) - 1).bit_length())  # few sizes, so that few statements are compiled
            pairs = [*some, *[(NO_BUCKET, 0)] * (len(names) - len(some))]
            parameters = {f"of_{n}": pairs[n][0] for n in names} | {f"after_{n}": pairs[n][1] for n in names}
            found += self._database.all(_new(len(names)), parameters)
        return found

    @property
    def rolls_back(self) -> bool:
        """Whether what was stored may be undone by the app: a database in memory, with one connection."""
        return isinstance(self._database, InMemoryDatabase)

    def find(self, marks: Iterable[bytes]) -> list[Row[Any]]:
        """These marks, as far as they are set."""
        found = (self._database.first(_ONE, {"hash": each}) for each in marks)
        return [row for row in found if row is not None]


DISABLED = "disabled client"
CHANGED = "changed client"  # refuses nothing


def mark_of(kind: str, *names: str) -> bytes:
    """The hash by which a mark is found."""
    return hashlib.sha256("\0".join((kind, *names)).encode()).digest()


def bucket_of(hashed: bytes) -> int:
    """The bucket in which a mark stands."""
    return hashed[0] % BUCKETS


def unchanged(count: int) -> list[ColumnElement[bool]]:
    """The conditions that so many marks have not changed since they were read; `standing` makes their parameters."""
    now = bindparam("standing_now", type_=BigInteger)
    return [
        ~exists().where(
            _M.mark == bindparam(f"standing_mark_{place}", type_=_M.mark.type),
            _M.number > bindparam(f"standing_number_{place}", type_=BigInteger),
            _M.expires_at > now,
        )
        for place in range(count)
    ]


def standing(numbers: Mapping[bytes, int]) -> dict[str, Any]:
    """The parameters of `unchanged`: the number of each mark, as a process knows it; 0 where the mark isn't set."""
    if not numbers:
        return {}
    parameters: dict[str, Any] = {"standing_now": int(time.time())}
    for place, (hashed, number) in enumerate(numbers.items()):
        parameters |= {f"standing_mark_{place}": hashed, f"standing_number_{place}": number}
    return parameters


class _Statements(NamedTuple):
    raise_count: Prepared
    change: Prepared
    repeat: Prepared
    lift: Prepared


def _raise_count(connection: Connection, bucket: int) -> None:
    """Raise a bucket's count, and hold its row until the commit.

    To the time at least: after a backup was restored, no change gets a number that a token carries already.
    """
    statement = _statements(connection.dialect.name).raise_count
    statement.execute(connection, {"bucket": bucket, "number": time.time_ns() // 1000})


@lru_cache
def _statements(dialect: str) -> _Statements:
    """Each dialect has its own words for "insert, or else update"."""
    kind = dialect if dialect in ("postgresql", "sqlite") else "mysql"
    insert: Any = import_module(f"sqlalchemy.dialects.{kind}").insert
    greatest = func.max if dialect == "sqlite" else func.greatest

    def upsert(statement: Any, keys: list[Any], values: Any) -> Any:
        if hasattr(statement, "on_conflict_do_update"):
            return statement.on_conflict_do_update(index_elements=keys, set_=values(statement.excluded))
        return statement.on_duplicate_key_update(list(values(statement.inserted).items()))

    counting = insert(epoch)
    given = {name: bindparam(f"p_{name}", type_=_M[name].type) for name in _COLUMNS if name not in ("number", "epoch")}
    all_before = bindparam("p_all_before", type_=BigInteger)
    row = select(
        given["mark"],
        given["bucket"],
        epoch.c.number,
        case((all_before == 1, epoch.c.number), else_=0),
        given["issued_until"],
        given["expires_at"],
    ).where(epoch.c.bucket == given["bucket"])

    def stricter(new: Any) -> dict[str, Any]:
        # A change that is no stricter keeps the number: tokens that carry it were issued after what is in force. The number
        # comes first: MariaDB goes from left to right, and would compare with what it has just set.
        is_stricter = or_(new.epoch > 0, new.issued_until > _M.issued_until)
        grows = {name: greatest(_M[name], new[name]) for name in ("epoch", "issued_until", "expires_at")}
        return {"number": case((is_stricter, new.number), else_=_M.number), **grows}

    def repeated(new: Any) -> dict[str, Any]:
        return {**stricter(new), "number": new.number}

    def lifted(new: Any) -> dict[str, Any]:
        return {**repeated(new), "issued_until": new.issued_until}

    marking = insert(mark).from_select(_COLUMNS, row)
    return _Statements(
        raise_count=Prepared(
            upsert(counting, [epoch.c.bucket], lambda new: {"number": greatest(epoch.c.number + 1, new.number)}),
            ("bucket", "number"),
        ),
        change=Prepared(upsert(marking, [_M.mark], stricter)),
        repeat=Prepared(upsert(marking, [_M.mark], repeated)),
        lift=Prepared(upsert(marking, [_M.mark], lifted)),
    )

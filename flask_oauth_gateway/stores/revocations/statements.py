"""The statements about marks, each built once: those that read them, and for each dialect those that change them."""

from __future__ import annotations

import time
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, and_, bindparam, case, exists, func, literal_column, or_, select

from ...database.prepared import Prepared
from ...database.tables import client, epoch, mark
from .mark import is_live

_M = mark.c
_COLUMNS = ("mark", "bucket", "number", "epoch", "issued_until", "expires_at")
_MARKS = select(_M.mark, _M.number, _M.epoch, _M.issued_until, _M.expires_at)
_IS_LIVE = is_live(bindparam("p_owner"), bindparam("p_version"))
COUNTS = Prepared(select(epoch.c.bucket, epoch.c.number))
ALL = Prepared(_MARKS.where(_M.expires_at > bindparam("now")))
ONE = Prepared(_MARKS.where(_M.mark == bindparam("hash")))
OWNER = Prepared(select(client.c.id).where(_IS_LIVE))


@lru_cache
def new_marks(count: int) -> Prepared:
    """Selects the marks of so many buckets that were changed after each one's number."""
    return Prepared(
        _MARKS.where(
            or_(*(and_(_M.bucket == bindparam(f"of_{n}"), _M.number > bindparam(f"after_{n}")) for n in range(count)))
        )
    )


def raise_count(connection: Connection, bucket: int) -> None:
    """Raise a bucket's count, and hold its row until the commit."""
    statements_of(connection.dialect.name).raise_count.execute(
        connection, {"bucket": bucket, "number": lowest_number()}
    )


def lowest_number() -> int:
    """The time: after a backup was restored, no change gets a number that a token carries already."""
    return time.time_ns() // 1000


class Statements(NamedTuple):
    """`own` and `own_repeat` raise the count too, where a client is live; PostgreSQL alone has them."""

    raise_count: Prepared
    change: Prepared
    repeat: Prepared
    lift: Prepared
    own: Prepared | None
    own_repeat: Prepared | None


@lru_cache
def statements_of(dialect: str) -> Statements:
    """Each dialect has its own words for "insert, or else update"."""
    kind = dialect if dialect in ("postgresql", "sqlite") else "mysql"
    insert: Any = import_module(f"sqlalchemy.dialects.{kind}").insert
    greatest = func.max if dialect == "sqlite" else func.greatest

    def upsert(statement: Any, keys: list[Any], values: Any) -> Any:
        if hasattr(statement, "on_conflict_do_update"):
            return statement.on_conflict_do_update(index_elements=keys, set_=values(statement.excluded))
        return statement.on_duplicate_key_update(list(values(statement.inserted).items()))

    def count(counting: Any) -> Any:
        return upsert(counting, [epoch.c.bucket], lambda new: {"number": greatest(epoch.c.number + 1, new.number)})

    given = {name: bindparam(f"p_{name}", type_=_M[name].type) for name in _COLUMNS if name not in ("number", "epoch")}
    all_before = bindparam("p_all_before", type_=BigInteger)

    def row(number: Any, all_before: Any) -> Any:
        return select(given["mark"], given["bucket"], number, all_before, given["issued_until"], given["expires_at"])

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

    counted = row(epoch.c.number, case((all_before == 1, epoch.c.number), else_=0))
    marking = insert(mark).from_select(_COLUMNS, counted.where(epoch.c.bucket == given["bucket"]))
    own = own_repeat = None
    if dialect == "postgresql":
        if_live = select(given["bucket"], bindparam("p_number", type_=BigInteger)).where(exists().where(_IS_LIVE))
        counting = insert(epoch).from_select(("bucket", "number"), if_live)
        number = count(counting).returning(epoch.c.number).cte("counted").c.number
        marking_own = insert(mark).from_select(_COLUMNS, row(number, literal_column("0", BigInteger)))
        own, own_repeat = (Prepared(upsert(marking_own, [_M.mark], values)) for values in (stricter, repeated))
    return Statements(
        raise_count=Prepared(count(insert(epoch)), ("bucket", "number")),
        change=Prepared(upsert(marking, [_M.mark], stricter)),
        repeat=Prepared(upsert(marking, [_M.mark], repeated)),
        lift=Prepared(upsert(marking, [_M.mark], lifted)),
        own=own,
        own_repeat=own_repeat,
    )

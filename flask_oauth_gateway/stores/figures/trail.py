"""What the audit trail adds up to. A trail has many millions of entries: of each question a limited number is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, select

from ...database.tables import audit

if TYPE_CHECKING:
    from sqlalchemy.engine import Row

    from ...database.engine import Database

MOST_REFUSALS = 500  # of the newest
MOST_LOOKED_AT = 5000  # of the newest entries, for who is most active


def counts_between(database: Database, since: int, until: int, groups: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many entries there are from one time until before another, of each group of events."""
    # Not grouped by the event: SQLite would sort them all for that.
    sums = [func.sum(case((audit.c.event.in_(events), 1), else_=0)).label(name) for name, events in groups.items()]
    row = database.first(select(*sums).where(audit.c.at >= since, audit.c.at < until))
    return {name: 0 if row is None else int(getattr(row, name) or 0) for name in groups}


def newest_refusals(database: Database, since: int, events: Sequence[str]) -> list[Row[Any]]:
    """The newest entries of some events since a time: `at`, `event`, `outcome`, `client_id`, `details`."""
    columns = (audit.c[name] for name in ("at", "event", "outcome", "client_id", "details"))
    # In the order of the index, so that no more than these are read of the table.
    newest_first = (audit.c.at.desc(), audit.c.event.desc())
    return database.all(
        select(*columns)
        .where(audit.c.at >= since, audit.c.event.in_(events))
        .order_by(*newest_first)
        .limit(MOST_REFUSALS)
    )


def most_active(database: Database, since: int, events: Sequence[str], limit: int) -> tuple[int, list[tuple[str, int]]]:
    """Of the newest entries of the trail: how many are of these events, and whose they are, the most first."""
    last = select(func.max(audit.c.id)).scalar_subquery()
    rows = database.all(
        select(audit.c.client_id, func.count().label("entries"))
        .where(audit.c.id > last - MOST_LOOKED_AT, audit.c.at >= since, audit.c.event.in_(events))
        .group_by(audit.c.client_id)
    )
    found = sorted(((row.client_id, int(row.entries)) for row in rows if row.client_id), key=lambda each: -each[1])
    return sum(number for _, number in found), found[:limit]

"""Ends what a client, a user, both or everybody has: codes are spent, tokens and approvals revoked, in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Table, false, select, update
from sqlalchemy.sql import ColumnElement

from ..database.deadlocks import again_after_deadlock
from ..database.engine import Database
from ..database.tables import access_token, approval, client, code, device_code, epoch

#: Changes nothing; by the lock that it takes `wait_for_writers` sees who revokes.
_REVOKES = update(epoch).where(false()).values(number=0)
ENDED = (access_token, approval, code, device_code)  # what a revocation ends


@again_after_deadlock
def end(
    database: Database,
    given: Mapping[str, Any],
    issued_before: int | None,
    mark: Callable[..., None] | None,
    *,
    only_then: bool = False,
) -> int:
    """Revoke what fits, and mark it, in one transaction; returns how many there were. `only_then`: mark if there were any."""
    with database.transaction() as connection:
        if mark is not None and connection.dialect.name == "postgresql":
            connection.execute(_REVOKES)
        if given["client"] is not None:  # on MariaDB this waits for who is just storing something of the client's
            connection.execute(select(client.c.id).where(client.c.id == given["client"]).with_for_update())
        count = _end_in(connection, given, issued_before)
        if mark is not None and (count or not only_then):
            mark(connection=connection)
    return count


def _end_in(connection: Connection, given: Mapping[str, Any], issued_before: int | None) -> int:
    """Spend the codes, and revoke the tokens and approvals, that fit; returns how many of the latter there were."""
    now = int(time.time())

    def fits(table: Table, since: str) -> list[ColumnElement[bool]]:
        found = [table.c[name] == value for name, value in given.items() if value is not None]
        return found if issued_before is None else [*found, table.c[since] < issued_before]

    if "token_hash" not in given:
        for table, approved in ((code, ()), (device_code, (device_code.c.decision == "allow",))):
            unspent = (
                table.c.spent_at.is_(None),
                table.c.expires_at > now,
                *approved,
            )  # few rows, which an index finds
            connection.execute(update(table).where(*fits(table, "issued_at"), *unspent).values(spent_at=now))
    count = 0
    for table, since in ((access_token, "issued_at"), (approval, "created_at")):
        if "token_hash" in given and table is approval:
            continue
        live = (table.c.revoked_at.is_(None), table.c.expires_at > now)
        count += connection.execute(update(table).where(*fits(table, since), *live).values(revoked_at=now)).rowcount
    return count

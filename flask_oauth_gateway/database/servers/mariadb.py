"""What a new connection to MariaDB or MySQL is made ready for: the isolation that the statements need, and Galera.

On one server an INSERT locks what it decides by, which it does only in REPEATABLE READ; a revocation waits for these locks. In
a cluster of Galera they hold up nobody who writes at another node, and who copies the other nodes' changes may wait for them
in vain. There, all nodes commit in one order, and who has stored something looks once more (`TokenStore.still_stands`).

What another node has committed arrives a moment later. So each statement first waits until its node has everything that was
committed anywhere before it: a code of one node is good at the next, and a token that was revoked at one is so at all. Of two
transactions that contradict each other one is undone, at its COMMIT at the latest, as for a deadlock (`deadlocks.py`).
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from sqlalchemy import Engine

_READ, _UPDATE, _INSERT = 1, 2, 4  # the bits of wsrep_sync_wait; the first is also for BEGIN
#: The execution option of an engine that says whether its server is a node of a cluster.
IS_GALERA = "oauth_galera"


def make_ready(engine: Engine, dbapi_connection: Any) -> None:
    """Make a new connection of an engine ready, and note whether that leads to a cluster."""
    if engine.dialect.name not in ("mysql", "mariadb"):
        return
    with closing(dbapi_connection.cursor()) as cursor:
        cursor.execute("SHOW VARIABLES LIKE 'wsrep_on'")
        row = cursor.fetchone()
        found = row is not None and row[1] == "ON"
        level = "READ COMMITTED" if found else "REPEATABLE READ"  # whatever the default of the server or the app is
        cursor.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
        if found:
            cursor.execute(f"SET SESSION wsrep_sync_wait = @@wsrep_sync_wait | {_READ | _UPDATE | _INSERT}")
    engine.update_execution_options(**{IS_GALERA: found})

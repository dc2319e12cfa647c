"""What a new connection to PostgreSQL is made ready for: a pooler, and a server whose default isolation is another one.

psycopg has the server keep a statement that runs again and again under a name. Behind PgBouncer, in transaction mode, the
next statement of that name may run on another connection, where there is none, or where the name is that of somebody else's
statement: with as many parameters, that one would run. So there statements have no names.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

from sqlalchemy.engine import Dialect

READ_COMMITTED = "read committed"


def make_ready(dialect: Dialect, dbapi_connection: Any, prepared: bool | None) -> None:
    """Make a new connection ready. `prepared`: `OAUTH_DATABASE_PREPARED`; `None`: names are given unless there is a pooler."""
    if dialect.name != "postgresql":
        return
    with closing(dbapi_connection.cursor()) as cursor:
        cursor.execute("SELECT pg_backend_pid(), current_setting('default_transaction_isolation')")
        process_id, isolation = cursor.fetchone()
        # A pooler makes up the process id that it tells.
        is_direct = process_id == getattr(getattr(dbapi_connection, "info", None), "backend_pid", process_id)
        # What is set at a pooler's connection is set for others. There, transactions alone name their level.
        if is_direct and isolation != READ_COMMITTED:
            cursor.execute(f"SET default_transaction_isolation TO '{READ_COMMITTED}'")
    names_are_safe = is_direct if prepared is None else prepared
    if dialect.driver == "psycopg" and not names_are_safe:  # no other driver gives names by itself
        dbapi_connection.prepare_threshold = None

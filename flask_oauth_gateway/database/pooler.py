"""Names of statements, on PostgreSQL: none behind a pooler, which gives one connection of the server to many.

psycopg has the server keep a statement that runs again and again under a name. Behind PgBouncer, in transaction mode, the
next statement of that name may run on another connection, where there is none, or where the name is that of somebody else's
statement: with as many parameters, that one would run.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Dialect


def choose_names(dialect: Dialect, dbapi_connection: Any, prepared: bool | None) -> None:
    """Let a new connection's statements have names, or not. `prepared`: `OAUTH_DATABASE_PREPARED`; `None`: find it out."""
    if dialect.driver != "psycopg" or prepared:  # psycopg 2 names nothing
        return
    if prepared is False or is_behind_a_pooler(dbapi_connection):
        dbapi_connection.prepare_threshold = None


def is_behind_a_pooler(dbapi_connection: Any) -> bool:
    """Whether somebody else answered than who runs the statements: a pooler makes up the process id that it tells."""
    with dbapi_connection.cursor() as cursor:
        (process_id,) = cursor.execute("SELECT pg_backend_pid()").fetchone()
    return bool(process_id != dbapi_connection.info.backend_pid)

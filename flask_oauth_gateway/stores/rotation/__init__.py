"""A refresh where nothing has to be decided between reading and writing: what stores the tokens does the checks too.

Where no row comes back, one of the checks failed, and nothing was done: a look-up tells which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Row

from ...database.engine import Database
from ..registered_client import Client
from .by_statement import rotate_by_statement
from .by_transaction import rotate_by_transaction


def can_rotate_at_once(database: Database) -> bool:
    """Whether a statement of the database returns what it has written: that of SQLite 3.35, not that of MariaDB."""
    dialect: Any = database.engine.dialect
    return dialect.name == "postgresql" or (dialect.name == "sqlite" and bool(dialect.insert_returning))


def rotate_at_once(
    database: Database, client: Client, values: Mapping[str, Any], now: int, *, idle: int | None
) -> Row[Any] | None:
    """Spend a refresh token and store its successors; returns the approval's values, or `None` where nothing was done.

    `values`: `old_hash`, `salt`, `token_hash`, `refresh_hash`, `audience` (where the approval names none),
    `grant_type`, `expires_at`, `scopes` (all that the client may have: where another one was approved, nothing is done
    here). `now`: seconds since 1970. `idle`: the seconds without use after which the refresh token ends. Nothing is
    done where the approval's refresh tokens are bound to a key, which has to be proved.
    """
    given = {"owner": client.key, "owner_version": client.version, "moment": now, "idle": idle}
    parameters = {**given, **{f"p_{name}": value for name, value in values.items()}}
    rotate = rotate_by_statement if database.engine.dialect.name == "postgresql" else rotate_by_transaction
    return rotate(database, parameters, ends_idle=idle is not None)

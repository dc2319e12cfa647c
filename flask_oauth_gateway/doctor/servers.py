"""Finds what is weak in how the database's servers are named: each function checks one thing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlalchemy import text

from .weakness import Weakness

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer

IS_STANDBY = text("SELECT pg_is_in_recovery()")


def primary(server: AuthorizationServer) -> Iterator[Weakness]:
    if server.database.engine.dialect.name != "postgresql":
        return
    row = server.database.first(IS_STANDBY)
    if row is not None and row[0]:
        yield Weakness(
            "the database",
            "it is a standby: nobody gets a token",
            "name the primary, or every host with target_session_attrs=read-write",
        )


SERVERS = (primary,)

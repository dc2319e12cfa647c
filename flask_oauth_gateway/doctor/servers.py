"""Finds what is weak in how the database's servers are named: each function checks one thing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text
from sqlalchemy.exc import SQLAlchemyError

from ..errors import TemporarilyUnavailable, without_secrets
from .weakness import Weakness

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer

LATE_SECONDS = 2
IS_STANDBY = text("SELECT pg_is_in_recovery()")
POSITION = text("SELECT CAST(pg_current_wal_lsn() AS text)")
HAS_FOLLOWED = text("SELECT pg_last_wal_replay_lsn() >= CAST(:position AS pg_lsn)").bindparams(bindparam("position"))


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


def replicas(server: AuthorizationServer) -> Iterator[Weakness]:
    if not server.settings.database_read_uris:
        return
    found: Any = server.lookups
    for replica in found.replicas.every:
        key = f"OAUTH_DATABASE_READ_URIS[{replica.place}]"
        try:
            with replica.connect() as connection:
                if connection.dialect.name == "postgresql":
                    for why, fix in _of_standby(server, connection):
                        yield Weakness(key, why, fix)
        except (SQLAlchemyError, TemporarilyUnavailable) as error:
            cause = error.__cause__ if isinstance(error, TemporarilyUnavailable) else error
            reason = without_secrets(getattr(cause, "orig", None) or cause or "").strip().splitlines()
            yield Weakness(
                key,
                f"it can't be read, and the primary is asked instead: {reason[0].rstrip('.') if reason else error}",
                "see that it runs, and that host, name, user and password in its URL are right",
            )


def _of_standby(server: AuthorizationServer, connection: Any) -> Iterator[tuple[str, str]]:
    if not connection.execute(IS_STANDBY).scalar():
        yield "it is no standby, but takes writes itself", "name a standby of the primary, or leave it out"
        return
    row = server.database.first(POSITION)
    until = time.monotonic() + LATE_SECONDS
    while row is not None and not connection.execute(HAS_FOLLOWED, {"position": row[0]}).scalar():
        if time.monotonic() > until:
            yield (
                f"it is more than {LATE_SECONDS} seconds late: new tokens are looked up at the primary too",
                "see pg_stat_replication at the primary, and recovery_min_apply_delay and max_standby_streaming_delay here",
            )
            return
        time.sleep(0.05)


SERVERS = (primary, replicas)

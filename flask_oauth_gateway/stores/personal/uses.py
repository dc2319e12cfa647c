"""Stores when a personal access token was last used and from which network, without a statement at each request."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from sqlalchemy import bindparam, update

from ...database.background import Later
from ...database.deadlocks import again_after_deadlock
from ...database.engine import Database
from ...database.sqlite.in_memory import InMemoryDatabase
from ...database.tables import personal_token
from ...errors import TemporarilyUnavailable
from ..last_used import MAX_REMEMBERED
from ..registered_client import LAST_USED_SECONDS

_TOUCH = (
    update(personal_token)
    .where(personal_token.c.token_id == bindparam("id"))
    .values(last_used_at=bindparam("at"), last_used_network=bindparam("network"))
)
Use = tuple[int, str]  # when, in seconds since 1970, and the address; empty where that isn't known


class Uses:
    """Notes uses, and writes them together, from another thread. Uses that can't be written are lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[str, Use] = {}  # by the token's id
        self._unwritten: dict[str, Use] = {}
        self._later = Later(self._write, self._forget)

    def note(self, token_id: str, address: str) -> None:
        """Note a use, unless one from the same address was noted within `LAST_USED_SECONDS`."""
        now, (before, known) = int(time.time()), self._noted.get(token_id, (0, ""))
        if now - before < LAST_USED_SECONDS and address == known:
            return
        if len(self._noted) >= MAX_REMEMBERED:
            self._noted.clear()
        self._noted[token_id] = self._unwritten[token_id] = (now, address)
        if isinstance(self._database, InMemoryDatabase):  # its one connection may be in one of the app's transactions
            self._later.now()
        else:
            self._later.start()

    def close(self) -> None:
        """Write the uses that wait, and start no timer again."""
        self._later.close()

    def _write(self, last: bool) -> None:
        uses, self._unwritten = self._unwritten, {}
        if uses:
            with suppress(TemporarilyUnavailable):
                _touch(self._database, uses)

    def _forget(self) -> None:
        self._unwritten = {}


@again_after_deadlock
def _touch(database: Database, uses: Mapping[str, Use]) -> None:
    rows = [
        {"id": bytes.fromhex(token_id), "at": at, "network": network_of(address)}
        for token_id, (at, address) in sorted(uses.items())  # in one order, so that two never wait for each other
    ]
    with database.transaction() as connection:
        for row in rows:
            connection.execute(_TOUCH, row)


def network_of(address: str) -> str | None:
    """The network of an address, without what tells one household from its neighbours: /24 of IPv4, /48 of IPv6."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return str(ip_network((ip, 24 if ip.version == 4 else 48), strict=False))

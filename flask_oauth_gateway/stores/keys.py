"""Stores the server's keys, those that sign and those to encrypt to: the public half as a JWK, the private half encrypted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from ..database.engine import Database
from ..database.tables import client, key

#: The members of a client's registration that name the algorithm of what is signed for it.
SIGNED_FOR_CLIENTS = (
    "id_token_signed_response_alg", "userinfo_signed_response_alg", "authorization_signed_response_alg",
)  # fmt: skip

#: Keys to encrypt to have generations below 0, and count down: neither kind ever meets the other.
_ALL = select(key).where(key.c.generation > 0).order_by(key.c.generation)
_TO_ENCRYPT_TO = select(key).where(key.c.generation < 0).order_by(key.c.generation.desc())
_WANTED = select(*(client.c.metadata[name].as_string() for name in SIGNED_FOR_CLIENTS)).distinct()
_RETIRE = update(key).where(key.c.kid == bindparam("which")).values(retired_at=bindparam("at"))


class KeyStore:
    """Reads and writes keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Row[Any]]:
        """All keys that sign, the oldest first."""
        return self._database.all(_ALL)

    def to_encrypt_to(self) -> list[Row[Any]]:
        """All keys to which something may be encrypted, the oldest first. They sign nothing."""
        return self._database.all(_TO_ENCRYPT_TO)

    def add(self, values: Mapping[str, Any]) -> bool:
        """Store a key; False where another process has just made the key of this generation."""
        try:
            self._database.run(insert(key), dict(values))
        except IntegrityError:
            return False
        return True

    def wanted_by_clients(self) -> set[str]:
        """The algorithms with which clients want to be written to, beside the one that is always there."""
        return {each for row in self._database.all(_WANTED) for each in row if each is not None}

    def retire(self, kid: str, at: int | None = None) -> bool:
        """Retire a key: it is neither published nor accepted from `at` on (`None`: now). False where there is no such key."""
        return self._database.run(_RETIRE, {"which": kid, "at": at or int(time.time())}, repeatable=True) == 1

"""The replay guard: an assertion that may be used once is claimed by an insert, and only the first insert succeeds."""

from __future__ import annotations

import hashlib

from sqlalchemy import bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from ..database.engine import Database
from ..database.prepared import Prepared
from ..database.tables import once
from .issuance import Spend

_INSERT = Prepared(insert(once), once.c.keys())
_FIND = Prepared(select(once.c.key).where(once.c.key == bindparam("key")))


class OnceStore:
    """Claims things that may be used once. An entry is kept until the thing that it stands for has expired."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, key: bytes, until: int) -> bool:
        """Claim a key until a time (seconds since 1970); of two callers at once, exactly one gets True."""
        try:
            self._database.run(_INSERT, {"key": key, "expires_at": until})
        except IntegrityError:
            return False
        return True

    def is_claimed(self, key: bytes) -> bool:
        """Whether a key is claimed now; somebody may claim it a moment later."""
        return self._database.first(_FIND, {"key": key}) is not None

    @staticmethod
    def claiming(key: bytes, until: int) -> Spend:
        """The statement that claims a key, for the statement or transaction that stores the token."""
        return Spend(_INSERT, {"key": key, "expires_at": until}, ends_with_tokens=False)


def once_key(kind: str, *names: str) -> bytes:
    """The key of a thing that may be used once: its kind, and the names that identify it, e.g. its issuer and `jti`."""
    return hashlib.sha256("\0".join((kind, *names)).encode()).digest()

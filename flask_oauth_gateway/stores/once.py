"""The replay guard: what may be used once is claimed by an insert, of which only the first succeeds."""

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
    """Claims one-time things. An entry is kept until what it names has expired anyway."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, key: bytes, until: int) -> bool:
        """Claim a key until a time (seconds since 1970); of two at the same moment exactly one gets True."""
        try:
            self._database.run(_INSERT, {"key": key, "expires_at": until})
        except IntegrityError:
            return False
        return True

    def is_claimed(self, key: bytes) -> bool:
        """Whether a key is taken; that it isn't now says nothing of a moment later."""
        return self._database.first(_FIND, {"key": key}) is not None

    @staticmethod
    def claiming(key: bytes, until: int) -> Spend:
        """What claims a key, for the statement or transaction in which a token is stored for it."""
        return Spend(_INSERT, {"key": key, "expires_at": until})


def once_key(kind: str, *names: str) -> bytes:
    """The key of a one-time thing: what kind it is, and what tells it apart, e.g. its issuer and `jti`."""
    return hashlib.sha256("\0".join((kind, *names)).encode()).digest()

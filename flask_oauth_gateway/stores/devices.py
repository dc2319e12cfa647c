"""Stores device codes, by their `token_key`, and the SHA-256 of their user codes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.engine import Row

from ..database.engine import Database
from ..database.prepared import Prepared
from ..database.tables import client, device_code
from .issuance import Spend

_D = device_code.c
_INSERT = insert(device_code)
_FIND = select(device_code, client.c.client_id, client.c.enabled, client.c.origin).outerjoin(
    client, client.c.id == _D.client
)
_BY_DEVICE_CODE = Prepared(_FIND.where(_D.device_code_hash == bindparam("hash")))
_BY_USER_CODE = _FIND.where(_D.user_code_hash == bindparam("hash"))
_CLAIM = (
    update(device_code)
    .where(_D.device_code_hash == bindparam("hash"), _D.decision.is_(None), _D.expires_at > bindparam("now"))
    .where(or_(_D.subject.is_(None), _D.subject == bindparam("who")))
    .values(subject=bindparam("who"))
)
_DECIDE = (
    update(device_code)
    .where(_D.device_code_hash == bindparam("hash"), _D.decision.is_(None), _D.subject == bindparam("who"))
    .where(_D.expires_at > bindparam("now"))
    .values(
        decision=bindparam("answer"),
        granted_scope=bindparam("granted"),
        claims=bindparam("how", type_=_D.claims.type),
    )
)
_POLLED = Prepared(
    update(device_code)
    .where(_D.device_code_hash == bindparam("hash"))
    .values(last_polled_at=bindparam("now"), poll_interval=bindparam("seconds"))
)
_SPEND = Prepared(
    update(device_code)
    .where(_D.device_code_hash == bindparam("hash"), _D.spent_at.is_(None), _D.decision == "allow")
    .values(spent_at=bindparam("now"))
)

#: The letters of user codes: no vowels, so that no words come out, and none that looks like a digit (section 6.1).
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


class DeviceStore:
    """Reads, writes and spends device codes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, values: Mapping[str, Any]) -> None:
        """Store a new device code. Raises `IntegrityError` where its user code is in use."""
        self._database.run(_INSERT, dict(values))

    def find(self, device_code_hash: bytes) -> Row[Any] | None:
        """A device code, with its client; `None` where there is none."""
        return self._database.first(_BY_DEVICE_CODE, {"hash": device_code_hash})

    def find_by_user_code(self, user_code_hash: bytes) -> Row[Any] | None:
        """The device code of a user code, with its client; `None` where there is none."""
        return self._database.first(_BY_USER_CODE, {"hash": user_code_hash})

    def claim(self, device_code_hash: bytes, subject: str) -> bool:
        """Bind a pending device code to the first user who types its user code; False for any other user."""
        parameters = {"hash": device_code_hash, "who": subject, "now": int(time.time())}
        if self._database.run(_CLAIM, parameters, repeatable=True) == 1:
            return True
        row = self.find(device_code_hash)  # MariaDB counts no row where nothing had to be changed
        return row is not None and row.subject == subject and row.decision is None and row.expires_at > time.time()

    def decide(
        self, device_code_hash: bytes, subject: str, decision: str, scope: str, claims: Mapping[str, Any] | None
    ) -> bool:
        """Store the user's answer, `allow` or `deny`; False where there is an answer already, or it comes too late."""
        parameters = {
            "hash": device_code_hash,
            "who": subject,
            "answer": decision,
            "granted": scope,
            "how": claims,
            "now": int(time.time()),
        }
        return self._database.run(_DECIDE, parameters) == 1

    def polled(self, device_code_hash: bytes, interval: int) -> None:
        """Note that the device asked now, and how many seconds it has to wait before it may ask again."""
        self._database.run(
            _POLLED, {"hash": device_code_hash, "now": int(time.time()), "seconds": interval}, repeatable=True
        )

    @staticmethod
    def spending(device_code_hash: bytes) -> Spend:
        """The statement that spends an approved device code, for the statement or transaction that stores the token."""
        return Spend(_SPEND, {"hash": device_code_hash, "now": int(time.time())})

"""Stores pushed authorization requests, by the SHA-256 of their `request_uri` (RFC 9126)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Row

from ..database.engine import Database
from ..database.prepared import Prepared
from ..database.tables import client, pushed_request
from .issuance import AlreadyAnswered, Spend

OPEN_SECONDS = 3600  # from the browser's first visit on: a sign-in and a consent page take people their time

_P = pushed_request.c
_INSERT = Prepared(insert(pushed_request), set(_P.keys()) - {"opened_at", "used_at"})
_FIND = Prepared(
    select(pushed_request, client.c.client_id, client.c.version.label("client_version"))
    .outerjoin(client, client.c.id == _P.client)
    .where(_P.request_hash == bindparam("hash"))
)
_LIVE = (_P.request_hash == bindparam("hash"), _P.used_at.is_(None), _P.expires_at > bindparam("moment"))
_OPEN = Prepared(
    update(pushed_request)
    .where(*_LIVE, _P.opened_at.is_(None))
    .values(opened_at=bindparam("moment"), expires_at=bindparam("until"))
)
_USE = Prepared(update(pushed_request).where(*_LIVE).values(used_at=bindparam("moment")))


class PushedRequestStore:
    """Reads, writes and spends pushed authorization requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, values: Mapping[str, Any]) -> None:
        """Store a new request."""
        self._database.run(_INSERT, dict(values), repeatable=True)

    def find(self, request_hash: bytes) -> Row[Any] | None:
        """A request, used or not, with its client's `client_id`; `None` where there is none."""
        return self._database.first(_FIND, {"hash": request_hash})

    def open(self, request_hash: bytes, moment: int, until: int) -> bool:
        """Note the first visit with a request that was live at this moment, and let it live on; False for any other."""
        return self._database.run(_OPEN, {"hash": request_hash, "moment": moment, "until": until}) == 1

    def use(self, spend: Spend) -> bool:
        """Use a request up without a code; of two callers at once, exactly one gets True."""
        return self._database.run(_USE, spend.parameters) == 1


@dataclass(slots=True)
class PushedRequest:
    """A request that a client has pushed, as a visit finds it. `moment`: when that began, in seconds since 1970."""

    store: PushedRequestStore
    key: bytes
    parameters: list[tuple[str, str]]
    is_signed: bool
    confirmation: Mapping[str, str]  # the key to which the code is bound, by the proof that came with the request
    client: tuple[int, int]  # its key and version, as the statement saw them that found the request
    is_open: bool  # a browser was here with it before
    moment: int
    is_ours: bool = False  # this visit has used it up

    @property
    def spend(self) -> Spend:
        """The statement that uses the request up, for the transaction that stores the code."""
        return Spend(_USE, {"hash": self.key, "moment": self.moment})

    def use(self) -> None:
        """Use the request up for an answer without a code. Raises `AlreadyAnswered` where another answer has."""
        if not self.is_ours and not self.store.use(self.spend):
            raise AlreadyAnswered
        self.is_ours = True

    def keep_open(self) -> None:
        """Give the user an hour, at the first page or sign-in to which the request leads. Raises `AlreadyAnswered`.

        Only the first visit does, so that nobody keeps a request for ever by opening it again.
        """
        if self.is_open or self.store.open(self.key, self.moment, self.moment + OPEN_SECONDS):
            return
        row = self.store.find(self.key)  # another visit came first, or an answer did
        if row is None or row.used_at is not None or row.opened_at is None:
            raise AlreadyAnswered

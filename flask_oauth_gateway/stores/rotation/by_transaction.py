"""SQLite: a transaction of three statements. The first one reads and stores, and what it returns is decided on.

Nobody else writes meanwhile, so the other two needn't check anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, insert, select, update
from sqlalchemy.engine import Row

from ...database.engine import Database
from ...database.prepared import Prepared
from ...database.tables import access_token, approval, refresh_token
from .rows import MOMENT, TO_DECIDE, live, new_access_token, new_refresh_token

_A, _R, _T = approval.c, refresh_token.c, access_token.c
_OLD = _R.token_hash == bindparam("p_old_hash")
_SPEND = Prepared(update(refresh_token).where(_OLD).values(spent_at=MOMENT, salt=bindparam("p_salt")))
_FOLLOWING = new_refresh_token(_R)
_FOLLOW = Prepared(insert(refresh_token).from_select(list(_FOLLOWING), select(*_FOLLOWING.values()).where(_OLD)))


class _Undo(Exception):
    """Rolls the transaction back."""


def rotate_by_transaction(database: Database, parameters: Mapping[str, Any], *, ends_idle: bool) -> Row[Any] | None:
    """See `rotate_at_once`."""
    try:
        with database.transaction() as connection:
            row = _token(ends_idle=ends_idle).execute(connection, parameters).first()
            if row is None or _has_to_be_decided(row, parameters["p_scopes"]):
                raise _Undo
            _SPEND.execute(connection, parameters)
            _FOLLOW.execute(connection, parameters)
    except _Undo:
        return None
    return row


def _has_to_be_decided(row: Row[Any], allowed: str) -> bool:
    return not set(row.scope.split()).issubset(allowed.split()) or any(name in (row.claims or ()) for name in TO_DECIDE)


@lru_cache(maxsize=2)
def _token(*, ends_idle: bool) -> Prepared:
    """The INSERT of the access token, if the refresh token is good; returns the token's row."""
    expires_at = func.min(bindparam("p_expires_at", type_=BigInteger), _A.expires_at)  # SQLite's word for `least`
    token = new_access_token(_A.id, _A, expires_at)
    found = select(*token.values()).join_from(refresh_token, approval, _A.id == _R.family)
    found = found.where(_OLD, _A.client == bindparam("owner"), *live(ends_idle=ends_idle))
    returned = (_T.family, _T.subject, _T.scope, _T.attributes, _T.claims, _T.expires_at.label("token_expires_at"))
    return Prepared(insert(access_token).from_select(list(token), found).returning(*returned))

"""A refresh on PostgreSQL in one statement, where nothing has to be decided between looking and acting.

The refresh token is spent if it, its approval and its client are live; what it is good for is stored from the approval's row.
That is half of the time of looking first. Where no row comes back something is wrong, and looking says what.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Text, and_, bindparam, exists, func, insert, select, update
from sqlalchemy.engine import Row

from ..database.engine import Database
from ..database.prepared import Prepared
from ..database.tables import access_token, approval, client, refresh_token
from .clients import Client

_A, _R, _T = approval.c, refresh_token.c, access_token.c
_NOW = bindparam("moment", type_=BigInteger)


def can_rotate_at_once(database: Database) -> bool:
    """Whether the database takes statements that write within one that reads."""
    return database.engine.dialect.name == "postgresql"


def rotate_at_once(
    database: Database, client: Client, values: Mapping[str, Any], *, idle: int | None
) -> Row[Any] | None:
    """Spend a refresh token and store its successors; what was approved, or `None` where nothing was done.

    `values`: `old_hash`, `salt`, `token_hash`, `refresh_hash`, `audience` (where the approval names none),
    `grant_type`, `expires_at`.
    `idle`: seconds without use after which it would have ended.
    """
    given = {"owner": client.key, "owner_version": client.version, "moment": int(time.time()), "idle": idle}
    return database.first_once(_statement(idle is not None), {**given, **{f"p_{k}": v for k, v in values.items()}})


@lru_cache(maxsize=2)
def _statement(ends_idle: bool) -> Prepared:
    live_client = exists().where(
        client.c.id == bindparam("owner"), client.c.version == bindparam("owner_version"), client.c.enabled
    )
    live = [_R.spent_at.is_(None), _R.expires_at > _NOW, _A.revoked_at.is_(None), _A.expires_at > _NOW]
    if ends_idle:
        live.append(func.coalesce(_R.last_used_at, _R.issued_at) + bindparam("idle", type_=BigInteger) > _NOW)
    spent = (
        update(refresh_token)
        .where(_R.token_hash == bindparam("p_old_hash"), _A.id == _R.family, _A.client == bindparam("owner"))
        .where(and_(*live), live_client)
        .values(spent_at=_NOW, salt=bindparam("p_salt"))
        .returning(
            _R.family,
            _R.expires_at,
            _A.subject,
            _A.scope,
            _A.audience,
            _A.attributes,
            _A.claims,
            _A.expires_at.label("approval_expires_at"),
        )
    ).cte("spent")
    approved = spent.c
    expires_at = func.least(bindparam("p_expires_at", type_=BigInteger), approved.approval_expires_at)
    token = {
        _T.token_hash: bindparam("p_token_hash", type_=_T.token_hash.type),
        _T.client: bindparam("owner", type_=_T.client.type),
        _T.family: approved.family,
        _T.subject: approved.subject,
        _T.scope: approved.scope,
        _T.audience: func.coalesce(approved.audience, bindparam("p_audience", type_=Text)),
        _T.grant_type: bindparam("p_grant_type", type_=Text),
        _T.attributes: approved.attributes,
        _T.claims: approved.claims,
        _T.issued_at: _NOW,
        _T.expires_at: expires_at,
    }
    following = {
        _R.token_hash: bindparam("p_refresh_hash", type_=_R.token_hash.type),
        _R.family: approved.family,
        _R.issued_at: _NOW,
        _R.expires_at: approved.expires_at,
    }
    parts = [
        insert(table).from_select(list(row), select(*row.values()).select_from(spent)).cte(f"new_{table.name}")
        for table, row in ((access_token, token), (refresh_token, following))
    ]
    return Prepared(select(spent, expires_at.label("token_expires_at")).add_cte(*parts))

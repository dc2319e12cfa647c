"""PostgreSQL: one statement spends the refresh token and stores its successors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, func, insert, literal_column, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Row

from ...database.engine import Database
from ...database.prepared import Prepared
from ...database.tables import access_token, approval, refresh_token
from .rows import MOMENT, TO_DECIDE, live, new_access_token, new_refresh_token

_A, _R = approval.c, refresh_token.c


def rotate_by_statement(database: Database, parameters: Mapping[str, Any], *, ends_idle: bool) -> Row[Any] | None:
    """See `rotate_at_once`."""
    return database.first_once(_rotation(ends_idle=ends_idle), parameters)


@lru_cache(maxsize=2)
def _rotation(*, ends_idle: bool) -> Prepared:
    words = partial(func.string_to_array, type_=postgresql.ARRAY(Text))
    may_have = words(_A.scope, " ").contained_by(words(bindparam("p_scopes", type_=Text), " "))
    nothing_to_decide = (_A.claims.op("->")(literal_column(f"'{name}'")).is_(None) for name in TO_DECIDE)
    spent = (
        update(refresh_token)
        # "+ 0", or a plan that was made without statistics reads every approval of the client by the index on `client`.
        .where(_R.token_hash == bindparam("p_old_hash"), _A.id == _R.family, _A.client + 0 == bindparam("owner"))
        .where(*live(ends_idle=ends_idle), may_have, *nothing_to_decide)
        .values(spent_at=MOMENT, salt=bindparam("p_salt"))
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
    found = spent.c
    expires_at = func.least(bindparam("p_expires_at", type_=BigInteger), found.approval_expires_at)
    token, following = new_access_token(found.family, found, expires_at), new_refresh_token(found)
    parts = [
        insert(table).from_select(list(row), select(*row.values()).select_from(spent)).cte(f"new_{table.name}")
        for table, row in ((access_token, token), (refresh_token, following))
    ]
    return Prepared(select(spent, expires_at.label("token_expires_at")).add_cte(*parts))

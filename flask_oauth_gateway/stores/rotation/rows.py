"""The rows of a refresh, and the conditions on which there are any, as SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Text, bindparam, exists, func

from ...database.tables import access_token, approval, refresh_token
from ..revocations.mark import is_live

_A, _R, _T = approval.c, refresh_token.c, access_token.c
MOMENT = bindparam("moment", type_=BigInteger)
#: What has to be decided: nothing is done at once for an approval whose claims have one of these.
TO_DECIDE = ("authorization_details", "cnf")


def live(*, ends_idle: bool) -> list[ColumnElement[bool]]:
    """That the refresh token and its approval are live, and the client unchanged."""
    found = [_R.spent_at.is_(None), _R.expires_at > MOMENT, _A.revoked_at.is_(None), _A.expires_at > MOMENT]
    if ends_idle:
        found.append(func.coalesce(_R.last_used_at, _R.issued_at) + bindparam("idle", type_=BigInteger) > MOMENT)
    return [*found, exists().where(is_live(bindparam("owner"), bindparam("owner_version"))).correlate(None)]


def new_access_token(family: Any, approved: Any, expires_at: Any) -> dict[Column[Any], Any]:
    """The access token's columns. `approved`: the columns of the approval."""
    return {
        _T.token_hash: bindparam("p_token_hash", type_=_T.token_hash.type),
        _T.client: bindparam("owner", type_=_T.client.type),
        _T.family: family,
        _T.subject: approved.subject,
        _T.scope: approved.scope,
        _T.audience: func.coalesce(approved.audience, bindparam("p_audience", type_=Text)),
        _T.grant_type: bindparam("p_grant_type", type_=Text),
        _T.attributes: approved.attributes,
        _T.claims: approved.claims,
        _T.issued_at: MOMENT,
        _T.expires_at: expires_at,
    }


def new_refresh_token(spent: Any) -> dict[Column[Any], Any]:
    """The successor's columns. `spent`: those of the refresh token that is spent."""
    return {
        _R.token_hash: bindparam("p_refresh_hash", type_=_R.token_hash.type),
        _R.family: spent.family,
        _R.issued_at: MOMENT,
        _R.expires_at: spent.expires_at,
    }

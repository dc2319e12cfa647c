"""Looks up a client that this process doesn't remember, and the token that it asks about, in one statement instead of two."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any, NamedTuple

from sqlalchemy import bindparam

from ..crypto.hashing import sha256
from ..database.engine import Database
from ..database.prepared import Prepared
from ..database.tables import access_token, approval, client
from .clients import BY_CLIENT_ID, WITH_SECRETS, ClientStore
from .registered_client import Client
from .tokens import COLUMNS, ordinary

_T = access_token.c
_OWNER = client.alias("token_owner")
_OF_TOKEN = {
    **{name: _T[name] for name in COLUMNS},
    "revoked_at": _T.revoked_at,
    "client_id": _OWNER.c.client_id,
    "enabled": _OWNER.c.enabled,
    "approval_revoked_at": approval.c.revoked_at,
}
_TOKEN_HASH = bindparam("token_hash", type_=_T.token_hash.type)
_BY_BOTH = Prepared(
    WITH_SECRETS.where(client.c.client_id_hash == bindparam("hash"))
    .add_columns(*(column.label(f"token_{name}") for name, column in _OF_TOKEN.items()))
    .outerjoin(access_token, _T.token_hash == _TOKEN_HASH)
    .outerjoin(_OWNER, _OWNER.c.id == _T.client)
    .outerjoin(approval, approval.c.id == _T.family)
    .order_by(None)
)


def of_requests() -> tuple[Prepared, ...]:
    """The statements of the requests that come most often."""
    return (BY_CLIENT_ID, _BY_BOTH, *ordinary())


class Asked(NamedTuple):
    """A client as it is stored now, and the token as `TokenStore.find_for` returns it."""

    client: Client
    token: Any


def look_up(database: Database, clients: ClientStore, client_id: str, token_hash: bytes) -> Asked | None:
    """A client, which is remembered from now on, and a token. `None` where there is no such client."""
    read_at = time.monotonic()
    rows = database.all(_BY_BOTH, {"hash": sha256(client_id), "token_hash": token_hash})
    found = clients.remember(client_id, rows, read_at)
    if found is None:
        return None
    if rows[0].token_token_hash is None:
        return Asked(found, None)
    values = zip(_OF_TOKEN, rows[0][-len(_OF_TOKEN) :], strict=True)
    return Asked(found, SimpleNamespace(**dict(values), asker_is_live=found.enabled))

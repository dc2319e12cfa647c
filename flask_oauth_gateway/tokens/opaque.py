"""Opaque tokens: 256 random bits; what they mean is looked up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Row

from ..crypto.hashing import sha256
from ..errors import InvalidToken, UnknownToken
from .access_token import AccessToken

if TYPE_CHECKING:
    from ..authorization_server import State


def read(state: State, token: str) -> AccessToken:
    """The token that is presented. Raises `InvalidToken`; looks nothing up where it was verified lately."""
    token_hash = sha256(token)
    now = time.time()
    cache = state.token_cache
    if cache is not None:
        known = cache.get(token_hash, now)
        if known is not None:
            return known
        forgotten = cache.forgotten
    row = state.tokens.find(token_hash)
    if row is None:
        raise UnknownToken("The access token is not known here.")
    found = from_row(row)
    if found.refusal is not None:
        raise InvalidToken(found.refusal, found.client_id)
    if cache is not None:
        cache.put(token_hash, found, now, forgotten)
    return found


def why_dead(row: Row[Any], now: float) -> str | None:
    """Why a stored token is no longer good; `None` where it is."""
    if not row.enabled:  # None where the client was deleted
        return "The client of this access token was disabled or deleted."
    if row.revoked_at is not None or row.family_revoked_at is not None:
        return "The access token was revoked."
    if row.expires_at <= now:
        return "The access token expired."
    return None


def from_row(row: Row[Any]) -> AccessToken:
    """A stored token, dead or alive."""
    return AccessToken(
        token_id=token_id_of(row.token_hash),
        client_id=row.client_id or "",
        client_key=row.client,
        refusal=why_dead(row, time.time()),
        subject=row.subject,
        scope=row.scope,
        audience=row.audience,
        grant_type=row.grant_type,
        attributes=row.attributes,
        details=row.claims,
        iat=row.issued_at,
        exp=row.expires_at,
    )


def token_id_of(token_hash: bytes) -> str:
    """What a token is called in lists, signals and the audit trail: half of its hash, of no use to whoever reads it."""
    return bytes(token_hash[:16]).hex()

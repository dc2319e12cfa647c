"""Reads this server's own access tokens: opaque ones are looked up, JWTs are checked by signature and revocation marks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..crypto.hashing import token_key
from ..errors import InvalidToken, UnknownToken
from ..stores.tokens import token_id_of, why_dead
from .access_token import MAX_TOKEN, AccessToken

if TYPE_CHECKING:
    from sqlalchemy.engine import Row

    from ..config import Settings
    from ..database.engine import Database
    from ..stores.tokens import TokenStore
    from ..users.accounts import Users
    from .cache import TokenCache
    from .jwt import JwtTokens
    from .replicated import ReplicatedTokens
    from .revoked import Revoked

JWT_START = "eyJ"  # '{"' in base64url


def lookups_of(
    settings: Settings, database: Database, tokens: TokenStore, revoked: Revoked
) -> TokenStore | ReplicatedTokens:
    """What looks tokens up: `tokens`, or where there are replicas (`OAUTH_DATABASE_READ_URIS`), what asks these first."""
    if not settings.database_read_uris:
        return tokens
    from ..database.servers.replicas import Replicas
    from .replicated import ReplicatedTokens

    replicas = Replicas(database, settings.database_read_uris, prepared=settings.database_prepared)
    return ReplicatedTokens(replicas, tokens, revoked)


def is_jwt(token: str) -> bool:
    """Whether a token has the shape of a JWT."""
    return token.startswith(JWT_START) and token.count(".") == 2


class OwnTokens:
    """One server's own tokens. `jwts` reads JWTs, and is made on first use; `cache` holds tokens that were verified lately."""

    def __init__(
        self,
        tokens: TokenStore | ReplicatedTokens,
        users: Users,
        jwts: Callable[[], JwtTokens],
        cache: TokenCache | None,
    ) -> None:
        self._tokens = tokens
        self._users = users
        self._jwts = jwts
        self._cache = cache

    def read(self, token: str) -> AccessToken:
        """The valid token that was presented. Raises `InvalidToken`, and `UnknownToken` where it isn't this server's."""
        if len(token) > MAX_TOKEN:
            raise InvalidToken("The access token is too long.")
        if is_jwt(token):
            return self._jwts().read(token)
        token_hash, now, cache = token_key(token), time.time(), self._cache
        if cache is not None:
            known = cache.get(token_hash, now)
            if known is not None:
                return known
            forgotten = cache.forgotten
        row = self._tokens.find(token_hash)
        if row is None:
            raise UnknownToken("The access token is not known here.")
        found = self.from_row(row)
        if found.refusal is not None:
            raise InvalidToken(found.refusal, found.client_id)
        if cache is not None:
            cache.put(token_hash, found, now, forgotten)
        return found

    def find_jwt(self, token: str) -> AccessToken | None:
        """A JWT that this server signed, dead or alive: `refusal` says why it is refused. `None` for any other."""
        return self._jwts().find(token) if len(token) <= MAX_TOKEN else None

    def from_row(self, row: Row[Any]) -> AccessToken:
        """A stored token, dead or alive: `refusal` says why it is dead."""
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
            users=self._users,
        )

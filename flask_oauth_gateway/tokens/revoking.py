"""The one place that revokes tokens: it ends stored ones, marks JWTs, makes every process forget them, and sends a signal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Row

from ..errors import TemporarilyUnavailable
from ..signals import refresh_token_reused, token_revoked
from ..stores.revocations.mark import mark_of
from ..stores.tokens import token_id_of
from .revoked import kind_of

if TYPE_CHECKING:
    from flask import Flask

    from ..database.engine import Database
    from ..database.redis.shared import Redis
    from ..stores.approvals import ApprovalStore
    from ..stores.registered_client import Client
    from ..stores.revocations import RevocationStore
    from ..stores.tokens import TokenStore
    from .access_token import AccessToken
    from .cache import TokenCache
    from .revoked import Revoked

EVERY_TOKEN = b""
KEY = "key"  # the mark of all tokens that a key signed
NOTHING_MORE: Mapping[str, str] = {}


class Revoking:
    """Revokes the tokens of one app. Signals and the audit trail name `by` (who did it) and `actor` (their subject, if known).

    `why`: what they tell beyond that, as where a leaked token was found.
    """

    def __init__(
        self,
        app: Flask,
        tokens: TokenStore,
        approvals: ApprovalStore,
        revocations: RevocationStore,
        revoked: Revoked,
        cache: TokenCache | None,
        redis: Redis | None,
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._approvals = approvals
        self._revocations = revocations
        self._revoked = revoked
        self._cache = cache
        self._redis = redis

    def stored_token(self, token_hash: bytes, owner: Client, *, by: str) -> bool:
        """Revoke a client's stored token; False where it isn't live, or where the client has changed."""
        mark = self._marking(token_hash)
        with self.forgetting_in_doubt():
            if mark is None:
                revoked = self._tokens.revoke(token_hash, owner)
            else:
                revoked = self._tokens.revoke_and_mark(token_hash, owner, mark)
            if not revoked:
                return False
        try:
            self.forget(token_hash)
        finally:  # what is done is said, even where the other processes can't be told
            self.say(owner.client_id, None, token_id=token_id_of(token_hash), count=1, by=by, actor=None)
        return True

    def stateless_token(
        self,
        token: AccessToken,
        owner: Client | None = None,
        *,
        by: str,
        actor: str | None,
        why: Mapping[str, str] = NOTHING_MORE,
    ) -> bool:
        """Revoke a JWT, which isn't stored: in this process at once, in others when they next read the marks.

        False where it was to be done for its `owner`, and that client has changed.
        """
        with self.forgetting_in_doubt():
            if owner is None:
                self._revocations.refuse("token", token.token_id, expires_at=token.exp)
            elif not self._revocations.refuse_own(token.token_id, owner, expires_at=token.exp):
                return False
        self._revoked.learn(mark_of("token", token.token_id), token.exp)
        if self._redis is not None:
            self._redis.tell(EVERY_TOKEN)
        self.say(token.client_id, token.subject, token_id=token.token_id, count=1, by=by, actor=actor, why=why)
        return True

    def approval(
        self,
        key: bytes,
        client_id: str | None,
        subject: str | None,
        *,
        by: str,
        actor: str | None = None,
        why: Mapping[str, str] = NOTHING_MORE,
    ) -> bool:
        """Revoke an approval with all its tokens; False where it was revoked before, or doesn't exist."""
        with self.forgetting_in_doubt():
            if not self._approvals.revoke(key):
                return False
        try:
            self.forget()
        finally:
            self.say(client_id, subject, token_id=None, count=1, by=by, actor=actor, why=why)
        return True

    def reused(self, row: Row[Any]) -> None:
        """Revoke the approval of a refresh token that came a second time.

        Whoever brought it first or brings it now is a thief (RFC 9700 section 4.14.2).
        """
        with self.forgetting_in_doubt():
            revoked = self._approvals.revoke(bytes(row.family))
        if revoked:
            try:
                self.forget()
            finally:
                refresh_token_reused.send(self._app, client_id=row.client_id, subject=row.subject, count=1)

    def matching(
        self,
        *,
        token_hash: bytes | None = None,
        client: Client | None = None,
        subject: str | None = None,
        issued_before: int | None = None,
        by: str,
        actor: str | None,
        why: Mapping[str, str] = NOTHING_MORE,
    ) -> int:
        """Revoke every token and approval that fits all arguments; returns how many. `issued_before`: seconds since 1970."""
        client_id, key = (None, None) if client is None else (client.client_id, client.key)
        if token_hash is not None:
            with self.forgetting_in_doubt():
                mark = self._marking(token_hash)
                if not self._tokens.revoke_one(token_hash, key, subject, issued_before, mark):
                    return 0
            try:
                self.forget(token_hash)  # this one alone: whoever has tokens to give away would else empty every cache
            finally:
                self.say(client_id, subject, token_id_of(token_hash), 1, by, actor, why)
            return 1
        mark = partial(
            self._revocations.refuse_what_was_issued, kind_of(client_id, subject), issued_before=issued_before
        )
        with self.forgetting_in_doubt():
            count = self._tokens.revoke_where(key, subject, issued_before, mark)
        try:
            self.forget()  # before what may take a while
            # A replica may have followed the mark, and not what is ended now.
            again = mark if self._revocations.replicated else None
            count += self._tokens.revoke_late_ones(key, subject, issued_before, again)
        finally:
            try:
                self.forget()
            finally:
                # JWTs are not counted; that they are refused from now on is said all the same.
                self.say(client_id, subject, token_id=None, count=count, by=by, actor=actor)
        return count

    def signed_by(self, kid: str) -> None:
        """Refuse every token that a signing key signed."""
        with self.forgetting_in_doubt():
            self._revocations.refuse(KEY, kid)  # other processes read marks sooner than keys
        self.forget()

    def attributes_changed(self, token_hash: bytes, expires_at: int) -> None:
        """Let every process forget a token as it was."""
        mark = self._marking(token_hash)
        if mark is not None:
            mark(expires_at=expires_at)
        self.forget()

    def _marking(self, token_hash: bytes) -> Callable[..., None] | None:
        """What marks a stored token; `None` where no replica may be late, and the token's row says all."""
        replicated = self._revocations.replicated
        return partial(self._revocations.refuse, "token", token_id_of(token_hash)) if replicated else None

    def unused_clients(self, database: Database, before: int, *, batch: int) -> int:
        """Delete the clients that nobody registered by hand and nobody has used since a time, with all that they were given."""
        from ..stores.registration.unused import purge_unused

        deleted = purge_unused(database, self._revocations, before, batch=batch)
        if deleted:
            self.forget()
        return deleted

    @contextmanager
    def forgetting_in_doubt(self) -> Iterator[None]:
        """Forget every token where this fails: it may be done all the same, if the connection was lost after the commit."""
        try:
            yield
        except TemporarilyUnavailable:
            self.forget()
            raise

    def forget(self, token_hash: bytes = EVERY_TOKEN) -> None:
        """Drop one token, or all of them, from the cache: with Redis in every process, else in this one."""
        self.hear(token_hash)
        self._tell(token_hash)

    def _tell(self, token_hash: bytes) -> None:
        """Tell the other processes by Redis, and where they keep tokens and may not hear it, by the database too."""
        if self._redis is not None and not self._redis.tell(token_hash) and self._cache is not None:
            self._revocations.note_missed()

    def hear(self, token_hash: bytes) -> None:
        """Drop a token that another process revoked; `EVERY_TOKEN` where this process may have missed news."""
        if token_hash == EVERY_TOKEN or self._revocations.replicated:
            self._revoked.forget()
        if self._cache is None:
            return
        if token_hash == EVERY_TOKEN:
            self._cache.clear()
        else:
            self._cache.drop(token_hash)

    @contextmanager
    def untold(self) -> Iterator[None]:
        """Tell no other process meanwhile: a rehearsal, in a process of its own, changes nothing for them."""
        redis, self._redis = self._redis, None
        try:
            yield
        finally:
            self._redis = redis

    def say(
        self,
        client_id: str | None,
        subject: str | None,
        token_id: str | None,
        count: int,
        by: str,
        actor: str | None,
        why: Mapping[str, str] = NOTHING_MORE,
    ) -> None:
        """Send the signal that tokens were revoked."""
        token_revoked.send(
            self._app,
            client_id=client_id,
            subject=subject,
            token_id=token_id,
            count=count,
            by=by,
            actor=actor,
            reason=why.get("reason"),
            found_at=why.get("found_at"),
        )

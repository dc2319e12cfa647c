"""`gateway.tokens`: find, revoke, issue and annotate tokens in code. The command line and the pages call it too."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import has_request_context

from ..clients.registry import ClientNotFound
from ..crypto.hashing import token_key
from ..database.purge import purge_expired
from ..errors import TemporarilyUnavailable
from ..hooks import check_subject, is_subject
from ..permissions.scopes import resolve_scopes
from ..web.environ import actor
from .access_token import RESERVED, AccessToken
from .issue import Issue, StaleClient
from .reading import is_jwt
from .sign_in import with_details

if TYPE_CHECKING:
    from ..config import Settings
    from ..database.engine import Database
    from ..stores.approvals import ApprovalStore
    from ..stores.audit.entries import AuditStore
    from ..stores.clients import ClientStore
    from ..stores.registered_client import Client
    from ..stores.tokens import TokenStore
    from ..users.accounts import Users
    from .issuing import Issuing
    from .reading import OwnTokens
    from .revoking import Revoking
    from .sign_in import Claims

MILLISECONDS = 10**11  # a time beyond this, in the year 5138, is meant in milliseconds


@dataclass(frozen=True, slots=True)
class TokenPage:
    """Some tokens. `next` is where the next page begins, `tokens.find(..., after=page.next)`; `None` on the last page."""

    tokens: list[AccessToken]
    next: str | None


class TokenRegistry:
    """Finds, revokes, issues and annotates tokens."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clients: ClientStore,
        tokens: TokenStore,
        approvals: ApprovalStore,
        audit: AuditStore,
        users: Users,
        issuing: Issuing,
        own_tokens: OwnTokens,
        revoking: Revoking,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clients = clients
        self._tokens = tokens
        self._approvals = approvals
        self._audit = audit
        self._users = users
        self._issuing = issuing
        self._own_tokens = own_tokens
        self._revoking = revoking

    def issue(
        self,
        client_id: str,
        *,
        subject: str | None = None,
        scope: str | Iterable[str] | None = None,
        audience: str | Iterable[str] = (),
        attributes: Mapping[str, Any] | None = None,
        expires_in: int | None = None,
        grant_type: str = "direct",
        authorization_details: Iterable[Mapping[str, Any]] = (),
    ) -> dict[str, Any]:
        """Issue a token to a client, for a user where `subject` is given; returns the members of a token response.

        `expires_in` is in seconds. `authorization_details`: of types that the client may ask for (RFC 9396); the app's hooks
        aren't called for them. Raises `ClientNotFound`, also for a disabled client, `InvalidScopeError`,
        `InvalidAuthorizationDetails`, and `ValueError` for a value that can't be used.
        """
        if subject is not None and not (isinstance(subject, str) and is_subject(subject)):
            raise ValueError("A subject has 1 to 255 characters, and is a text without NUL and lone surrogates.")
        if expires_in is not None and expires_in < 1:
            raise ValueError("A token lives for a second or more.")
        asked = scope if scope is None or isinstance(scope, str) else " ".join(scope)
        for _ in range(3):
            moment = self._issuing.moment
            client = self._clients.load(client_id)
            if client is None or not client.enabled:
                raise ClientNotFound(client_id)
            try:
                return self._issuing.issue(
                    Issue(
                        claims=self._details(authorization_details, client),
                        client=client,
                        grant_type=grant_type,
                        scopes=resolve_scopes(asked, client, self._settings),
                        subject=subject,
                        user=None if subject is None else self._users.load(subject),
                        audience=(audience,) if isinstance(audience, str) else tuple(audience),
                        attributes=attributes,
                        expires_in=expires_in,
                    ),
                    moment,
                )
            except StaleClient:
                continue
        raise TemporarilyUnavailable

    def _details(self, given: Iterable[Mapping[str, Any]], client: Client) -> Claims:
        from ..permissions.details import AuthorizationDetails, compact

        found = compact(given)
        if found == "[]":
            return None
        types = AuthorizationDetails(self._settings.authorization_details)
        return with_details(None, types.asked(found, client))

    def find(
        self,
        *,
        client_id: str | None = None,
        subject: str | None = None,
        live: bool = True,
        limit: int = 100,
        after: str | None = None,
    ) -> TokenPage:
        """A page of tokens: those of a client, of a user, of both, or all. Those that expire last come first.

        `live=False` lists dead tokens too. Raises `ValueError` for an `after` that no page gave, a `limit` below 1, or a
        subject that is no text.
        """
        check_subject(subject)
        if limit < 1:
            raise ValueError("limit is a number of 1 or more.")
        key = None
        if client_id is not None:
            client = self._clients.load(client_id)
            if client is None:
                return TokenPage([], None)
            key = client.key
        rows = self._tokens.page(client=key, subject=subject, live=live, after=_position(after), limit=limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        following = None if last is None else f"{last.expires_at}.{bytes(last.token_hash).hex()}"
        return TokenPage([self._own_tokens.from_row(row) for row in rows[:limit]], following)

    def get(self, *, token: str | None = None, token_id: str | None = None) -> AccessToken | None:
        """One token, by its value or by its `token_id`. It may be dead; `refusal` then says why.

        A JWT isn't stored: it is found by its value alone, not by its `jti`.
        """
        if token is not None and is_jwt(token):
            return self._own_tokens.find_jwt(token)
        token_hash = self._hash(token, token_id)
        row = None if token_hash is None else self._tokens.find(token_hash)
        return None if row is None else self._own_tokens.from_row(row)

    def revoke(
        self,
        *,
        token: str | None = None,
        token_id: str | None = None,
        client_id: str | None = None,
        subject: str | None = None,
        issued_before: datetime | int | None = None,
    ) -> int:
        """Revoke every live token that fits all arguments; returns how many stored tokens and approvals ended.

        JWTs aren't stored, so those of a client or a user end uncounted; one that is given as `token` counts as one. A
        `client_id` that nobody has, and the `jti` of a JWT as `token_id`, end nothing: 0.

        `issued_before` is an aware datetime, or seconds since 1970. It ends what was issued before, and of an approval
        that is older everything, also what was refreshed since. Raises `ValueError` where no argument is given, so that
        nobody revokes everything by oversight, where the subject is no text, and where `issued_before` lies in the
        future, as new tokens would be refused.
        """
        if all(value is None for value in (token, token_id, client_id, subject, issued_before)):
            raise ValueError("revoke() needs a token, token_id, client_id, subject or issued_before.")
        check_subject(subject)
        if isinstance(issued_before, datetime):
            issued_before = int(issued_before.timestamp())
        if issued_before is not None and issued_before > time.time():
            in_milliseconds = issued_before > MILLISECONDS
            raise ValueError(
                "issued_before lies in the future: "
                + (
                    "it is in seconds since 1970, not in milliseconds."
                    if in_milliseconds
                    else "tokens that are yet to come can't be revoked."
                )
            )
        token_hash, client = None, None
        if token is not None and is_jwt(token):
            return self._revoke_jwt(token, client_id, subject, issued_before)
        if token is not None or token_id is not None:
            token_hash = self._hash(token, token_id)
            if token_hash is None:
                return 0
        if client_id is not None:
            client = self._clients.load(client_id)
            if client is None:
                return 0
        count = self._revoking.matching(
            token_hash=token_hash, client=client, subject=subject, issued_before=issued_before, by=_by(), actor=actor()
        )
        if not count and token is not None and token_hash is not None:
            count = self._revoke_approval(token_hash, client, subject, issued_before)
        return count

    def _revoke_jwt(self, token: str, client_id: str | None, subject: str | None, issued_before: int | None) -> int:
        """Revoke a JWT, which isn't stored, by a mark, where it is valid and fits the other arguments."""
        found = self._own_tokens.find_jwt(token)
        if found is None or found.refusal is not None:
            return 0
        if client_id not in (None, found.client_id) or subject not in (None, found.subject):
            return 0
        if issued_before is not None and found.iat >= issued_before:
            return 0
        self._revoking.stateless_token(found, by=_by(), actor=actor())
        return 1

    def _revoke_approval(
        self, token_hash: bytes, client: Client | None, subject: str | None, issued_before: int | None
    ) -> int:
        """Revoke the approval of a refresh token, where the token fits the other arguments."""
        row = self._approvals.find_refresh_token(token_hash)
        if row is None or (client is not None and row.client != client.key) or subject not in (None, row.subject):
            return 0
        if issued_before is not None and row.issued_at >= issued_before:
            return 0
        return int(self._revoking.approval(bytes(row.family), row.client_id, row.subject, by=_by(), actor=actor()))

    def set_attributes(
        self, attributes: Mapping[str, Any], *, token: str | None = None, token_id: str | None = None
    ) -> bool:
        """Add or change a live token's attributes; the value `None` removes one. Returns False where the token isn't live,
        and for a JWT, which can't be changed.

        Raises `ValueError` for a name that the protocol uses itself.
        """
        taken = RESERVED.intersection(attributes)
        if taken:
            raise ValueError(f"A token attribute can't be named {min(taken)!r}: the protocol uses that name itself.")
        found = self.get(token=token, token_id=token_id)
        token_hash = self._hash(token, token_id)
        if found is None or token_hash is None or found.refusal is not None:
            return False
        changed = self._tokens.change_attributes(token_hash, attributes)
        self._revoking.attributes_changed(token_hash, found.exp)
        return changed

    def purge(self, *, batch: int = 1000, audit_older_than: timedelta | int | None = None) -> int:
        """Delete all expired rows, `batch` rows a statement; returns how many were deleted.

        Clients that nobody registered by hand go too, if nobody used them for `OAUTH_REGISTRATION_UNUSED_DAYS`. The audit
        trail stays, except entries that are older than `audit_older_than` (a `timedelta` or seconds).
        """
        deleted = purge_expired(self._database, batch=batch)
        unused_since = int(time.time()) - self._settings.registration_unused_days * 86400
        deleted += self._revoking.unused_clients(self._database, unused_since, batch=batch)
        if audit_older_than is not None:
            age = audit_older_than.total_seconds() if isinstance(audit_older_than, timedelta) else audit_older_than
            deleted += self._audit.purge(int(time.time() - age), batch=batch)
        return deleted

    def _hash(self, token: str | None, token_id: str | None) -> bytes | None:
        if token is not None:
            return token_key(token)
        if token_id is None or not re.fullmatch(r"[0-9a-f]{32}", token_id):
            return None
        return self._tokens.hash_of(bytes.fromhex(token_id))


def _by() -> str:
    return "an administrator" if has_request_context() and actor() is not None else "code"


def _position(after: str | None) -> tuple[int, bytes] | None:
    if after is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}\.[0-9a-f]{64}", after):
        raise ValueError("after is what an earlier page gave as next.")
    expires_at, _, token_hash = after.partition(".")
    return int(expires_at), bytes.fromhex(token_hash)

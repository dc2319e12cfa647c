"""`refresh_token`: a client exchanges a refresh token for a new access token (RFC 6749 section 6, RFC 9700 section 4.14).

Rotation is one guarded update: where two requests bring the same token, exactly one gets the successor. The other
request, and any later one with a spent token, revokes the approval, since one of the two senders is a thief.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Row

from ..config import OFFLINE_ACCESS
from ..config.permissions import with_implied
from ..crypto.hashing import sha256, token_key
from ..errors import (
    InvalidAuthorizationDetails,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    InvalidTarget,
    clean,
)
from ..permissions.scopes import names_of, still_allowed, without_offline_access
from ..stores.rotation import can_rotate_at_once, rotate_at_once
from ..stores.tokens import token_id_of
from ..tokens.issue import AlreadySpent, Approval, Issue
from ..tokens.issuing import token_response
from ..tokens.sign_in import AUTHORIZATION_DETAILS, confirmation_of, details_of
from .base import TokenGrant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..config import Settings
    from ..database.engine import Database
    from ..hooks import Hooks
    from ..permissions.resources import Resources
    from ..stores.approvals import ApprovalStore
    from ..stores.registered_client import Client
    from ..stores.tokens import TokenStore
    from ..tokens.issuing import Issuing
    from ..tokens.lifetimes import Lifetimes
    from ..tokens.revoking import Revoking
    from ..web.request import OAuthRequest


@dataclass(eq=False)
class RefreshTokenGrant(TokenGrant):
    """Checks and rotates in one statement, where the database can do that."""

    GRANT_TYPE = "refresh_token"
    REFUSED = "The refresh token is unknown, expired, revoked, or was given to another client."
    RECHECKS = True

    settings: Settings
    hooks: Hooks
    database: Database
    approvals: ApprovalStore
    tokens: TokenStore
    resources: Resources
    lifetimes: Lifetimes
    issuing: Issuing
    revoking: Revoking

    def decide(self, request: OAuthRequest, client: Client) -> Issue:
        """Every check that needs no write, in the RFC's order; then what to spend and issue, by `OAUTH_REFRESH_TOKENS`."""
        token = _presented(request)
        row = self.approvals.find_refresh_token(token_key(token))
        if row is None or not self.steps.is_its_own(client, row.client) or not self.lifetimes.is_live(row):
            raise InvalidGrantError(self.REFUSED)
        self.steps.check_key(request, row.claims, "refresh token")
        if row.spent_at is not None:  # before the scopes are checked: a theft is one whatever the request asks for
            raise AlreadySpent
        scopes = self._scopes(request, client, row)
        audience = self.steps.approved_audience(request, row.audience)
        details = self.steps.approved_details(request, client, row.claims)
        rotates = self.settings.refresh_tokens == "rotate"
        stored_salt = salt = os.urandom(32) if rotates and self.settings.refresh_token_grace else None
        if salt is not None and self.issuing.format_of(client, audience) == "jwt":
            salt = bound_to(salt, scopes, audience, details)
        preserves = self.settings.refresh_tokens == "preserve"
        token_hash, now = token_key(token), int(time.time())
        # A public client's is bound by the first proof that comes with it.
        proved = request.proved.confirmation if request.proved and client.is_public else None
        confirmation = confirmation_of(row.claims) or proved
        return self._of_approval(
            client,
            row,
            scopes=scopes,
            audience=audience,
            authorization_details=details,
            user=self.steps.user(row.subject, "refresh token"),
            spend=self.approvals.using(token_hash, now, sha256(as_text([confirmation])) if confirmation else None)
            if preserves
            else self.approvals.spending(token_hash, stored_salt, now),
            refresh_token_expires_at=row.expires_at if rotates else None,
            derive_from=None if salt is None else (token, salt, now),
        )

    def answer(self, request: OAuthRequest) -> dict[str, Any]:
        """As for every grant. Where the refresh token stays valid, the response names it again."""
        answer = super().answer(request)
        if self.settings.refresh_tokens == "preserve":
            answer.setdefault("refresh_token", request.form["refresh_token"])
        return answer

    def at_once(self, request: OAuthRequest) -> dict[str, Any] | None:
        """The answer by one statement; `None` where the database can't do that, or something has to be decided first."""
        token, client, settings = _presented(request), request.client, self.settings
        if (
            settings.refresh_tokens != "rotate"
            or request.payload.scope is not None
            or "resource" in request.payload.datalist
            or (settings.authorization_details and AUTHORIZATION_DETAILS in request.form)
            or self.resources.have_terms
            or self.hooks.token_attributes is not None
            or client.plan_in_force is not None
            or client.is_on_trial
            or self.steps.may_give_id_token(client)
            or self.issuing.format_of(client) != "opaque"
            or not can_rotate_at_once(self.database)
        ):
            return None
        salt = os.urandom(32) if settings.refresh_token_grace else None
        now = int(time.time())
        derive_from = None if salt is None else (token, salt, now)
        access_token, refresh_token = (self.issuing.new_value(derive_from, what, now) for what in ("access", "refresh"))
        token_hash = token_key(access_token)
        values = {
            "old_hash": token_key(token),
            "salt": salt,
            "token_hash": token_hash,
            "refresh_hash": token_key(refresh_token),
            "audience": self.resources.default_audience(),
            "grant_type": self.GRANT_TYPE,
            "expires_at": now + self.lifetimes.access_token_seconds(client, self.GRANT_TYPE),
            "scopes": " ".join((*still_allowed(client.scope, client, settings), OFFLINE_ACCESS)),
        }
        row = rotate_at_once(self.database, client, values, now, idle=settings.refresh_token_idle)
        if row is None:
            return None
        try:
            self.steps.user(row.subject, "refresh token")
        except (
            BaseException
        ):  # nobody gets the new tokens: where this user is there again, the client goes on with the old
            self.approvals.take_back(token_key(token), token_key(refresh_token), token_hash)
            raise
        self.steps.note_use(client)
        scopes, token_id = tuple(row.scope.split()), token_id_of(token_hash)
        self.issuing.announce(client, self.GRANT_TYPE, row.subject, scopes, token_id)
        return token_response(access_token, row.token_expires_at - now, row.scope, refresh_token, row.attributes)

    def spent_before(self, request: OAuthRequest) -> dict[str, Any]:
        """Answer a repeat of the last rotation as before, within `OAUTH_REFRESH_TOKEN_GRACE`; else revoke the approval."""
        self.steps.look_again_at(request.client)  # no statement that checks the client follows
        row = self.approvals.find_refresh_token(token_key(request.form["refresh_token"]))
        if row is None or row.spent_at is None:  # not spent: its approval ended after `decide` had read it
            raise InvalidGrantError(self.REFUSED)
        self.steps.check_key(request, row.claims, "refresh token")  # which may be bound only since `decide` had read it
        grace = self.settings.refresh_token_grace
        if grace and row.salt is not None and row.revoked_at is None and row.spent_at + grace >= int(time.time()):
            answer = self._successor(request, row)
            if answer is not None:
                return answer
        self.revoking.reused(row)
        raise InvalidGrantError(self.REFUSED)

    def _successor(self, request: OAuthRequest, row: Row[Any]) -> dict[str, Any] | None:
        """The answer of the last rotation; `None` where its tokens were used or revoked since.

        A JWT isn't stored, so another with the same contents is signed, where the request is the same. Any other
        request is no repeat.
        """
        client, salt = request.client, bytes(row.salt)
        scopes: tuple[str, ...] = ()
        audience: tuple[str, ...] = ()
        is_jwt = self.issuing.format_of(client) == "jwt"
        try:
            details = self.steps.approved_details(request, client, row.claims)
        except InvalidAuthorizationDetails:
            return None
        if is_jwt or self.resources.have_terms:
            try:
                audience = self.steps.approved_audience(request, row.audience)
                is_jwt = self.issuing.format_of(client, audience) == "jwt"
                scopes = self._scopes(request, client, row)
            except (InvalidScopeError, InvalidTarget):
                return None
        if is_jwt:
            salt = bound_to(salt, scopes, audience, details)
        derive_from = request.form["refresh_token"], salt, row.spent_at
        refresh_token = self.issuing.new_value(derive_from, "refresh", row.spent_at)
        following = self.approvals.find_refresh_token(token_key(refresh_token))
        if following is None or following.spent_at is not None:
            return None
        user = self.steps.user(row.subject, "refresh token")
        if is_jwt:
            again = self._of_approval(
                client, row, scopes=scopes, audience=audience, authorization_details=details, user=user,
                confirmation=request.proved and request.proved.confirmation,
            )  # fmt: skip
            return {**self.steps.issue(again), "refresh_token": refresh_token}
        access_token = self.issuing.new_value(derive_from, "access", row.spent_at)
        stored = self.tokens.find(token_key(access_token))
        if stored is None or stored.revoked_at is not None:
            return None
        if (confirmation_of(stored.claims) or {}) != (request.proved.confirmation if request.proved else {}):
            raise InvalidGrantError(
                "This refresh token was just exchanged for a token that is bound to another key: use its successor."
            )
        if "resource" in request.payload.datalist:
            audience = self.steps.approved_audience(request, row.audience)
            if set(audience) != set((stored.audience or "").split()):
                raise InvalidTarget(
                    "This refresh token was just exchanged for a token for other resources: use its successor."
                )
        given = details_of(stored.claims)
        if AUTHORIZATION_DETAILS in request.form and details is not None and as_text(details) != as_text(given):
            raise InvalidAuthorizationDetails(
                "This refresh token was just exchanged for a token with other details: use its successor."
            )
        left = max(0, stored.expires_at - int(time.time()))
        again = self._of_approval(client, row, scopes=tuple(stored.scope.split()), user=user)
        return self.steps.with_id_token(
            again,
            lambda: token_response(access_token, left, stored.scope, refresh_token, stored.attributes, stored.claims),
        )

    def _of_approval(self, client: Client, row: Row[Any], **more: Any) -> Issue:
        """What to issue: an access token of the refresh token's approval."""
        return Issue(
            client=client,
            grant_type=self.GRANT_TYPE,
            subject=row.subject,
            attributes=row.attributes,
            claims=row.claims,
            approval=Approval(
                key=row.family, scope=row.scope, expires_at=row.approval_expires_at, began_at=row.approved_at
            ),
            **more,
        )

    def _scopes(self, request: OAuthRequest, client: Client, row: Row[Any]) -> tuple[str, ...]:
        """The scopes that the request asks for; without any, all that were approved and the client may still have.

        Raises `InvalidScopeError` where the request asks for more than that.
        """
        approved = still_allowed(row.scope, client, self.settings)
        names = names_of(request.payload.scope or "", self.settings)
        if not names:
            return approved
        if OFFLINE_ACCESS not in approved:
            names = without_offline_access(names, self.settings)
        allowed = with_implied(frozenset(approved), self.settings.scope_implies)  # it may ask for less
        for name in names:
            if name not in allowed:
                self.steps.look_again_at(client)
                raise InvalidScopeError(
                    f"The scope '{clean(name, 60)}' is not one that the user approved, or that this client may still have."
                )
        return tuple(dict.fromkeys(names))


def bound_to(
    salt: bytes,
    scopes: tuple[str, ...],
    audience: tuple[str, ...],
    details: Sequence[Mapping[str, Any]] | None = None,
) -> bytes:
    """The salt of a JWT's successor. The JWT isn't stored, so the salt includes its scopes, audience and details."""
    further = f"\n{as_text(details)}" if details else ""
    return salt + sha256(f"{' '.join(scopes)}\n{' '.join(audience)}{further}")


def as_text(details: Sequence[Mapping[str, Any]]) -> str:
    """Authorization details, to be compared: the order of their fields makes no difference."""
    return json.dumps([*details], sort_keys=True)


def _presented(request: OAuthRequest) -> str:
    """The refresh token. Raises `InvalidRequestError` where there is none."""
    token = request.form.get("refresh_token")
    if token is None:
        raise InvalidRequestError("The parameter 'refresh_token' is missing.")
    return token

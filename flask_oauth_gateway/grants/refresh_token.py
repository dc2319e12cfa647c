"""`refresh_token`: a new access token for a refresh token (RFC 6749 section 6, RFC 9700 section 4.14).

Rotation is one guarded update: of two requests with the same token exactly one gets the successor. The other, and
whoever comes later with a token that is spent, ends the family: one of them is a thief.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

from authlib.oauth2.rfc6749.grants import RefreshTokenGrant as AuthlibGrant
from sqlalchemy.engine import Row

from ..crypto.hashing import sha256
from ..errors import InvalidGrantError, InvalidRequestError, InvalidScopeError, UnauthorizedClientError, clean
from ..permissions.scopes import is_in_plan, names_of
from ..signals import refresh_token_reused
from ..stores.families import FamilyStore
from ..stores.rotation import can_rotate_at_once, rotate_at_once
from ..tokens.issuing import (
    AlreadySpent,
    Approval,
    Issue,
    announce,
    derived,
    format_of,
    issue,
    lifetime_of,
    new_value,
    token_response,
)
from ..tokens.lifetimes import is_live
from ..tokens.opaque import token_id_of
from ..users.accounts import is_gone, load_user

GONE = "The user of this refresh token is gone."
REFUSED = "The refresh token is unknown, expired, revoked, or was given to another client."


class RefreshTokenGrant(AuthlibGrant):
    """Authlib's, with its checks and its write in one atomic statement."""

    TOKEN_ENDPOINT_AUTH_METHODS = None

    def validate_token_request(self) -> None:
        """Who calls, and that there is a token."""
        request = self.request
        client = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("This client is not registered for refresh_token.")
        token = request.form.get("refresh_token")
        if token is None:
            raise InvalidRequestError("The parameter 'refresh_token' is missing.")
        self.token = token

    def _look(self) -> Row[Any]:
        """The token's row, with every check that needs no write, in the RFC's order."""
        request, state = self.request, self.server.state
        row = self._find(self.token)
        if row is None or row.client != request.client.key:
            raise InvalidGrantError(REFUSED)
        if not is_live(state, row):
            raise InvalidGrantError(REFUSED)
        self.scopes: tuple[str, ...] = ()
        self.audience: tuple[str, ...] = ()
        if row.spent_at is None:  # a theft is one whatever it asks for
            self.scopes = self._scopes(row)
            self.audience = state.resources.resolve(request.payload.datalist.get("resource", ()), row.audience)
        return row

    def create_token_response(self) -> tuple[int, dict[str, Any], None]:
        state = self.server.state
        at_once = self._refresh_at_once()
        if at_once is not None:
            return 200, at_once, None
        row = self._look()
        if row.spent_at is not None:
            return 200, self._again_or_reused(row), None
        if is_gone(state, row.subject):
            raise InvalidGrantError(GONE)
        rotation = state.settings.refresh_tokens
        salt = os.urandom(32) if rotation == "rotate" and state.settings.refresh_token_grace else None
        token_hash = sha256(self.token)

        spend = FamilyStore.using(token_hash) if rotation == "preserve" else FamilyStore.spending(token_hash, salt)
        request = replace(
            self._issue(row),
            refresh_token_expires_at=row.expires_at if rotation == "rotate" else None,
            derive_from=None if salt is None else (self.token, salt),
        )
        try:
            answer = issue(state, request, spend)
        except AlreadySpent:
            return 200, self._again_or_reused(self._find(self.token)), None
        if rotation == "preserve":
            answer["refresh_token"] = self.token
        return 200, answer, None

    def _refresh_at_once(self) -> dict[str, Any] | None:
        """The answer in one statement, where the database can and nothing has to be decided first; else `None`."""
        request, state = self.request, self.server.state
        settings, client = state.settings, request.client
        if (
            settings.refresh_tokens != "rotate"
            or request.payload.scope is not None
            or "resource" in request.payload.datalist
            or state.hooks.token_attributes is not None
            or client.plan_in_force is not None
            or format_of(state, client) != "opaque"
            or not can_rotate_at_once(state.database)
        ):
            return None
        salt = os.urandom(32) if settings.refresh_token_grace else None
        derive_from = None if salt is None else (self.token, salt)
        token, refresh_token = (new_value(state, derive_from, what) for what in ("access", "refresh"))
        now = int(time.time())
        values = {
            "old_hash": sha256(self.token),
            "salt": salt,
            "token_hash": sha256(token),
            "refresh_hash": sha256(refresh_token),
            "audience": state.resources.default_audience(),
            "grant_type": self.GRANT_TYPE,
            "expires_at": now + lifetime_of(state, client, self.GRANT_TYPE),
        }
        row = rotate_at_once(state.database, client, values, idle=settings.refresh_token_idle)
        if row is None:
            return None
        if is_gone(state, row.subject):  # nobody has the successors
            state.families.revoke(bytes(row.family))
            raise InvalidGrantError(GONE)
        scopes = tuple(row.scope.split())
        announce(state, client, self.GRANT_TYPE, row.subject, scopes, token_id_of(values["token_hash"]))
        return token_response(token, row.token_expires_at - now, row.scope, refresh_token, row.attributes)

    def _issue(self, row: Row[Any]) -> Issue:
        """An access token of the same approval."""
        return Issue(
            client=self.request.client,
            grant_type=self.GRANT_TYPE,
            scopes=self.scopes,
            subject=row.subject,
            user=load_user(self.server.state, row.subject),
            audience=self.audience,
            attributes=row.attributes,
            claims=row.claims,
            approval=Approval(key=row.family, scope=row.scope, expires_at=row.family_expires_at, is_new=False),
        )

    def _find(self, token: str) -> Row[Any] | None:
        row: Row[Any] | None = self.server.state.families.find_refresh_token(sha256(token))
        return row

    def _scopes(self, row: Row[Any]) -> tuple[str, ...]:
        """What is asked for: no more than was approved and the plan has; left out, all. Raises `InvalidScopeError`."""
        client, settings = self.request.client, self.server.state.settings
        approved = tuple(name for name in row.scope.split() if is_in_plan(name, client, settings))
        asked = self.request.payload.scope
        if asked is None:
            return approved
        names = names_of(asked, settings)
        for name in names:
            if name not in approved:
                raise InvalidScopeError(
                    f"The scope '{clean(name, 60)}' is not one that the user approved, or this client's plan has."
                )
        return tuple(dict.fromkeys(names))

    def _again_or_reused(self, row: Row[Any] | None) -> dict[str, Any]:
        """The same successor to a repeat of the last rotation, where that is allowed; else the family ends."""
        state = self.server.state
        if row is None:
            raise InvalidGrantError(REFUSED)
        grace = state.settings.refresh_token_grace
        if grace and row.salt is not None and row.revoked_at is None and row.spent_at + grace >= int(time.time()):
            answer = self._successor(row)
            if answer is not None:
                return answer
        if state.families.revoke(row.family):
            state.forget_tokens()
            refresh_token_reused.send(state.app, client_id=row.client_id, subject=row.subject, count=1)
        raise InvalidGrantError(REFUSED)

    def _successor(self, row: Row[Any]) -> dict[str, Any] | None:
        """What the last rotation answered; `None` where that was used already, or revoked since."""
        state, salt = self.server.state, bytes(row.salt)
        refresh_token = derived(state, self.token, salt, "refresh")
        following = self._find(refresh_token)
        if following is None or following.spent_at is not None:
            return None
        access_token = derived(state, self.token, salt, "access")
        if format_of(state, self.request.client) == "jwt":  # which isn't stored: the same is said again
            return {**issue(state, self._issue(row)), "refresh_token": refresh_token}
        stored = state.tokens.find(sha256(access_token))
        if stored is None or stored.revoked_at is not None:
            return None
        left = max(0, stored.expires_at - int(time.time()))
        return token_response(access_token, left, stored.scope, refresh_token, stored.attributes)

"""`password`: the user's own password, through the client (RFC 6749 section 4.3). For moving old clients in; off by default.

The app checks the password (`@gateway.check_password`). A refusal is the same, and takes as long, whether the user is
unknown or the password wrong, and wrong ones are limited per user and per address.
"""

from __future__ import annotations

import time
from typing import Any

from authlib.oauth2.rfc6749.grants import ResourceOwnerPasswordCredentialsGrant as AuthlibGrant

from ..errors import InvalidGrantError, InvalidRequestError, UnauthorizedClientError
from ..hooks import subject_of
from ..permissions.scopes import resolve_scopes
from ..tokens.issuing import Approval, Issue, issue
from ..tokens.lifetimes import approval_ends, refresh_token_ends
from ..users.accounts import login_details
from ..web.addresses import neighbourhood_of

REFUSED = "The user name or the password is wrong."
MAX_PADDING = 1.0


class PasswordGrant(AuthlibGrant):
    """Authlib's, with the RFC's error for a wrong password (Authlib says invalid_request)."""

    TOKEN_ENDPOINT_AUTH_METHODS = None

    def validate_token_request(self) -> None:
        request, state = self.request, self.server.state
        client = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("This client is not registered for the password grant.")
        username, password = request.form.get("username"), request.form.get("password")
        if username is None or password is None:
            raise InvalidRequestError("The parameters 'username' and 'password' are needed.")
        self.scopes = resolve_scopes(request.payload.scope, client, state.settings)
        self.audience = state.resources.resolve(request.payload.datalist.get("resource", ()))
        self.user = self._check(username, password)

    def create_token_response(self) -> tuple[int, dict[str, Any], None]:
        state, client = self.server.state, self.request.client
        refresh_ends = refresh_token_ends(state, client)
        ends = approval_ends(state, client, self.GRANT_TYPE, refresh_ends)
        request = Issue(
            client=client,
            grant_type=self.GRANT_TYPE,
            scopes=self.scopes,
            subject=subject_of(self.user),
            user=self.user,
            claims=login_details(state, self.user) or None,
            audience=self.audience,
            approval=Approval.new(self.scopes, ends, self.audience),
            refresh_token_expires_at=refresh_ends,
        )
        return 200, issue(state, request), None

    def _check(self, username: str, password: str) -> Any:
        state = self.server.state
        if state.hooks.check_password is None:
            raise InvalidGrantError("This server checks no passwords: the app has no check_password hook.")
        identities = (f"user:{username}", f"address:{neighbourhood_of(state)}")
        state.rate_limiter.check("password", *identities)
        started = time.monotonic()
        user = state.hooks.check_password(username, password)
        elapsed = time.monotonic() - started
        state.slowest_password_check = max(state.slowest_password_check * 0.99, min(elapsed, MAX_PADDING))
        if user is None:
            state.rate_limiter.hit("password", *identities)
            time.sleep(max(0.0, state.slowest_password_check - elapsed))
            raise InvalidGrantError(REFUSED)
        return user

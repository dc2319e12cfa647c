"""`password`: the client sends the user's own password (RFC 6749 section 4.3). It helps to move old clients; off by default.

The app checks the password (`@gateway.check_password`). A refusal is the same, and takes as long, whether the user is
unknown or the password is wrong. Wrong passwords are limited per user and per address.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import InvalidGrantError, InvalidRequestError
from ..hooks import subject_of
from ..tokens.issue import Issue
from .base import TokenGrant

if TYPE_CHECKING:
    from ..hooks import Hooks
    from ..stores.registered_client import Client
    from ..users.accounts import Users
    from ..web.addresses import Addresses
    from ..web.rate_limits import RateLimiter
    from ..web.request import OAuthRequest

MAX_PADDING = 1.0


@dataclass(eq=False)
class PasswordGrant(TokenGrant):
    """Gives tokens for a user name and a password. A wrong password is `invalid_grant` (section 5.2)."""

    GRANT_TYPE = "password"
    REFUSED = "The user name or the password is wrong."

    hooks: Hooks
    users: Users
    rate_limiter: RateLimiter
    addresses: Addresses
    _slowest_check: float = field(default=0.0, init=False)  # seconds; every refusal takes about as long

    def decide(self, request: OAuthRequest, client: Client) -> Issue:
        username, password = request.form.get("username"), request.form.get("password")
        if username is None or password is None:
            raise InvalidRequestError("The parameters 'username' and 'password' are needed.")
        scopes = self.steps.scopes(request.payload.scope, client, has_user=True)
        audience = self.steps.audience(request)
        user = self._check(username, password)
        return Issue(
            client=client,
            grant_type=self.GRANT_TYPE,
            scopes=scopes,
            subject=subject_of(user),
            user=user,
            audience=audience,
            claims=self.steps.claims(request, client, user, self.users.login_details(user) or None),
            **self.steps.approval(client, self.GRANT_TYPE, " ".join(scopes), " ".join(audience) or None),
        )

    def _check(self, username: str, password: str) -> Any:
        if self.hooks.check_password is None:
            raise InvalidGrantError("This server checks no passwords: the app has no check_password hook.")
        who = (f"user:{username}", f"address:{self.addresses.neighbourhood()}")
        with self.rate_limiter.guess("password", dict.fromkeys(who, 1)) as guess:
            started = time.monotonic()
            user = self.hooks.check_password(username, password)
            guess.is_given_back = user is not None
        elapsed = time.monotonic() - started
        self._slowest_check = max(self._slowest_check * 0.99, min(elapsed, MAX_PADDING))
        if user is None:
            time.sleep(max(0.0, self._slowest_check - elapsed))
            raise InvalidGrantError(self.REFUSED)
        return user

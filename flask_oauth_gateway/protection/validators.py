"""Validates a presented token: one of this server's own, or one of another server that is trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import InvalidToken, UnknownToken
from ..tokens.access_token import MAX_TOKEN
from ..tokens.reading import is_jwt

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tokens.access_token import AccessToken
    from ..tokens.cache import TokenCache
    from ..tokens.reading import OwnTokens
    from ..users.accounts import Users
    from .plans import Plans
    from .trusted_issuers import TrustedTokens


class Validators:
    """Validates the tokens that an app takes.

    `own` is `None` in a resource server; `trusted` is `None` where no other server's tokens are taken. `checks_user`:
    the app's `load_user` is asked for each token's subject (`OAUTH_CHECK_USER`). `sub_of`: by which name a client
    (`client_id`) knows a user, where that may be another than the app's own.
    """

    def __init__(
        self,
        own: OwnTokens | None,
        trusted: TrustedTokens | None,
        users: Users,
        plans: Plans | None,
        cache: TokenCache | None,
        *,
        checks_user: bool,
        sub_of: Callable[[str, str], str] | None = None,
    ) -> None:
        self._own = own
        self._trusted = trusted
        self._users = users
        self._plans = plans
        self._cache = cache
        self._checks_user = checks_user
        self._sub_of = sub_of
        self.read: Callable[[str], AccessToken] = self._read

    def shortest(self) -> Callable[[str], AccessToken]:
        """The function that validates a token in as few steps as this app needs."""
        needs_more = self._trusted is not None or self._plans is not None or self._checks_user
        return self.validate if needs_more or self._own is None else self._own.read

    def validate(self, token: str) -> AccessToken:
        """The valid token that was presented. Raises `InvalidToken`; `TemporarilyUnavailable` where its issuer can't be asked."""
        if len(token) > MAX_TOKEN:
            raise InvalidToken("The access token is too long.")
        return self.check(self.read(token))

    def check(self, found: AccessToken) -> AccessToken:
        """Check a valid token's user, and apply its client's plan. Raises `InvalidToken`."""
        if self._checks_user and found.subject is not None and found.issuer == self._users.issuer:
            self._check_user(found.subject, found.client_id)
        if self._plans is not None and found.issuer is None:
            found = self._plans.of(found)
        return found

    def validate_own(self, token: str) -> AccessToken:
        """The valid token that was presented, if this server issued it. Raises `InvalidToken`, also for another server's."""
        found = self.validate(token)
        if found.issuer is not None:
            raise InvalidToken("The access token is not one of this server's.")
        return found

    def sub_of(self, client_id: str, subject: str | None) -> str | None:
        """The user of a token of this server's, as everybody but the app is told: by the name that its client knows.

        Raises `InvalidToken` where names differ and that client is gone.
        """
        return subject if subject is None or self._sub_of is None else self._sub_of(client_id, subject)

    def _check_user(self, subject: str, client_id: str) -> None:
        if self._users.load(subject) is None:
            raise InvalidToken("The user of this access token is gone.", client_id)

    def _read(self, token: str) -> AccessToken:
        return self._read_jwt(token) if is_jwt(token) else self._read_opaque(token)

    def _read_jwt(self, token: str) -> AccessToken:
        found = None if self._trusted is None else self._trusted.read_jwt(token, self._cache)
        if found is not None:
            return found
        if self._own is None:
            raise InvalidToken("The access token's issuer is not trusted here.")
        return self._own.read(token)

    def _read_opaque(self, token: str) -> AccessToken:
        if self._own is not None:
            try:
                return self._own.read(token)
            except UnknownToken:
                if self._trusted is None or not self._trusted.can_ask:
                    raise
        if self._trusted is None:  # never so in practice: each app has one of the two
            raise UnknownToken("The access token is not known here.")
        return self._trusted.read_opaque(token, self._cache)

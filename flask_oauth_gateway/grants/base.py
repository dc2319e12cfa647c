"""The steps that every grant goes through at the token endpoint, in their order (RFC 6749 section 5).

A grant's own file holds its own rules alone: `decide` looks and writes nothing, and what it returns is spent and stored in one
step. A check that comes to all grants is a line in `TokenGrant.answer`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from ..database.tables import new_approval_key
from ..errors import InvalidGrantError, UnauthorizedClientError
from ..permissions.scopes import resolve_scopes
from ..tokens.issuing import AlreadySpent, Approval, Issue
from ..web.answers import json_response

if TYPE_CHECKING:
    from flask import Response

    from ..authentication import ClientAuthentication
    from ..authorization.request import Authorization, Granted
    from ..config import Settings
    from ..permissions.resources import Resources
    from ..stores.clients import Client
    from ..tokens.issuing import Issuing
    from ..tokens.lifetimes import Lifetimes
    from ..users.accounts import Users
    from ..web.addresses import Addresses
    from ..web.rate_limits import RateLimiter
    from ..web.request import OAuthRequest


class GrantSteps:
    """What the steps are done with, for one app."""

    def __init__(
        self,
        settings: Settings,
        authentication: ClientAuthentication,
        limiter: RateLimiter,
        addresses: Addresses,
        resources: Resources,
        users: Users,
        lifetimes: Lifetimes,
        issuing: Issuing,
    ) -> None:
        self._settings = settings
        self._authentication = authentication
        self._addresses = addresses
        self._limiter = limiter if limiter.is_on("token") else None
        self._resources = resources
        self._users = users
        self._lifetimes = lifetimes
        self._issuing = issuing

    def authenticate(self, request: OAuthRequest, methods: tuple[str, ...] | None = None) -> Client:
        """Who calls. Raises `InvalidClient`, and `TooManyRequests` for one token too many of this client."""
        client = self._authentication.authenticate(request, methods)
        self.count(client)
        return client

    def count(self, client: Client) -> None:
        """Count a client's request for a token, after it has proved who it is: nobody uses up another's share."""
        if self._limiter is not None:
            self._limiter.spend("token", self._addresses.client_here(client.client_id))

    def scopes(self, request: OAuthRequest, client: Client) -> tuple[str, ...]:
        """What the request asks for, as far as the client may have it. Raises `InvalidScopeError`."""
        return resolve_scopes(request.payload.scope, client, self._settings)

    def audience(self, request: OAuthRequest, approved: str | None = None) -> tuple[str, ...]:
        """The resources that the token is for, of those that were approved (left out: of all that there are).

        Empty where none was asked for or approved. Raises `InvalidTarget` (RFC 8707 section 2.2).
        """
        asked = request.payload.datalist.get("resource", ())
        return self._resources.resolve(asked, approved) if asked or approved else ()

    def user(self, subject: str, what: str) -> Any:
        """The user of a subject, asked of the app once a request. Raises `InvalidGrantError` for one who is gone.

        `what` the user has approved, for the error: "code", "refresh token".
        """
        user = self._users.load(subject)
        if user is None and self._users.are_known():
            raise InvalidGrantError(f"The user of this {what} is gone.")
        return user

    def approval(
        self,
        client: Client,
        grant_type: str,
        scope: str,
        audience: str | None,
        *,
        key: bytes | None = None,
        refreshable: bool = True,
        lasts_until: int | None = None,
    ) -> dict[str, Any]:
        """What a user allowed, as members of an `Issue`: the approval, and when its refresh token ends.

        `key`: of an approval that began before, with a code. `lasts_until`: when the user wanted it to end, in seconds since
        1970.
        """
        refresh_ends = self._lifetimes.refresh_token_ends(client, lasts_until) if refreshable else None
        ends = self._lifetimes.approval_ends(client, grant_type, refresh_ends, lasts_until)
        return {
            "approval": Approval(key=key or new_approval_key(), scope=scope, expires_at=ends, audience=audience),
            "refresh_token_expires_at": refresh_ends,
        }

    def issue(self, request: Issue) -> dict[str, Any]:
        """Spend what is spent, store what is issued, and answer it. Raises `AlreadySpent` and `StaleClient`."""
        return self._issuing.issue(request)


class TokenGrant(ABC):
    """A grant that the token endpoint takes."""

    GRANT_TYPE: ClassVar[str]
    REFUSED: ClassVar[str] = "What the token was asked for was used before."
    METHODS: ClassVar[tuple[str, ...] | None] = None  # of client authentication; None: all that are on

    def __init__(self, steps: GrantSteps) -> None:
        self.steps = steps

    def respond(self, request: OAuthRequest) -> Response:
        """The token response (RFC 6749 section 5.1). Raises the RFC's errors, and `StaleClient`: then all begins anew."""
        return json_response(200, self.answer(request))

    def answer(self, request: OAuthRequest) -> dict[str, Any]:
        """The steps of a token request."""
        client = self.authenticate(request)
        try:
            return self.at_once(request) or self.steps.issue(self.decide(request, client))
        except AlreadySpent:
            return self.spent_before(request)

    def authenticate(self, request: OAuthRequest) -> Client:
        """Who calls, and that it is registered for this grant."""
        client = self.steps.authenticate(request, self.METHODS)
        self.check_registered(client)
        return client

    def check_registered(self, client: Client) -> None:
        """Raises `UnauthorizedClientError` where the client is not registered for this grant (RFC 6749 section 5.2)."""
        if not client.check_grant_type(self.GRANT_TYPE):
            name = self.GRANT_TYPE.rpartition(":")[2]
            raise UnauthorizedClientError(f"This client is not registered for {name}.")

    def at_once(self, request: OAuthRequest) -> dict[str, Any] | None:
        """The answer without `decide`, where one statement looks and acts; `None` where that can't be."""
        return None

    @abstractmethod
    def decide(self, request: OAuthRequest, client: Client) -> Issue:
        """The grant's own rules, in its RFC's order: what the token is to say, and what is spent for it.

        Raises the RFC's errors, and `AlreadySpent`. Writes nothing that a good request would need again.
        """

    def spent_before(self, request: OAuthRequest) -> dict[str, Any]:
        """What becomes of a request whose code, token or assertion was spent: by default a refusal."""
        raise InvalidGrantError(self.REFUSED)


class AuthorizationGrant(ABC):
    """A grant that the authorize endpoint answers."""

    @abstractmethod
    def authorize(self, authorization: Authorization, granted: Granted) -> dict[str, Any]:
        """What the client gets at its redirect URI, for what the user granted. Raises `StaleClient`."""

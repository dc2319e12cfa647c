"""The steps that every grant goes through at the token endpoint, in their order (RFC 6749 section 5).

A grant's own file holds only its own rules: `decide` checks and writes nothing; then one step spends the code or token
and stores the new tokens. A check for all grants is one line in `TokenGrant.answer`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..authorization.request import AuthorizationError
from ..config import OFFLINE_ACCESS
from ..config.openid import OPENID
from ..crypto.hashing import time_ordered_key
from ..errors import InvalidAuthorizationDetails, InvalidGrantError, InvalidScopeError, UnauthorizedClientError
from ..features.grants import DEVICE_CODE
from ..permissions.scopes import resolve_scopes
from ..tokens.issue import AlreadySpent, Approval, Issue, StaleClient
from ..tokens.sign_in import AUTHORIZATION_DETAILS, CNF, with_details
from ..users.accounts import UnreadableSubject
from ..web.answers import json_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response

    from ..authentication import ClientAuthentication
    from ..authorization.request import Authorization, Granted
    from ..config import Settings
    from ..oidc.id_token import IdTokens
    from ..permissions.details import AuthorizationDetails, Details
    from ..permissions.resources import Resources
    from ..proofs.binding import Binding
    from ..stores.last_used import LastUsed
    from ..stores.registered_client import Client
    from ..tokens.issuing import Issuing
    from ..tokens.lifetimes import Lifetimes
    from ..tokens.sign_in import Claims
    from ..users.accounts import Users
    from ..web.addresses import Addresses
    from ..web.rate_limits import RateLimiter
    from ..web.request import OAuthRequest
    from .bound import Proved


#: The grants that a user's sign-in here stands behind: with `openid` they give an ID token.
SIGN_INS = frozenset({"authorization_code", "refresh_token", DEVICE_CODE})


@dataclass(eq=False)
class GrantSteps:
    """The steps that grants share, with the parts of one app that they need."""

    _settings: Settings
    _authentication: ClientAuthentication
    _limiter: RateLimiter | None
    _addresses: Addresses
    _resources: Resources
    _users: Users
    _lifetimes: Lifetimes
    _issuing: Issuing
    _last_used: LastUsed
    _id_tokens: Callable[[], IdTokens] | None
    _details: AuthorizationDetails | None
    _binding: Binding | None

    def moment(self) -> int:
        """When a request begins: a revocation after this moment covers the token that is decided on."""
        return self._issuing.moment

    def authenticate(self, request: OAuthRequest, methods: tuple[str, ...] | None = None) -> Client:
        """The client that calls. Raises `InvalidClient`, and `TooManyRequests` where it asks for too many tokens."""
        request.meets_clients = True
        client = self._authentication.authenticate(request, methods)
        self.count(client)
        return client

    def count(self, client: Client) -> None:
        """Count a client's request for a token, after it proved who it is, so that no client uses up another's limit."""
        if self._limiter is not None:
            self._limiter.spend("token", self._addresses.client_here(client.client_id))

    def proved(self, client: Client) -> Proved | None:
        """Which key the current request proves; `None` where nothing is bound. Raises what `bound.prove` does."""
        if self._binding is None and not client.binds_tokens:
            return None
        from .bound import prove

        return prove(self._binding, self._settings, client, self.look_again_at)

    def is_its_own(self, client: Client, key: int) -> bool:
        """Whether a client is the one with this key, to which a code or token was given.

        Raises `StaleClient` where it was deleted and made anew since this process read it.
        """
        if key != client.key and self._authentication.is_replaced(client):
            raise StaleClient(client.client_id)
        return key == client.key

    def look_again_at(self, client: Client) -> None:
        """Before a client is refused something for how it is registered: raises `StaleClient` where it was changed since."""
        if self._authentication.is_changed(client):
            raise StaleClient(client.client_id)

    def scopes(self, asked: str | None, client: Client, *, has_user: bool = False) -> tuple[str, ...]:
        """The scopes that are asked for, or the client's own. Raises `InvalidScopeError` beyond what it may have.

        `has_user`: a user takes part, so that `offline_access` may ask for a refresh token.
        """
        offline = has_user and self._lifetimes.gives_refresh_tokens(client)
        try:
            return resolve_scopes(asked, client, self._settings, offline=offline)
        except InvalidScopeError:
            self.look_again_at(client)
            raise

    def audience(self, request: OAuthRequest) -> tuple[str, ...]:
        """The resources that the request asks for, if any. Raises `InvalidTarget` (RFC 8707 section 2.2)."""
        asked = request.payload.datalist.get("resource")
        return self._resources.resolve(asked) if asked else ()

    def approved_audience(self, request: OAuthRequest, approved: str | None) -> tuple[str, ...]:
        """The resources that the token is for: those of the `approved` ones that the request asks for, or all of them.

        Empty where no resource was asked for or approved. Raises `InvalidTarget` (RFC 8707 section 2.2).
        """
        asked = request.payload.datalist.get("resource", ())
        return self._resources.among(asked, approved) if asked or approved else ()

    def claims(self, request: OAuthRequest, client: Client, user: Any, claims: Claims = None) -> Claims:
        """`claims`, and the authorization details that a request without a page asks for (RFC 9396 section 6)."""
        asked = None if self._details is None else request.form.get(AUTHORIZATION_DETAILS)
        if self._details is None or asked is None:
            return claims
        return with_details(claims, self._details.decided(self._details.asked(asked, client), client, user))

    def approved_details(self, request: OAuthRequest, client: Client, claims: Claims) -> Details | None:
        """Of the authorization details in an approval's claims, those that the access token has (RFC 9396 section 6.1).

        `None` where there are none, and none are asked for. Raises `InvalidAuthorizationDetails` where more are.
        """
        approved = claims.get(AUTHORIZATION_DETAILS, ()) if claims else ()
        if self._details is None:  # its setting may have been emptied since
            return () if approved else None
        asked = request.form.get(AUTHORIZATION_DETAILS)
        return self._details.of_approved(approved, asked, client) if approved or asked is not None else None

    def user(self, subject: str, what: str) -> Any:
        """A subject's user, from the app's `load_user` hook. Raises `InvalidGrantError` where it is gone, or nobody can tell.

        `what` names in the error what the client sent: "code", "refresh token".
        """
        try:
            user = self._users.load_known(subject)
        except UnreadableSubject:
            raise InvalidGrantError(f"The app can't find the user of this {what} now.") from None
        if user is None and self._users.are_known():
            raise InvalidGrantError(f"The user of this {what} is gone.")
        return user

    def check_key(self, request: OAuthRequest, claims: Claims, what: str) -> None:
        """Raises `BoundElsewhere` where what a request brings is bound to a key, by its `claims`, that it doesn't prove."""
        if claims and CNF in claims:
            from .bound import check_key

            check_key(request, claims[CNF], what)

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
        sid: str | None = None,
    ) -> dict[str, Any]:
        """What a user allowed, as members of an `Issue`: the approval, and when its refresh token ends.

        `key`: that of an approval which began earlier, with a code. `lasts_until`: when the approval ends by the user's
        choice, in seconds since 1970. `sid`: the session in which it began; with `offline_access` it goes on without that
        (OIDC Back-Channel Logout section 2.7).
        """
        ends_with = sid if self._settings.logout_ends_tokens and OFFLINE_ACCESS not in scope.split() else None
        refresh_ends = self._lifetimes.refresh_token_ends(client, lasts_until) if refreshable else None
        ends = self._lifetimes.approval_ends(client, grant_type, refresh_ends, lasts_until, (audience or "").split())
        return {
            "approval": Approval(
                key=key or time_ordered_key(), scope=scope, expires_at=ends, audience=audience, sid=ends_with
            ),
            "refresh_token_expires_at": refresh_ends,
        }

    def issue(self, request: Issue, moment: int | None = None) -> dict[str, Any]:
        """Issue the token and return the members of the token response. Raises `AlreadySpent` and `StaleClient`."""
        self.note_use(request.client)
        return self.with_id_token(request, lambda: self._issuing.issue(request, moment))

    def note_use(self, client: Client) -> None:
        """Note that a client was used, where nobody registered it by hand: others are never deleted for want of use."""
        if client.origin is not None:
            self._last_used.note_client(client)

    def with_id_token(self, request: Issue, answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The token response that `answer` makes, with an ID token where the scopes ask for one (OIDC Core section 3.1.3.3).

        Whatever of that may fail is done before.
        """
        if self._id_tokens is None or OPENID not in request.scopes or request.grant_type not in SIGN_INS:
            return answer()
        make_id_token = self._id_tokens().prepare(request)
        response = answer()
        return {**response, "id_token": make_id_token(response["access_token"], None)}

    def may_give_id_token(self, client: Client) -> bool:
        """Whether OpenID Connect is on, and this client may sign users in by it."""
        return self._id_tokens is not None and OPENID in client.scopes


@dataclass(eq=False)
class TokenGrant(ABC):
    """A grant that the token endpoint takes."""

    GRANT_TYPE: ClassVar[str]
    REFUSED: ClassVar[str] = "What the token was asked for was used before."
    METHODS: ClassVar[tuple[str, ...] | None] = None  # the methods of client authentication; None: all that are on
    #: Whether the client may have been read minutes ago: what it is refused for its registration is then looked at anew.
    RECHECKS: ClassVar[bool] = False

    steps: GrantSteps

    def respond(self, request: OAuthRequest) -> Response:
        """The token response (RFC 6749 section 5.1). Raises the RFC's errors, and `StaleClient`, to begin anew."""
        return json_response(200, self.answer(request))

    def answer(self, request: OAuthRequest) -> dict[str, Any]:
        """Take the steps of a token request, and return the members of the token response."""
        moment = self.steps.moment()
        client = self.authenticate(request)
        proved = request.proved = self.steps.proved(client)
        try:
            if proved is not None:
                return proved.answer(self, request, client, moment)
            try:
                return self.at_once(request) or self.steps.issue(self.decide(request, client), moment)
            except AlreadySpent:
                return self.spent_before(request)
        except (
            InvalidGrantError,
            InvalidAuthorizationDetails,
            AuthorizationError,
        ):  # one that is gone since it was read hears that, and nothing else
            self.steps.look_again_at(client)
            raise

    def authenticate(self, request: OAuthRequest) -> Client:
        """The client that calls, if it is registered for this grant."""
        request.client_is_rechecked = self.RECHECKS
        client = self.steps.authenticate(request, self.METHODS)
        self.check_registered(client)
        return client

    def check_registered(self, client: Client) -> None:
        """Raises `UnauthorizedClientError` where the client is not registered for this grant (RFC 6749 section 5.2)."""
        if self.GRANT_TYPE not in client.grant_types:
            self.steps.look_again_at(client)
            name = self.GRANT_TYPE.rpartition(":")[2]
            raise UnauthorizedClientError(f"This client is not registered for {name}.")

    def at_once(self, request: OAuthRequest) -> dict[str, Any] | None:
        """The answer without `decide`, where one statement can check and write; `None` where it can't."""
        return None

    @abstractmethod
    def decide(self, request: OAuthRequest, client: Client) -> Issue:
        """Check the grant's own rules, in its RFC's order, and return what to issue.

        Raises the RFC's errors, and `AlreadySpent`. Writes nothing that a valid request would need again.
        """

    def spent_before(self, request: OAuthRequest) -> dict[str, Any]:
        """Answer a request whose code, token or assertion was spent before: by default with a refusal."""
        raise InvalidGrantError(self.REFUSED)


class AuthorizationGrant(ABC):
    """A grant that the authorize endpoint answers."""

    @abstractmethod
    def authorize(self, authorization: Authorization, granted: Granted) -> dict[str, Any]:
        """The parameters that the client gets at its redirect URI for what the user allowed. Raises `StaleClient`."""

"""What the JWT and the SAML bearer grant have in common (RFC 7521 section 4.1): an assertion is traded for a token, once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

from authlib.oauth2.rfc6749.grants import BaseGrant, TokenEndpointMixin

from ..assertions.assertion import Assertion, AssertionRefused, token_endpoint
from ..authentication import authenticate, presents_credentials
from ..errors import (
    AssertionNotAccepted,
    InvalidClient,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
    clean,
)
from ..permissions.scopes import names_of, resolve_scopes
from ..signals import assertion_rejected
from ..stores.once import OnceStore
from ..tokens.issuing import AlreadySpent, Approval, Issue, issue
from ..tokens.lifetimes import approval_ends, refresh_token_ends
from ..users.accounts import knows_users, load_user
from ..web.environ import CLIENT
from ..web.issuer import issuer_of

if TYPE_CHECKING:
    from ..assertions.jwt import TrustedIssuer
    from ..stores.clients import Client

logger = logging.getLogger(__name__)

MAX_ASSERTION = 65536


class AssertionGrant(BaseGrant, TokenEndpointMixin):
    """Authlib's JWTBearerGrant takes replays, any lifetime and a wrong client authentication: only its base serves here."""

    TOKEN_ENDPOINT_AUTH_METHODS = None
    KIND = ""

    def verify(self, assertion: str) -> tuple[Assertion, TrustedIssuer]:
        """The assertion, checked, and who issued it. Raises `AssertionRefused`."""
        raise NotImplementedError

    def validate_token_request(self) -> None:
        """Every check that needs no write: who calls, what is asserted, whose the token would be, what it may do."""
        request, state = self.request, self.server.state
        presented = request.form.get("assertion")
        if presented is None:
            raise InvalidRequestError("The parameter 'assertion' is missing.")
        if len(presented) > MAX_ASSERTION:
            raise InvalidRequestError("The assertion is longer than 64 KiB.")
        caller = authenticate(state, request) if presents_credentials(request) else None
        try:
            self.check(presented.rstrip("\r\n"), caller)  # the end of the file that it was sent from
        except AssertionRefused as error:
            self._refuse(str(error))

    def check(self, presented: str, caller: Client | None) -> None:
        """What there is to check of an assertion that this client, or nobody in particular, brings.

        Raises `AssertionRefused`, or an OAuth error where the assertion is good and what is asked for can't be given.
        """
        self.assertion, trusted = self.verify(presented)
        client = self._client(trusted, caller)
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("The client is not registered for this grant.")
        self.server.count(client)
        self.user = None
        self.subject = self._subject(trusted)
        self.request.client = self.request.environ[CLIENT] = client
        self.scopes = self._scopes(client, trusted)
        self.audience = self.server.state.resources.resolve(self.request.payload.datalist.get("resource", ()))

    def create_token_response(self) -> tuple[int, dict[str, Any], None]:
        state, client = self.server.state, self.request.client
        refresh_ends, approval = None, None
        if self.subject is not None:
            refresh_ends = refresh_token_ends(state, client)
            ends = approval_ends(state, client, self.GRANT_TYPE, refresh_ends)
            approval = Approval.new(self.scopes, ends, self.audience)

        request = Issue(
            client=client,
            grant_type=self.GRANT_TYPE,
            scopes=self.scopes,
            subject=self.subject,
            user=self.user,
            audience=self.audience,
            attributes=self.token_attributes(),
            approval=approval,
            refresh_token_expires_at=refresh_ends,
        )
        spend = OnceStore.claiming(self.assertion.replay_key, self.assertion.expires_at)
        try:
            return 200, issue(state, request, spend), None
        except AlreadySpent:
            self._refuse("it was used before")

    def token_attributes(self) -> dict[str, Any] | None:
        """What of the assertion is kept with the token."""
        return None

    def audiences(self) -> frozenset[str]:
        """What an assertion for this server may call it: its issuer, or the token endpoint's URL."""
        state = self.server.state
        return frozenset((issuer_of(state), token_endpoint(state)))

    def _client(self, trusted: TrustedIssuer, caller: Client | None) -> Client:
        """Whose token it becomes: the issuer's own client, else whoever authenticated."""
        named = self.request.form.get("client_id")
        if trusted.client_id is None:
            if caller is None:
                raise InvalidClient(
                    "an assertion of an issuer without a client of its own, and no client authentication"
                )
            return caller
        other = caller.client_id if caller is not None else named
        if other not in (None, trusted.client_id):
            raise AssertionRefused(f"it belongs to the client {trusted.client_id!r}; {other[:60]!r} brought it")
        client: Client | None = caller or self.server.state.clients.get(trusted.client_id)
        if client is None or not client.enabled:
            raise AssertionRefused(f"the client {trusted.client_id!r} of its issuer is unknown or disabled")
        return client

    def _subject(self, trusted: TrustedIssuer) -> str | None:
        """The subject it stands for, through `map_assertion`; `None` for a client that speaks for itself."""
        state = self.server.state
        if self.assertion.subject is None and not trusted.is_client:
            raise AssertionRefused("it names no subject (sub)")
        if state.hooks.map_assertion is not None:
            mapped = state.hooks.map_assertion(self.assertion)
            if mapped is None:
                raise AssertionRefused("map_assertion refused it")
            subject: str | None = str(mapped)
        else:
            subject = self.assertion.subject
        if subject is None or (trusted.is_client and subject == trusted.client_id):
            return None  # no user takes part
        try:
            self.user = load_user(state, subject)
        except ValueError as error:  # an app whose users are numbers, and a subject that is none: int("alice")
            raise AssertionRefused(f"load_user can't read its subject {subject[:60]!r}: {error}") from error
        if self.user is None and knows_users(state):
            raise AssertionRefused(f"load_user doesn't know its subject {subject[:60]!r}")
        return subject

    def _scopes(self, client: Client, trusted: TrustedIssuer) -> tuple[str, ...]:
        """What is asked for, in the request or the assertion, as far as the client and the issuer may have it.

        Where both name scopes, what the issuer signed is the most that the request may ask for.
        """
        asked, signed = self.request.payload.scope, self.assertion.scope
        beyond = (
            []
            if asked is None or signed is None
            else [name for name in names_of(asked, self.server.state.settings) if name not in signed.split(" ")]
        )
        if beyond:
            raise InvalidScopeError(f"The scope '{clean(beyond[0], 60)}' is not one that the assertion names.")
        asked = asked or signed
        scopes = resolve_scopes(asked, client, self.server.state.settings)
        if trusted.scopes is None:
            return scopes
        beyond = [name for name in scopes if name not in trusted.scopes]
        if beyond and asked is not None:
            raise InvalidScopeError(f"The scope '{beyond[0]}' is not one that the issuer of the assertion may give.")
        return tuple(name for name in scopes if name in trusted.scopes)

    def _refuse(self, reason: str) -> NoReturn:
        """One short answer, whatever was wrong; the log says what."""
        logger.warning("A %s assertion was refused: %s.", self.KIND, reason)
        client_id = None if self.request.client is None else self.request.client.client_id
        assertion_rejected.send(self.server.state.app, kind=self.KIND, reason=reason, client_id=client_id)
        raise AssertionNotAccepted(reason)

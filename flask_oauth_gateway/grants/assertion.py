"""The rules that the JWT and the SAML bearer grant share: an assertion is exchanged for a token, once (RFC 7521 section 4.1)."""

from __future__ import annotations

import logging
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from ..assertions.assertion import Assertion, AssertionRefused
from ..assertions.identity_grant import check_identity_grant, resources_of
from ..config import OFFLINE_ACCESS
from ..errors import AssertionNotAccepted, InvalidClient, InvalidRequestError, InvalidScopeError, clean
from ..hooks import UnusableSubject, checked_subject
from ..permissions.scopes import names_of, still_allowed
from ..signals import assertion_rejected
from ..stores.once import OnceStore
from ..tokens.issue import Issue
from ..tokens.owners import is_clients_own
from ..web.environ import CLIENT
from .base import TokenGrant

if TYPE_CHECKING:
    from flask import Flask

    from ..assertions.jwt import TrustedIssuer
    from ..authentication import ClientAuthentication
    from ..config import Settings
    from ..hooks import Hooks
    from ..permissions.resources import Resources
    from ..stores.clients import ClientStore
    from ..stores.registered_client import Client
    from ..tokens.sign_in import Claims
    from ..users.accounts import Users
    from ..web.issuer import Issuer
    from ..web.request import OAuthRequest

logger = logging.getLogger(__name__)

MAX_ASSERTION = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A valid assertion, with the client and the user of the token that is given for it, and what the token may do."""

    assertion: Assertion
    trusted: TrustedIssuer
    client: Client
    subject: str | None
    user: Any
    scopes: tuple[str, ...]
    audience: tuple[str, ...]


@dataclass(eq=False)
class AssertionGrant(TokenGrant):
    """The rules for every kind of assertion; `verify` has the rules for one kind."""

    KIND: ClassVar[str]

    app: Flask
    settings: Settings
    hooks: Hooks
    authentication: ClientAuthentication
    clients: ClientStore
    users: Users
    issuer: Issuer
    resources: Resources

    @abstractmethod
    def verify(self, assertion: str, audience: frozenset[str]) -> tuple[Assertion, TrustedIssuer]:
        """The verified assertion and its issuer. `audience`: the names that it may have for us. Raises `AssertionRefused`."""

    def attributes(self, checked: Checked) -> dict[str, Any] | None:
        """The assertion's attributes that are kept with the token."""
        return None

    def authenticate(self, request: OAuthRequest) -> Client:
        """The client that gets the token. Where the assertion's issuer has a client, the request needs no other credentials."""
        presented = request.form.get("assertion")
        if presented is None:
            raise InvalidRequestError("The parameter 'assertion' is missing.")
        if len(presented) > MAX_ASSERTION:
            raise InvalidRequestError("The assertion is longer than 64 KiB.")
        request.meets_clients = True
        authenticates = self.settings.in_profile.clients_authenticate or self.authentication.is_tried(request)
        caller = self.authentication.authenticate(request) if authenticates else None
        try:
            # A line break at the end comes from the file that the assertion was read from.
            checked = request.assertion = self.check(request, presented.rstrip("\r\n"), caller)
        except AssertionRefused as error:
            self._refuse(request, str(error))
        return checked.client

    def check(self, request: OAuthRequest, presented: str, caller: Client | None) -> Checked:
        """Check everything about an assertion; `caller` is the client that authenticated, if any.

        Raises `AssertionRefused`, or an OAuth error where the assertion is valid but doesn't allow what the request
        asks for.
        """
        audience = frozenset((self.issuer.identifier(), *self.issuer.token_endpoints()))
        assertion, trusted = self.verify(presented, audience)
        client = self._client(request, trusted, caller)
        self.check_registered(client)
        if trusted.id_jag:
            check_identity_grant(assertion.claims, self.issuer.identifier(), client.client_id)
        self.steps.count(client)
        subject, user = self._subject(assertion, trusted)
        request.client = request.environ[CLIENT] = client
        return Checked(
            assertion=assertion,
            trusted=trusted,
            client=client,
            subject=subject,
            user=user,
            scopes=self._scopes(request, client, assertion, trusted, has_user=subject is not None),
            audience=self._audience(request, assertion, trusted),
        )

    def decide(self, request: OAuthRequest, client: Client) -> Issue:
        checked: Checked = request.assertion
        approval: dict[str, Any] = {}
        if checked.subject is not None:
            scope, audience = " ".join(checked.scopes), " ".join(checked.audience) or None
            refreshable = not checked.trusted.id_jag  # the identity provider decides anew each time
            approval = self.steps.approval(client, self.GRANT_TYPE, scope, audience, refreshable=refreshable)
        return Issue(
            client=client,
            grant_type=self.GRANT_TYPE,
            scopes=checked.scopes,
            subject=checked.subject,
            user=checked.user,
            audience=checked.audience,
            attributes=self.attributes(checked),
            claims=self._claims(request, checked),
            spend=OnceStore.claiming(checked.assertion.replay_key, checked.assertion.expires_at),
            **approval,
        )

    def _claims(self, request: OAuthRequest, checked: Checked) -> Claims:
        """What is kept with the token: the authorization details. An ID-JAG names the most that it gives, and has none."""
        if checked.trusted.id_jag:
            self.steps.approved_details(request, checked.client, None)
            return None
        return self.steps.claims(request, checked.client, checked.user)

    def spent_before(self, request: OAuthRequest) -> dict[str, Any]:
        """Refuse the assertion: each is valid only once."""
        self._refuse(request, "it was used before")

    def _client(self, request: OAuthRequest, trusted: TrustedIssuer, caller: Client | None) -> Client:
        """The client that gets the token: the issuer's own client, else the one that authenticated."""
        named = request.form.get("client_id")
        if trusted.client_id is None:
            if caller is None:
                raise InvalidClient(
                    "an assertion of an issuer without a client of its own, and no client authentication"
                )
            return caller
        other = caller.client_id if caller is not None else named
        if other not in (None, trusted.client_id):
            raise AssertionRefused(f"it belongs to the client {trusted.client_id!r}; {other[:60]!r} brought it")
        client = caller or self.clients.get(trusted.client_id)
        if client is None or not client.enabled:
            raise AssertionRefused(f"the client {trusted.client_id!r} of its issuer is unknown or disabled")
        return client

    def _audience(self, request: OAuthRequest, assertion: Assertion, trusted: TrustedIssuer) -> tuple[str, ...]:
        """The resources that the request asks for; of an ID-JAG, those that it names, and no other."""
        named = self.resources.resolve(resources_of(assertion.claims)) if trusted.id_jag else ()
        return self.steps.approved_audience(request, " ".join(named)) if named else self.steps.audience(request)

    def _subject(self, assertion: Assertion, trusted: TrustedIssuer) -> tuple[str | None, Any]:
        """The assertion's subject, through `map_assertion`, and its user; both `None` where the client is the subject."""
        if assertion.subject is None and not trusted.is_client:
            raise AssertionRefused("it names no subject (sub)")
        subject = assertion.subject
        if self.hooks.map_assertion is not None:
            mapped = self.hooks.map_assertion(assertion)
            if mapped is None:
                raise AssertionRefused("map_assertion refused it")
            try:
                subject = checked_subject(mapped)
            except UnusableSubject as error:
                raise AssertionRefused(f"map_assertion: {error}") from error
        elif assertion.kind == "jwt" and not trusted.is_client and is_clients_own(assertion.claims):
            raise AssertionRefused("it is a client's own token, and no user's: map_assertion may say whose it is")
        if subject is None or (trusted.is_client and subject == trusted.client_id):
            return None, None  # no user takes part
        user = self.users.load(subject)
        if user is None and self.users.are_known():
            raise AssertionRefused(f"load_user doesn't know its subject {subject[:60]!r}")
        return subject, user

    def _scopes(
        self, request: OAuthRequest, client: Client, assertion: Assertion, trusted: TrustedIssuer, *, has_user: bool
    ) -> tuple[str, ...]:
        """The scopes that the request or the assertion asks for, as far as the client and the issuer may have them.

        Where both name scopes, the request may ask only for those that the assertion names.
        """
        asked = names_of(request.payload.scope or "", self.settings)
        signed = names_of(assertion.scope or "", self.settings)
        if trusted.id_jag and assertion.claims.get("scope") is not None:  # an empty one is no leave for all of them
            signed = self._within(signed, client, trusted)
        elif not trusted.is_client and self.settings.scopes.keys().isdisjoint(signed):
            signed = []  # other servers write scopes of their own into their tokens
        elif not trusted.is_client:
            signed = [name for name in signed if name in self.settings.scopes or name == OFFLINE_ACCESS]
        beyond = [name for name in asked if name not in (OFFLINE_ACCESS, *signed)] if signed else []
        if beyond:
            raise InvalidScopeError(f"The scope '{clean(beyond[0], 60)}' is not one that the assertion names.")
        asked = asked or signed
        offline = has_user and not trusted.id_jag
        scopes = self.steps.scopes(" ".join(asked) or None, client, has_user=offline)
        if trusted.scopes is None:
            return scopes
        given = trusted.scopes | {OFFLINE_ACCESS}  # no scope of an issuer's: it asks for a refresh token
        beyond = [name for name in scopes if name not in given]
        if beyond and asked:
            raise InvalidScopeError(f"The scope '{beyond[0]}' is not one that the issuer of the assertion may give.")
        return tuple(name for name in scopes if name in given)

    def _within(self, signed: list[str], client: Client, trusted: TrustedIssuer) -> list[str]:
        """Those scopes of an ID-JAG that may be given. Raises `InvalidScopeError` where there are none: it lets in to nothing."""
        allowed = still_allowed(" ".join(signed), client, self.settings)
        given = self.settings.scopes.keys() if trusted.scopes is None else trusted.scopes
        found = [name for name in allowed if name in given]
        if not found:
            self.steps.look_again_at(client)
            raise InvalidScopeError("The assertion names no scope that this client may have.")
        return found

    def _refuse(self, request: OAuthRequest, reason: str) -> NoReturn:
        """Raise the one error that the client gets; the log says what was wrong."""
        logger.warning("A %s assertion was refused: %s.", self.KIND, reason)
        client_id = None if request.client is None else request.client.client_id
        assertion_rejected.send(self.app, kind=self.KIND, reason=reason, client_id=client_id)
        raise AssertionNotAccepted(reason)

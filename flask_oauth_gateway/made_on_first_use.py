"""The parts of an authorization server that are made on first use: apps that never need one never load its module."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from .config.openid import PAIRWISE
from .resource_server import Server
from .tokens.access_token import RESERVED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .assertions.jwt import JwtAssertions
    from .assertions.saml_issuers import SamlAssertions
    from .authentication.failures import Failures
    from .authorization.encryption_keys import EncryptionKeys
    from .authorization.pushed import PushedRequests
    from .authorization.signed_answer import SignedAnswers
    from .authorization.signed_requests import SignedRequests
    from .clients.developers.apps import UserApps
    from .clients.keys import ClientKeys
    from .clients.registration import Registrations
    from .clients.registry import ClientRegistry
    from .crypto.sealing import Sealing
    from .database.engine import Database
    from .oidc.client_algorithms import ClientAlgorithms
    from .oidc.provider import OpenidProvider
    from .stores.approvals import ApprovalStore
    from .stores.clients import ClientStore
    from .stores.keys import KeyStore
    from .stores.last_used import LastUsed
    from .stores.once import OnceStore
    from .stores.registration.registration_tokens import RegistrationTokenStore
    from .stores.revocations import RevocationStore
    from .stores.tokens import TokenStore
    from .tokens.issuing import Issuing
    from .tokens.jwt import JwtTokens
    from .tokens.personal.leaked import Leaks
    from .tokens.personal.making import PersonalTokens
    from .tokens.reading import OwnTokens
    from .tokens.revoked import Revoked
    from .tokens.revoking import Revoking
    from .tokens.signing_keys import KeyRing
    from .web.rate_limits import RateLimiter


class MadeOnFirstUse(Server):
    """Makes each of these parts from the server's others, which `AuthorizationServer` makes."""

    approvals: ApprovalStore
    database: Database
    issuing: Issuing
    rate_limiter: RateLimiter
    own_tokens: OwnTokens
    tokens: TokenStore
    clients: ClientStore
    client_keys: ClientKeys
    client_registry: ClientRegistry
    failures: Failures
    keys: KeyStore
    last_used: LastUsed
    once: OnceStore
    revocations: RevocationStore
    revoked: Revoked
    revoking: Revoking
    sealing: Sealing
    grants: Mapping[str, Any]

    @cached_property
    def registration_tokens(self) -> RegistrationTokenStore:
        """The initial access tokens of dynamic registration."""
        from .stores.registration.registration_tokens import RegistrationTokenStore

        return RegistrationTokenStore(self.database)

    @cached_property
    def personal_tokens(self) -> PersonalTokens:
        """The tokens that users make for themselves."""
        from .stores.personal.tokens import PersonalTokenStore
        from .tokens.personal.making import PersonalTokens

        return PersonalTokens(
            self.app, self.settings, self.hooks, self.clients, self.resources, self.issuing, self.revoked, self.revoking,
            PersonalTokenStore(self.database),
        )  # fmt: skip

    @cached_property
    def leaks(self) -> Leaks:
        """Ends tokens that were found where they aren't safe."""
        from .tokens.personal.leaked import Leaks

        def count(client_id: str) -> None:  # by address too: nobody keeps others from reporting what leaked
            self.rate_limiter.spend("revoke", f"leaks of {self.addresses.client_here(client_id)}")

        return Leaks(self.tokens, self.approvals, self.clients, self.own_tokens, self.revoking, count)

    @cached_property
    def client_algorithms(self) -> ClientAlgorithms:
        """What makes the keys of the algorithms that clients register."""
        from .oidc.client_algorithms import ClientAlgorithms

        return ClientAlgorithms(self.app, self.clients, lambda: self.key_ring)

    @cached_property
    def signed_answers(self) -> SignedAnswers:
        """Signs the answers of the authorize endpoint."""
        from .authorization.signed_answer import SignedAnswers

        return SignedAnswers(self.settings, lambda: self.key_ring)

    @cached_property
    def pushed_requests(self) -> PushedRequests:
        """The authorization requests that clients push."""
        from .authorization.pushed import PushedRequests
        from .stores.pushed_requests import PushedRequestStore

        return PushedRequests(PushedRequestStore(self.database), self.settings.par_lifetime)

    @cached_property
    def signed_requests(self) -> SignedRequests:
        """Reads the authorization requests that clients sign."""
        from .authorization.signed_requests import load_signed_requests

        return load_signed_requests(
            self.settings, self.issuer, self.clients, self.client_keys, self.failures, self.last_used, self.once,
            self.encryption_keys.decrypt if self.settings.request_encryption else None,
        )  # fmt: skip

    @cached_property
    def key_ring(self) -> KeyRing:
        """The keys that sign."""
        from .tokens.signing_keys import KeyRing

        return KeyRing(self.app, self.settings, self.keys, self.sealing, self.revoked, self.revoking)

    @cached_property
    def encryption_keys(self) -> EncryptionKeys:
        """The keys to which clients encrypt their requests."""
        from .authorization.encryption_keys import EncryptionKeys

        return EncryptionKeys(self.app, self.settings, self.keys, self.sealing)

    @cached_property
    def jwts(self) -> JwtTokens:
        """Signs and reads this server's own JWTs."""
        from .tokens.jwt import JwtTokens

        sub_of = self.openid.subjects.of if PAIRWISE in self.settings.subject_types else None
        return JwtTokens(self.issuer, self.key_ring, self.revoked, self.users, self.sealing, sub_of)

    @cached_property
    def openid(self) -> OpenidProvider:
        """The parts of an OpenID provider."""
        from .oidc.provider import OpenidProvider

        return OpenidProvider(
            self.app, self.settings, self.hooks, self.issuer, self.database, self.revocations, self.clients, self.client_keys,
            self.revoking, lambda: self.key_ring,
        )  # fmt: skip

    @cached_property
    def registrations(self) -> Registrations:
        """What programs register by themselves."""
        from .assertions.software_statement import statements_of
        from .clients.registration import Registrations

        return Registrations(
            self.app, self.settings, self.hooks, self.database, self.clients, self.client_registry, self.sealing, self.grants,
            lambda: self.registration_tokens, statements_of(self.settings, relaxed=self.app.debug or self.app.testing),
        )  # fmt: skip

    @cached_property
    def user_apps(self) -> UserApps:
        """The apps that users register for themselves."""
        from .clients.developers.apps import UserApps
        from .stores.registration.user_apps import UserAppStore

        store = UserAppStore(self.database, self.clients, self.revocations)
        return UserApps(
            self.app, self.settings, self.clients, self.client_registry, store, self.sealing, self.revoking.forget
        )

    @cached_property
    def jwt_assertions(self) -> JwtAssertions:
        """Verifies JWT assertions."""
        from .assertions.jwt import JwtAssertions, load_jwt_issuers

        settings, relaxed = self.settings, self.app.debug or self.app.testing
        axway = settings.compatibility == "axway"
        issuers = load_jwt_issuers(settings.jwt_issuers, settings, relaxed=relaxed)
        return JwtAssertions(
            issuers, self.clients, self.client_keys,
            skew=settings.clock_skew, numeric_strings=axway, algorithms=settings.in_profile.algorithms,
        )  # fmt: skip

    @cached_property
    def saml_assertions(self) -> SamlAssertions:
        """Verifies SAML assertions."""
        from .assertions.saml_issuers import SamlAssertions, load_saml_issuers

        issuers = load_saml_issuers(self.settings.saml_issuers, self.settings.scopes, RESERVED)
        return SamlAssertions(issuers, self.clients, skew=self.settings.clock_skew)

"""Makes every part of an authorization server and joins them. No part below this file sees the whole."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from .authentication import ClientAuthentication
from .authentication.assertion import AssertionAuthentication
from .authentication.failures import Failures
from .authentication.secret import SecretAuthentication
from .authorization.checks import AuthorizationChecks
from .authorization.consent import Consents
from .clients.applications import ApplicationRegistry
from .clients.keys import ClientKeys
from .clients.registry import ClientRegistry
from .config.openid import PAIRWISE
from .config.readers.database_uri import check_replicas
from .crypto.hashing import audit_keys
from .crypto.sealing import Sealing
from .database.connect import database_of
from .grants import load_grants, load_response_types
from .grants.authlib import AuthlibServer
from .grants.base import GrantSteps
from .made_on_first_use import MadeOnFirstUse
from .observing.audit import Audit
from .protection.guard import Guard
from .protection.validators import Validators
from .resource_server import any_server, cache_for
from .stores.applications import ApplicationStore
from .stores.approvals import ApprovalStore
from .stores.audit.entries import AuditStore
from .stores.clients import ClientStore
from .stores.codes import CodeStore
from .stores.consents import ConsentStore
from .stores.devices import DeviceStore
from .stores.keys import KeyStore
from .stores.last_used import LastUsed
from .stores.once import OnceStore
from .stores.revocations import RevocationStore
from .stores.tokens import TokenStore
from .tokens.issuing import Issuing
from .tokens.lifetimes import Lifetimes
from .tokens.reading import OwnTokens, lookups_of
from .tokens.registry import TokenRegistry
from .tokens.revoked import Revoked
from .tokens.revoking import Revoking
from .users.accounts import Users
from .web.rate_limits import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy

    from .authentication.certificate import CertificateAuthentication
    from .authentication.secret import Meet
    from .authorization.parameters import Sources
    from .authorization.request import Authorization
    from .clients.directory import ClientDirectory
    from .config import Settings
    from .database.engine import Database
    from .grants.authlib import AuthlibGrant
    from .grants.base import TokenGrant
    from .hooks import Hooks
    from .permissions.details import AuthorizationDetails
    from .protection.plans import Plans
    from .stores.personal.uses import Uses
    from .tokens.access_token import AccessToken


class AuthorizationServer(MadeOnFirstUse):
    """One app's authorization server. It checks its own tokens, and those of the issuers that it trusts."""

    issues_tokens = True
    uses: Uses | None = None  # of personal tokens, where these are on

    def __init__(self, app: Flask, settings: Settings, hooks: Hooks, db: SQLAlchemy | None) -> None:
        super().__init__(app, settings, hooks)
        own = settings.database_uri if db is None else app.config.get("SQLALCHEMY_DATABASE_URI", "")
        check_replicas(settings.database_read_uris, own)
        self._store(database_of(app, db, settings.database_uri, prepared=settings.database_prepared))
        self.users = Users(app, hooks, settings.login_url, signup_url=settings.signup_url)
        self.sealing = Sealing(app.config, settings.key_encryption_key)
        self.client_keys = ClientKeys(app, settings, self.sealing)
        self._limit_and_forget()
        self._read_tokens()
        self._issue_tokens()
        self._authenticate_clients()
        self._give_grants()
        self._register()
        self.audit_trail = Audit(app, self.audit, self.addresses)
        if settings.access_token_format == "jwt":
            _ = self.jwts  # made now: its imports take as long as a hundred requests, and forked workers share them

    def _store(self, database: Database) -> None:
        """Make the stores: one for each thing that is kept."""
        self.database = database
        self.revocations = RevocationStore(database, replicated=bool(self.settings.database_read_uris))
        self.clients = ClientStore(database, self.revocations)
        self.last_used = LastUsed(database)
        self.applications = ApplicationStore(database, self.revocations)
        self.tokens = TokenStore(database)
        self.approvals = ApprovalStore(database, self.revocations)
        self.codes = CodeStore(database)
        self.consents = ConsentStore(database)
        self.devices = DeviceStore(database)
        self.keys = KeyStore(database)
        self.once = OnceStore(database)
        self.audit = AuditStore(database, partial(audit_keys, self.app.config, self.settings.key_encryption_key))

    def _limit_and_forget(self) -> None:
        """Make the parts that a server's processes share, through Redis if there is one: counts and news of revocations."""
        settings = self.settings
        self.redis = self._connect_redis(lambda news: self.revoking.hear(news))  # noqa: PLW0108  that part is made later
        self.binding = self._load_binding(self.redis, self.once)
        listen = None if self.redis is None else self.redis.listen
        self.rate_limiter = RateLimiter(settings.rate_limits, self.redis)
        self.revoked = Revoked(self.revocations, settings.revocation_poll_seconds, listen)
        self.token_cache = cache_for(settings, listen, self.revoked)
        self.revoking = Revoking(
            self.app, self.tokens, self.approvals, self.revocations, self.revoked, self.token_cache, self.redis
        )

    def _read_tokens(self) -> None:
        """Make the parts that validate a presented token and guard views."""
        settings = self.settings
        self.plans = self._load_plans()
        self.lookups = lookups_of(settings, self.database, self.tokens, self.revoked)
        self.own_tokens = OwnTokens(self.lookups, self.users, lambda: self.jwts, self.token_cache)
        self.trusted_tokens = self._load_trusted_tokens()
        self.validators = Validators(
            self.own_tokens, self.trusted_tokens, self.users, self.plans, self.token_cache,
            checks_user=settings.check_user, sub_of=self._sub_of if PAIRWISE in settings.subject_types else None,
        )  # fmt: skip
        read = self.validators.shortest()
        if settings.personal_tokens:
            read = self._noting_uses(read)
        self.guard = Guard(self.app, settings, read, self.resources, self.plans, self._load_refusal(), self.binding)

    def _issue_tokens(self) -> None:
        """Make the parts that issue tokens, and those that ask a user to allow them."""
        settings = self.settings
        self.lifetimes = Lifetimes(settings, self.resources)
        self.issuing = Issuing(
            self.app, settings, self.hooks, self.database, self.tokens, self.resources, self.lifetimes, self.revoked,
            lambda: self.jwts,
        )  # fmt: skip
        self.details = self._load_details()
        self.authorization_checks = AuthorizationChecks(
            settings, self.resources, self.lifetimes, self.details, self._with_hint if settings.oidc else None
        )
        self.consent = Consents(settings, self.hooks, self.consents, self.resources)

    def _authenticate_clients(self) -> None:
        """Make the part that finds out which client is calling, by the methods that are on."""
        self.failures = Failures(self.rate_limiter, self.addresses)
        self.directory = self._load_directory()
        meet = None if self.directory is None else self.directory.meet
        by_secret = SecretAuthentication(self.clients, self.failures, self.last_used, meet)
        by_assertion = AssertionAuthentication(
            self.clients, self.client_keys, lambda: self.saml_assertions, self.once, self.issuer, self.failures,
            self.last_used, skew=self.settings.clock_skew, meet=meet,
            algorithms=self.settings.in_profile.algorithms,
            for_issuer_alone=self.settings.client_assertion_audience == "issuer",
        )  # fmt: skip
        methods = by_secret.methods() | by_assertion.methods()
        if "saml2_bearer" in self.settings.client_auth_methods:
            _ = self.saml_assertions  # loaded now, so that a mistake in OAUTH_SAML_ISSUERS shows at the start
        by_certificate = self._load_certificate_authentication(meet)
        if by_certificate is not None:
            methods |= by_certificate.methods()
        on = {name: methods[name] for name in self.settings.client_auth_methods}
        self.authentication = ClientAuthentication(
            self.app, self.clients, on, self.failures, by_assertion.method_of, by_certificate
        )
        self.request_sources = self._load_request_sources() if self.settings.par or self.settings.jar else None

    def _give_grants(self) -> None:
        """Load the grants that are on: by `grant_type` for the token endpoint, by `response_type` for the authorize endpoint."""
        limiter = self.rate_limiter if self.rate_limiter.is_on("token") else None
        self.steps = GrantSteps(
            self.settings, self.authentication, limiter, self.addresses, self.resources, self.users,
            self.lifetimes, self.issuing, self.last_used, (lambda: self.openid.id_tokens) if self.settings.oidc else None,
            self.details, self.binding,
        )  # fmt: skip
        self.authlib = AuthlibServer(self.steps, self.clients)
        self.grants = load_grants(self.settings.grant_types, self)
        self.token_grants: Mapping[str, TokenGrant | AuthlibGrant] = {
            name: grant for name, grant in self.grants.items() if hasattr(grant, "respond")
        }
        self.response_types = load_response_types(self.grants, self)

    def _register(self) -> None:
        """Make the registries, which the command line, the pages and the management API call."""
        app, settings, forget = self.app, self.settings, self.revoking.forget
        self.client_registry = ClientRegistry(app, settings, self.clients, self.sealing, self.grants, forget)
        self.application_registry = ApplicationRegistry(app, settings, self.applications, self.clients, forget)
        self.token_registry = TokenRegistry(
            settings, self.database, self.clients, self.tokens, self.approvals, self.audit, self.users, self.issuing,
            self.own_tokens, self.revoking,
        )  # fmt: skip
        if settings.oidc or settings.jarm:
            _ = self.client_algorithms  # which listens from now on
        if settings.registration is not None:
            _ = self.registrations  # now, so that a mistake in its settings shows at the start

    @property
    def grant_types(self) -> tuple[str, ...]:
        return tuple(self.grants)

    def close(self) -> None:
        """Write the entries that still wait, end the threads and close the connections. A later use opens new ones."""
        openid = vars(self).get("openid")  # where it was used
        for each in (openid, self.audit, self.last_used, self.uses, self.redis, self.lookups):
            if each is not None:
                each.close()
        self.database.dispose()

    # These import their modules only where the settings need them, or on first use: other apps never load joserfc or lxml.

    def _sub_of(self, client_id: str, subject: str) -> str:
        return self.openid.subjects.of_token(client_id, subject)

    def _with_hint(self, authorization: Authorization, hint: str) -> Authorization:
        return self.openid.with_hint(authorization, hint)

    def _load_request_sources(self) -> Sources:
        from .authorization.parameters import Sources

        return Sources(
            self.pushed_requests if self.settings.par else None, self.signed_requests if self.settings.jar else None
        )

    def _load_certificate_authentication(self, meet: Meet | None) -> CertificateAuthentication | None:
        certificates = None if self.binding is None else self.binding.certificates
        if certificates is None or not self.settings.has_certificate_methods:
            return None
        from .authentication.certificate import CertificateAuthentication
        from .proofs.trust import load_trust

        trust = load_trust(self.settings)
        return CertificateAuthentication(self.clients, self.client_keys, certificates, trust, meet)

    def _noting_uses(self, read: Callable[[str], AccessToken]) -> Callable[[str], AccessToken]:
        from .stores.personal.uses import Uses
        from .tokens.personal.using import noting

        self.uses = Uses(self.database)
        return noting(read, self.uses, self.addresses)

    def _load_plans(self) -> Plans | None:
        if not self.settings.plans:
            return None
        from .protection.plans import Plans

        return Plans(self.settings, self.clients, self.rate_limiter)

    def _load_details(self) -> AuthorizationDetails | None:
        if not self.settings.authorization_details:
            return None
        from .permissions.details import AuthorizationDetails

        return AuthorizationDetails(self.settings.authorization_details, self.hooks.authorization_detail)

    def _load_directory(self) -> ClientDirectory | None:
        if not self.settings.client_id_metadata:
            return None
        from .clients.directory import load_directory

        return load_directory(
            self.app, self.settings, self.hooks, self.database, self.clients, self.revocations, self.rate_limiter,
            self.addresses, lambda: self.client_registry, self.revoking.forget,
        )  # fmt: skip


def current_server() -> AuthorizationServer:
    """The current app's authorization server. Raises `RuntimeError` where the app has no gateway."""
    return cast("AuthorizationServer", any_server())

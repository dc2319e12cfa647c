"""What the gateway keeps for an app that is an authorization server."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from .clients.applications import ApplicationRegistry
from .clients.registry import ClientRegistry
from .crypto.hashing import audit_keys
from .database.connect import database_of, embedded_database
from .grants.authlib import Server
from .observing.audit import Audit
from .resource_server import EVERY_TOKEN, Checker
from .stores.applications import ApplicationStore
from .stores.audit import AuditStore
from .stores.clients import ClientStore
from .stores.codes import CodeStore
from .stores.consents import ConsentStore
from .stores.devices import DeviceStore
from .stores.families import FamilyStore
from .stores.keys import KeyStore
from .stores.last_used import LastUsed
from .stores.once import OnceStore
from .stores.revocations import RevocationStore, mark_of
from .stores.tokens import TokenStore
from .tokens.cache import TokenCache
from .tokens.issuing import RESERVED
from .tokens.registry import TokenRegistry
from .tokens.revoked import Revoked
from .web.rate_limits import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy

    from .assertions.jwt import JwtIssuer
    from .assertions.saml_issuers import SamlIssuer
    from .config import Settings
    from .crypto.key_sets import KeySource
    from .database.redis import Redis
    from .extension import OAuthGateway
    from .protection.plans import Plans
    from .tokens.access_token import AccessToken
    from .tokens.signing_keys import KeyRing

SAML2_BEARER = "urn:ietf:params:oauth:grant-type:saml2-bearer"
JWT_CACHE_SECONDS = 3600  # a checked signature stays good; expiry and revocation are looked at each time
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class State(Checker):
    """One app's authorization server, which checks its own tokens, and others' where they are trusted."""

    issues_tokens = True

    def __init__(self, gateway: OAuthGateway, app: Flask, settings: Settings, db: SQLAlchemy | None) -> None:
        super().__init__(gateway, app, settings)
        self.database = embedded_database(app, self.settings.database_uri) if db is None else database_of(app, db)
        self.revocations = RevocationStore(self.database)
        self.clients = ClientStore(self.database, self.revocations)
        self.last_used = LastUsed(self.database)
        self.applications = ApplicationStore(self.database, self.revocations)
        self.tokens = TokenStore(self.database)
        self.redis = self._connect_redis()
        listen = None if self.redis is None else self.redis.listen
        self.revoked = Revoked(self.revocations, self.settings.revocation_poll_seconds, listen)
        self.keys = KeyStore(self.database)
        self.jwt_cache = TokenCache(JWT_CACHE_SECONDS)
        self.families = FamilyStore(self.database, self.revocations)
        self.codes = CodeStore(self.database)
        self.consents = ConsentStore(self.database)
        self.devices = DeviceStore(self.database)
        self.audit = AuditStore(self.database, partial(audit_keys, app.config, self.settings.key_encryption_key))
        self.rate_limiter = RateLimiter(self.settings.rate_limits, self.redis)
        self.plans = self._load_plans()
        self.once = OnceStore(self.database)
        self.client_keys: dict[int, tuple[int, int, KeySource | None]] = {}
        self.jwt_issuers = self._load_jwt_issuers()
        self.saml_issuers = self._load_saml_issuers()
        self.slowest_password_check = 0.0  # seconds; a refusal takes as long, whatever was wrong
        seconds = self.settings.token_cache_seconds
        self.token_cache = TokenCache(seconds, listen) if seconds else None
        self.server = Server(self)
        self.client_registry = ClientRegistry(self)
        self.application_registry = ApplicationRegistry(self)
        self.token_registry = TokenRegistry(self)
        self.audit_trail = Audit(self)

    def _load_jwt_issuers(self) -> Mapping[str, JwtIssuer]:
        """Imported where the grant is on: an app without it never loads joserfc."""
        if JWT_BEARER not in self.settings.grant_types:
            return {}
        from .assertions.jwt import load_jwt_issuers

        settings = self.settings
        return load_jwt_issuers(settings.jwt_issuers, settings.scopes, relaxed=self.app.debug or self.app.testing)

    def _load_saml_issuers(self) -> Mapping[str, SamlIssuer]:
        """The same for SAML, lxml and signxml."""
        if SAML2_BEARER not in self.settings.grant_types and "saml2_bearer" not in self.settings.client_auth_methods:
            return {}
        from .assertions.saml_issuers import load_saml_issuers

        return load_saml_issuers(self.settings.saml_issuers, self.settings.scopes, RESERVED)

    def _load_plans(self) -> Plans | None:
        """Imported where it is configured."""
        if not self.settings.plans:
            return None
        from .protection.plans import Plans

        return Plans(self.settings.plans, self.clients, self.rate_limiter)

    def _connect_redis(self) -> Redis | None:
        """Imported where it is configured."""
        if self.settings.redis_url is None:
            return None
        from .database.redis import Redis

        return Redis(self.settings.redis_url, self._hear)

    @cached_property
    def key_ring(self) -> KeyRing:
        """The signing keys; imported where a token is a JWT."""
        from .tokens.signing_keys import KeyRing

        return KeyRing(self)

    @cached_property
    def read_jwt(self) -> Callable[[str], AccessToken]:
        """What reads this server's own JWTs; imported by the first of them: an app with opaque tokens never needs it."""
        from .tokens.jwt import read

        return partial(read, self)

    def forget_tokens(self, token_hash: bytes = EVERY_TOKEN) -> None:
        """Drop what is remembered as good, one token or all: it was revoked. With Redis in every process, else in this one."""
        self._hear(token_hash)
        if self.redis is not None:
            self.redis.tell(token_hash)

    def revoke_stateless(self, token: AccessToken) -> None:
        """Refuse a token that isn't stored: here at once, in other processes when they next read the marks."""
        self.revocations.add("token", token.token_id, expires_at=token.exp)
        self.revoked.learn(mark_of("token", token.token_id), token.exp)
        if self.redis is not None:
            self.redis.tell(EVERY_TOKEN)

    def _hear(self, token_hash: bytes) -> None:
        """What another process revoked; `EVERY_TOKEN` where some news may have been missed."""
        if token_hash == EVERY_TOKEN:
            self.revoked.forget()
        super().forget_tokens(token_hash)

    def close(self) -> None:
        """Write what waits to be written, end the threads, close the connections. A later use opens new ones."""
        self.audit.close()
        self.last_used.close()
        if self.redis is not None:
            self.redis.close()
        self.database.dispose()

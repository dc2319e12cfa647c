"""`OAuthGateway`: turns a Flask app into an OAuth 2 authorization server. `init_app` is the whole contract."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from flask import Blueprint, Flask, current_app, has_app_context

from . import protect
from .audit import Audit
from .cli import make_cli
from .client_registry import ClientRegistry
from .config import Settings
from .endpoints import make_blueprint
from .endpoints.metadata import add_metadata
from .globals import EXTENSION, STATE
from .hooks import Hooks
from .rate_limits import RateLimiter
from .server import Server
from .stores.audit import AuditStore
from .stores.clients import ClientStore
from .stores.codes import CodeStore
from .stores.connect import database_of, embedded_database
from .stores.consents import ConsentStore
from .stores.database import Database
from .stores.devices import DeviceStore
from .stores.families import FamilyStore
from .stores.keys import KeyStore
from .stores.once import OnceStore
from .stores.revocations import RevocationStore
from .stores.tokens import TokenStore
from .token_registry import TokenRegistry
from .tokens import RESERVED
from .tokens.cache import TokenCache
from .tokens.revoked import Revoked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from flask_sqlalchemy import SQLAlchemy

    from .issuers import JwtIssuer
    from .key_sets import KeySource
    from .saml_issuers import SamlIssuer
    from .tokens.keys import KeyRing

SAML2_BEARER = "urn:ietf:params:oauth:grant-type:saml2-bearer"
JWT_CACHE_SECONDS = 3600  # a checked signature stays good; expiry and revocation are looked at each time
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
Hook = TypeVar("Hook", bound="Callable[..., Any]")


class State:
    """What the gateway keeps for one app. Two apps share nothing but the hooks of a gateway that is on both."""

    def __init__(self, gateway: OAuthGateway, app: Flask, db: SQLAlchemy | None) -> None:
        self.gateway: OAuthGateway = gateway
        self.app = app
        self.hooks = gateway.hooks
        self.settings = Settings.from_config(app.config, relaxed=app.debug or app.testing)
        self.database = embedded_database(app, self.settings.database_uri) if db is None else database_of(app, db)
        self.clients = ClientStore(self.database)
        self.tokens = TokenStore(self.database)
        self.revocations = RevocationStore(self.database)
        self.revoked = Revoked(self.revocations, self.settings.revocation_poll_seconds)
        self.keys = KeyStore(self.database)
        self.jwt_cache = TokenCache(JWT_CACHE_SECONDS)
        self.families = FamilyStore(self.database, self.revocations)
        self.codes = CodeStore(self.database)
        self.consents = ConsentStore(self.database)
        self.devices = DeviceStore(self.database)
        self.audit = AuditStore(self.database)
        self.rate_limiter = RateLimiter(self.settings.rate_limits)
        self.once = OnceStore(self.database)
        self.client_keys: dict[int, tuple[int, int, KeySource | None]] = {}
        self.jwt_issuers = self._load_jwt_issuers()
        self.saml_issuers = self._load_saml_issuers()
        self.slowest_password_check = 0.0  # seconds; a refusal takes as long, whatever was wrong
        self.token_cache = TokenCache(self.settings.token_cache_seconds) if self.settings.token_cache_seconds else None
        self.server = Server(self)
        self.client_registry = ClientRegistry(self)
        self.token_registry = TokenRegistry(self)
        self.audit_trail = Audit(self)

    def _load_jwt_issuers(self) -> Mapping[str, JwtIssuer]:
        """Imported where the grant is on: an app without it never loads joserfc."""
        if JWT_BEARER not in self.settings.grant_types:
            return {}
        from .issuers import load_jwt_issuers

        settings = self.settings
        return load_jwt_issuers(settings.jwt_issuers, settings.scopes, relaxed=self.app.debug or self.app.testing)

    def _load_saml_issuers(self) -> Mapping[str, SamlIssuer]:
        """The same for SAML, lxml and signxml."""
        if SAML2_BEARER not in self.settings.grant_types and "saml2_bearer" not in self.settings.client_auth_methods:
            return {}
        from .saml_issuers import load_saml_issuers

        return load_saml_issuers(self.settings.saml_issuers, self.settings.scopes, RESERVED)

    @cached_property
    def key_ring(self) -> KeyRing:
        """The signing keys; imported where a token is a JWT."""
        from .tokens.keys import KeyRing

        return KeyRing(self)

    def forget_tokens(self) -> None:
        """Drop every token that this process remembers as good: something was revoked."""
        self.revoked.forget()
        if self.token_cache is not None:
            self.token_cache.clear()


class OAuthGateway:
    """The extension. `OAuthGateway(app)`, or `OAuthGateway()` and later `init_app(app)`.

    `db` is the app's `flask_sqlalchemy.SQLAlchemy`. Left out, the one that is registered on the app is used; where
    there is none, the gateway brings a database of its own (`OAUTH_DATABASE_URI`).
    """

    def __init__(self, app: Flask | None = None, db: SQLAlchemy | None = None) -> None:
        self.hooks = Hooks()
        self._states: list[State] = []
        if app is not None:
            self.init_app(app, db)

    def init_app(self, app: Flask, db: SQLAlchemy | None = None) -> None:
        """Read the settings, and put the endpoints and the command line on an app.

        Raises `ConfigurationError` for a setting that can't be, and `RuntimeError` where the app has a gateway already.
        """
        if STATE in app.extensions:
            raise RuntimeError(
                f"The app {app.name!r} has a gateway already: give each app one OAuthGateway, and call init_app once."
            )
        if db is None:
            db = app.extensions.get("sqlalchemy")
        state = State(self, app, db)
        app.register_blueprint(make_blueprint(state.settings))
        add_metadata(app, state.settings)
        app.cli.add_command(make_cli())
        app.extensions[EXTENSION] = self
        app.extensions[STATE] = state
        self._states.append(state)

    @property
    def clients(self) -> ClientRegistry:
        """The client registry: `create`, `get`, `list`, `update`, `rotate_secret`, `delete`."""
        return self._state.client_registry

    @property
    def tokens(self) -> TokenRegistry:
        """The tokens: `issue`, `find`, `get`, `revoke`, `set_attributes`, `purge`."""
        return self._state.token_registry

    @property
    def database(self) -> Database:
        """The gateway's own connections."""
        return self._state.database

    @property
    def settings(self) -> Settings:
        """The app's settings, checked and converted."""
        return self._state.settings

    def protect(self, blueprint: Blueprint, *scopes: str, **options: Any) -> None:
        """Ask for a token before every view of a blueprint, as `@require_token(*scopes, **options)` does for one."""
        protect.protect(blueprint, *scopes, **options)

    def current_user(self, function: Hook) -> Hook:
        """Hook, called with nothing: the signed-in user, or `None`. Left out: Flask-Login's, where the app has it."""
        self.hooks.current_user = function
        return function

    def login(self, function: Hook) -> Hook:
        """Hook, called with a `SignInRequest`: a response that signs somebody in and comes back to its `return_to`."""
        self.hooks.login = function
        return function

    def login_details(self, function: Hook) -> Hook:
        """Hook, called with a user: `auth_time` (seconds since 1970), `acr` and `amr`, as far as known."""
        self.hooks.login_details = function
        return function

    def check_password(self, function: Hook) -> Hook:
        """Hook for the password grant, called with `username, password`: the user, or `None`."""
        self.hooks.check_password = function
        return function

    def approve(self, function: Hook) -> Hook:
        """Hook, called with the authorization request: `True` to skip the consent page."""
        self.hooks.approve = function
        return function

    def map_assertion(self, function: Hook) -> Hook:
        """Hook, called with a verified `Assertion`: the subject it stands for, or `None` to refuse it."""
        self.hooks.map_assertion = function
        return function

    def load_user(self, function: Hook) -> Hook:
        """Hook, called with a subject: the user, or `None` where there is none of that subject."""
        self.hooks.load_user = function
        return function

    def token_attributes(self, function: Hook) -> Hook:
        """Hook, called with `client, user, scopes, grant_type`: custom attributes kept with the token.

        Clients get to see them, save those whose name begins with an underscore.
        """
        self.hooks.token_attributes = function
        return function

    @property
    def _state(self) -> State:
        """The current app's state where there is an app context; else that of the one app that this gateway is on."""
        if has_app_context():
            state = current_app.extensions.get(STATE)
            if state is not None and state.gateway is self:
                return cast("State", state)
        if len(self._states) != 1:
            raise RuntimeError(
                "This gateway is on no app yet: call init_app(app)."
                if not self._states
                else "This gateway is on several apps: use it inside `with app.app_context():`."
            )
        return self._states[0]

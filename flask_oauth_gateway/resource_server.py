"""Makes every part of a resource server: an app that only checks tokens which others issue, without database or grants."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, current_app

from .config import ConfigurationError
from .permissions.resources import Resources
from .protection.guard import Guard
from .protection.validators import Validators
from .tokens.cache import TokenCache
from .users.accounts import Users
from .web.addresses import Addresses
from .web.answers import error_response
from .web.documents import Documents
from .web.environ import SERVER
from .web.issuer import Issuer
from .web.logs import EventLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response

    from .config import Settings
    from .database.redis.shared import Redis
    from .errors import OAuth2Error
    from .hooks import Hooks
    from .observing.watch import Observer
    from .proofs.binding import Binding
    from .protection.paths import PathRules
    from .protection.plans import Plans
    from .protection.trusted_issuers import TrustedTokens
    from .stores.once import OnceStore
    from .tokens.revoked import Revoked

#: The setting that turns an observer on, the observer's class, and the extra that installs what the class needs.
OBSERVERS = (
    ("metrics", "observing.metrics:Metrics", "metrics"),
    ("traces", "observing.tracing:Tracing", "traces"),
)


class Server:
    """The parts that an app's authorization server or resource server has. Two apps share nothing but the hooks."""

    issues_tokens: bool
    users: Users
    guard: Guard
    validators: Validators
    trusted_tokens: TrustedTokens | None
    plans: Plans | None = None  # only clients have plans
    binding: Binding | None  # None: neither DPoP nor mutual TLS is on

    def __init__(self, app: Flask, settings: Settings, hooks: Hooks) -> None:
        self.app = app
        self.settings = settings
        self.hooks = hooks
        self.issuer = Issuer(app, settings, issues_tokens=self.issues_tokens)
        self.addresses = Addresses(settings.trusted_proxies)
        self.resources = Resources(app, settings, self.issuer, issues_tokens=self.issues_tokens)
        self.documents = Documents()
        self.path_rules = self._load_path_rules()
        self.event_log = EventLog(app)
        self.own_endpoints: frozenset[str] = frozenset()
        self.observers: list[Observer] = []

    @property
    def grant_types(self) -> tuple[str, ...]:
        """The grants for which this server gives tokens."""
        return ()

    def close(self) -> None:
        """Do nothing: a resource server keeps nothing open."""

    # These import their modules only where the app's settings need them.

    def _load_path_rules(self) -> PathRules | None:
        if not self.settings.protect:
            return None
        from .protection.paths import load_rules

        return load_rules(self.settings.protect)

    def _load_trusted_tokens(self) -> TrustedTokens | None:
        if not self.settings.trusted_token_issuers:
            return None
        from .protection.trusted_issuers import load_trusted_tokens

        return load_trusted_tokens(self.settings, self.users, relaxed=self.app.debug or self.app.testing)

    def _load_binding(self, redis: Redis | None, once: OnceStore | None) -> Binding | None:
        if not (self.settings.dpop or self.settings.mtls):
            return None
        from .proofs.binding import load_binding

        return load_binding(
            self.app, self.settings, self.issuer.mount_point, self.resources.named_for,
            lambda http: http.endpoint in self.own_endpoints, redis, once,
        )  # fmt: skip

    def _connect_redis(self, hear: Callable[[bytes], None]) -> Redis | None:
        if self.settings.redis_url is None:
            return None
        from .database.redis.shared import Redis

        return Redis(
            self.settings.redis_url, hear,
            notice_seconds=self.settings.revocation_poll_seconds, keeps_proofs=bool(self.settings.dpop),
        )  # fmt: skip

    def _load_refusal(self) -> Callable[[OAuth2Error], Response]:
        """What turns a refusal into a response: RFC 6750's, or that of another gateway (`OAUTH_COMPATIBILITY`)."""
        if self.settings.compatibility is None:
            return error_response
        module = import_module(f"{__package__}.compatibility.{self.settings.compatibility}")
        return cast("Callable[[OAuth2Error], Response]", module.refuse)

    def load_observers(self) -> list[Observer]:
        """The observers that are on. Raises `ConfigurationError` where a library that one needs is not installed."""
        observers: list[Observer] = []
        for setting, path, extra in OBSERVERS:
            on = getattr(self.settings, setting)
            if on:
                module, _, name = path.partition(":")
                try:
                    loaded: Any = import_module(f"{__package__}.{module}")
                except ModuleNotFoundError as error:
                    needed = f"False as long as {error.name} is missing: pip install 'flask-oauth-gateway[{extra}]'"
                    raise ConfigurationError(f"OAUTH_{setting.upper()}", on, needed) from error
                observers.append(getattr(loaded, name)(self.app, self.grant_types))
        return observers


class ResourceServer(Server):
    """One app's resource server, which takes other servers' tokens and issues none."""

    issues_tokens = False

    def __init__(self, app: Flask, settings: Settings, hooks: Hooks) -> None:
        super().__init__(app, settings, hooks)
        self.users = Users(app, hooks, settings.login_url, _whose_users(settings))
        self.trusted_tokens = self._load_trusted_tokens()
        if self.trusted_tokens is None:
            allowed = "the issuers whose tokens a resource server takes"
            raise ConfigurationError("OAUTH_TRUSTED_TOKEN_ISSUERS", {}, allowed)
        self.validators = Validators(
            None, self.trusted_tokens, self.users, None, cache_for(settings), checks_user=settings.check_user
        )
        self._redis = self._connect_redis(lambda _: None) if settings.dpop else None
        self.binding = self._load_binding(self._redis, None)
        self.guard = Guard(
            app, settings, self.validators.shortest(), self.resources, None, self._load_refusal(), self.binding
        )

    def close(self) -> None:
        """Close the connections to Redis, where used proofs are kept."""
        if self._redis is not None:
            self._redis.close()


def any_server() -> Server:
    """The current app's authorization server or resource server. Raises `RuntimeError` where the app has no gateway."""
    try:
        return cast("Server", current_app.extensions[SERVER])
    except KeyError:
        raise RuntimeError("This app has no gateway: call OAuthGateway(app) or gateway.init_app(app) first.") from None


def cache_for(
    settings: Settings, listen: Callable[[], None] | None = None, revoked: Revoked | None = None
) -> TokenCache | None:
    """The cache of tokens that were verified lately; `None` where `OAUTH_TOKEN_CACHE_SECONDS` is 0.

    `listen` starts to listen for news of other processes, where there is Redis; what can't be told there stands in
    `revoked`.
    """
    if not settings.token_cache_seconds:
        return None
    return TokenCache(settings.token_cache_seconds, listen, None if listen is None else revoked)


def _whose_users(settings: Settings) -> str:
    """The issuer whose users `load_user` knows: the only one, or "" where there are several.

    The subject "42" is another person at each issuer. No token has the issuer "". Raises `ConfigurationError` where
    there are several and `OAUTH_CHECK_USER` is on.
    """
    issuers = [*settings.trusted_token_issuers]
    if len(issuers) > 1 and settings.check_user:
        raise ConfigurationError(
            "OAUTH_CHECK_USER", True, "False with several issuers: a subject alone doesn't say whose it is"
        )
    return issuers[0] if len(issuers) == 1 else ""

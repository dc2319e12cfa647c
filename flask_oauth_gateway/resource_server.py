"""What the gateway keeps for an app that checks tokens; `state.State` adds what an authorization server keeps beside."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from .config import ConfigurationError
from .errors import OAuth2Error, error_response
from .permissions.resources import Resources
from .tokens.cache import TokenCache
from .web.logs import EventLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response

    from .config import Settings
    from .extension import OAuthGateway
    from .observing.watch import Observer
    from .protection.paths import PathRules
    from .protection.plans import Plans
    from .protection.require_token import Requirement
    from .protection.trusted_issuers import TrustedTokens
    from .web.documents import Document

EVERY_TOKEN = b""


class Checker:
    """One app that checks tokens which other servers issue: no database, no grant. Two apps share nothing but the hooks."""

    issues_tokens = False

    def __init__(self, gateway: OAuthGateway, app: Flask, settings: Settings) -> None:
        self.gateway: OAuthGateway = gateway
        self.app = app
        self.hooks = gateway.hooks
        self.settings = settings
        self.resources = Resources(self)
        self.plans: Plans | None = None  # only clients have plans
        self.documents: dict[tuple[str, ...], Document] = {}
        self.path_rules = self._load_path_rules()
        self.own_endpoints: frozenset[str] = frozenset()
        seconds = self.settings.token_cache_seconds
        self.token_cache = TokenCache(seconds) if seconds else None
        self.trusted_tokens = self._load_trusted_tokens()
        self.users_from = self._load_users_from()
        self.render_refusal = self._load_refusal()
        self.event_log = EventLog(app)
        self.watch: Callable[[Checker, Requirement], Response | None] | None = None
        self.observers: list[Observer] = []

    def forget_tokens(self, token_hash: bytes = EVERY_TOKEN) -> None:
        """Drop what is remembered as good, one token or all."""
        if self.token_cache is None:
            return
        if token_hash == EVERY_TOKEN:
            self.token_cache.clear()
        else:
            self.token_cache.drop(token_hash)

    def close(self) -> None:
        """Nothing stays open."""

    def _load_path_rules(self) -> PathRules | None:
        if not self.settings.protect:
            return None
        from .protection.paths import load_rules

        return load_rules(self.settings.protect)

    def _load_trusted_tokens(self) -> TrustedTokens | None:
        """Imported where it is configured."""
        if not self.settings.trusted_token_issuers:
            if not self.issues_tokens:
                raise ConfigurationError(
                    "OAUTH_TRUSTED_TOKEN_ISSUERS", {}, "the issuers whose tokens a resource server takes"
                )
            return None
        from .protection.trusted_issuers import load_trusted_tokens

        return load_trusted_tokens(self.settings, relaxed=self.app.debug or self.app.testing)

    def _load_users_from(self) -> str | None:
        """Whose users `load_user` knows: this server's (`None`), else those of the one issuer there is. Of several, nobody's:
        two servers' "42" are two people. No token has the issuer "".
        """
        if self.issues_tokens:
            return None
        issuers = [*self.settings.trusted_token_issuers]
        if len(issuers) > 1 and self.settings.check_user:
            raise ConfigurationError(
                "OAUTH_CHECK_USER", True, "False with several issuers: a subject alone doesn't say whose it is"
            )
        return issuers[0] if len(issuers) == 1 else ""

    def _load_refusal(self) -> Callable[[OAuth2Error], Response]:
        """How a protected view says no: in RFC 6750's words, or as another gateway does."""
        if self.settings.compatibility is None:
            return error_response
        module = import_module(f"{__package__}.compatibility.{self.settings.compatibility}")
        return cast("Callable[[OAuth2Error], Response]", module.refuse)

    def load_observers(self) -> list[Observer]:
        """Who watches, by the settings. Raises `ConfigurationError` where what they need is not installed."""
        observers: list[Observer] = []
        for key, on, path, extra in (
            ("OAUTH_METRICS", self.settings.metrics, "observing.metrics:Metrics", "metrics"),
            ("OAUTH_TRACES", self.settings.traces, "observing.tracing:Tracing", "traces"),
        ):
            if on:
                module, _, name = path.partition(":")
                try:
                    loaded = import_module(f"{__package__}.{module}")
                except ModuleNotFoundError as error:
                    needed = f"False as long as {error.name} is missing: pip install 'flask-oauth-gateway[{extra}]'"
                    raise ConfigurationError(key, on, needed) from error
                observers.append(getattr(loaded, name)(self))
        return observers

"""The settings: one field a key, with its type, default, meaning and check.

`Settings.from_config` reads `app.config` once, at start-up. A wrong value raises `ConfigurationError`,
which names the key, what it holds and what it may hold; an `OAUTH_*` key that is not known is a warning.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from . import checks as check
from .checks import ConfigurationError

__all__ = ["ConfigurationError", "ConfigurationWarning", "Settings"]

PREFIX = "OAUTH_"
ADMIN_SCOPE = "oauth:admin"  # what the management API asks for


class ConfigurationWarning(UserWarning):
    """A configuration key that has no effect."""


def setting(default: Any, reader: check.Reader, doc: str) -> Any:
    """A field of `Settings`: its default, the function that checks and converts what a config holds, and its meaning."""
    metadata = {"reader": reader, "doc": doc}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """What one app's configuration says, checked and converted; times are whole seconds."""

    issuer: str | None = setting(
        None,
        check.issuer,
        "The authorization server's own URL, without query or fragment (RFC 8414 section 2). Left out, it is the"
        " request's root URL in debug, in testing and on loopback; elsewhere whatever carries it answers 503.",
    )
    url_prefix: str = setting(
        "/oauth", check.url_prefix, "The path under which the endpoints stand; the well-known ones stand at the root."
    )
    database_uri: str | None = setting(
        None,
        check.database_uri,
        "An SQLAlchemy URL, used only where the app has no `db` of its own. Left out: the SQLite file `oauth.db` in"
        " the instance folder, in WAL mode, made with its tables on first use.",
    )
    grant_types: tuple[str, ...] = setting(
        ("authorization_code", "client_credentials", "refresh_token"),
        check.grant_types,
        'The grants that the token endpoint takes. An entry is a grant\'s name or `"module:Class"`, a grant of the'
        " app's own.",
    )
    scopes: Mapping[str, str] = setting(
        {},
        check.scopes,
        "Each scope's name and what it means, in words for a user. An unknown scope is `invalid_scope`.",
    )
    default_scopes: tuple[str, ...] = setting(
        (),
        check.names,
        "What a request that names no scope gets, where its client has no `default_scope`: these, as far as the"
        " client may have them, else all that the client is registered for.",
    )
    access_token_lifetime: int | Mapping[str, int] = setting(
        3600,
        check.lifetime_by_grant,
        "Seconds that an access token lives: a number, a `timedelta`, or a dict by grant type. A client may have its own.",
    )
    access_token_format: str = setting(
        "opaque",
        check.one_of("opaque", "jwt"),
        '`"opaque"`: random, looked up at each use; `"jwt"`: signed, checked without a look-up (RFC 9068). A client may have'
        " its own.",
    )
    signing_algorithm: str = setting(
        "ES256", check.one_of("ES256", "RS256", "PS256", "EdDSA"), "What new signing keys are for (RFC 7518, RFC 8037)."
    )
    key_rotation_days: int = setting(
        90,
        check.days,
        "Days after which a new signing key is made; it is published an hour before it signs. 0: by hand alone.",
    )
    revocation_poll_seconds: int = setting(
        2, check.seconds, "How late a process may learn of a revoked JWT; 0 looks it up each time."
    )
    refresh_token_lifetime: int = setting(
        30 * 86400,
        check.positive,
        "Seconds after the approval in which it can be refreshed, however often. A client may have its own.",
    )
    refresh_tokens: str = setting(
        "rotate",
        check.one_of("rotate", "preserve", "once"),
        '`"rotate"`: each use gives a new one, and reuse of an old one revokes its family (RFC 9700 section 4.14.2);'
        ' `"preserve"`: the same one goes on; `"once"`: a refresh gives no further one.',
    )
    refresh_token_idle: int | None = setting(
        None, check.optional_positive, "Seconds without use after which a refresh token ends; `None`: it doesn't."
    )
    refresh_token_grace: int = setting(
        0,
        check.seconds,
        "Seconds in which a repeat of the last rotation is a lost answer, not a theft: it gets the same successor.",
    )
    authorization_code_lifetime: int = setting(60, check.positive, "Seconds that an authorization code lives.")
    require_pkce: bool | str = setting(
        True,
        check.true_false_or("public"),
        'Ask for PKCE (RFC 7636) of every client; `"public"`: of public clients alone.',
    )
    pkce_methods: tuple[str, ...] = setting(
        ("S256",), check.one_or_more_of("S256", "plain"), "The code challenge methods that are taken (RFC 7636)."
    )
    jwt_issuers: Mapping[str, Mapping[str, Any]] = setting(
        {},
        check.dict_of_dicts,
        "Who may sign JWT assertions: issuer to a dict with one of `jwks` (a key set), `jwks_uri` or `key` (PEM public"
        " key or certificate, or a JWK); `algorithms` (left out: those of the key's type), `audience` (left out: the token"
        " endpoint and the issuer), `scopes` (the most it may give), `max_lifetime` (300 seconds), `client_id` (whose its"
        " tokens are), `numeric_strings` (False; some clients write `exp` as a text), `private_addresses` (False; whether"
        " `jwks_uri` may be in a private network).",
    )
    saml_issuers: Mapping[str, Mapping[str, Any]] = setting(
        {},
        check.dict_of_dicts,
        "Who may sign SAML assertions: entity ID to a dict with `certificates` (PEM texts or paths; one that has expired is"
        " refused) or `metadata` (XML or a path); `audience` (left out: the issuer and the token endpoint), `recipient`"
        " (likewise), `scopes` (the most it may give), `max_lifetime` (300 seconds), `client_id` (whose its tokens are),"
        " `attributes` (names of those that are kept with the token), `decryption_key` (PEM private key or path, for"
        " encrypted assertions), `allow_sha1` (False).",
    )
    resource_server: bool = setting(
        False,
        check.boolean,
        "The app only checks tokens, those of `OAUTH_TRUSTED_TOKEN_ISSUERS`: it has no database and issues none.",
    )
    trusted_token_issuers: Mapping[str, Mapping[str, Any]] = setting(
        {},
        check.dict_of_dicts,
        "Other servers whose access tokens protected views take: issuer to a dict with `audience` (what their tokens name this"
        " API: a text or a list) and one of `jwks_uri`, `jwks`, `key` (PEM public key or certificate, or a JWK), or"
        " `introspection` (the URL of its endpoint; who is asked) with `client_id` and `client_secret`. Further `algorithms`"
        " (left out: those of the key's type), `scopes` (the most that count), `scope_claims` (left out: `scope` and `scp`,"
        " and `roles` of a client's own token), `subject_claim` (`sub`), `private_addresses` (False; whether its URLs may be"
        " in a private network). With `introspection`, `audience` may be `()`: every token that is called active is taken.",
    )
    clock_skew: int = setting(60, check.seconds, "Seconds that the clocks of others may be off.")
    key_encryption_key: str | None = setting(
        None,
        check.secret_text,
        "A long random text that encrypts what must be had again in clear (the secrets of `client_secret_jwt` clients). Left"
        " out: derived from `SECRET_KEY`; `SECRET_KEY_FALLBACKS` still open what was encrypted before.",
    )
    login_url: str | None = setting(
        None,
        check.optional_text,
        "Where a user signs in: a URL of this site or an endpoint, called with `next`. Left out: Flask-Login's"
        " `login_view`.",
    )
    required_scopes: tuple[str, ...] = setting(
        (), check.names, "Scopes that a user can't untick on the consent page; every other one may be."
    )
    consent_durations: tuple[str | int, ...] = setting(
        (),
        check.durations,
        'How long a user may let an approval last: any of `"once"`, seconds or a `timedelta`, and `"always"`. Empty:'
        " until it is revoked, without asking.",
    )
    rate_limits: Mapping[str, str | None] | None = setting(
        {},
        check.rate_limits,
        "Limits in the notation of the limits library (`10/minute;100/hour`), by name: `token` (tokens of a client),"
        " `token_failures` (wrong client secrets), `password` (wrong passwords), `device` (new device codes),"
        " `device_codes` (wrong user codes), `introspect` (questions about tokens), `admin` (requests of the administrator's"
        " pages); what isn't named has its default. `None`, for one or all, turns them off. `register` is taken for an endpoint"
        " that is to come.",
    )
    trusted_proxies: int | tuple[IPv4Network | IPv6Network, ...] = setting(
        0,
        check.trusted_proxies,
        "Whose `X-Forwarded-For` is believed, for rate limits and the audit trail: a number of proxies in front of the app,"
        " or a list of the addresses and networks that they are in. 0 where Werkzeug's `ProxyFix` does it.",
    )
    redis_url: str | None = setting(
        None,
        check.redis_url,
        "A URL of Redis (`redis://`, `rediss://`, `unix://`), through which many processes share rate limits, and drop a"
        " revoked token from their caches at once. Without it each counts by itself, and looks by itself.",
    )
    cors_origins: tuple[str, ...] | None = setting(
        None,
        check.origins,
        "Origins whose scripts may read the answers of the token, revocation and device endpoints. Left out: those of"
        " the client's redirect URIs.",
    )
    token_prefix: str = setting(
        "",
        check.token_prefix,
        'What every token begins with, e.g. `"acme_"`, so that secret scanners know one when they see it.',
    )
    client_auth_methods: tuple[str, ...] = setting(
        ("client_secret_basic", "client_secret_post", "none", "private_key_jwt"),
        check.one_or_more_of(
            "client_secret_basic",
            "client_secret_post",
            "none",
            "private_key_jwt",
            "client_secret_jwt",
            "saml2_bearer",
        ),
        "How a client may say who it is (RFC 7591 section 2, `token_endpoint_auth_method`; `saml2_bearer`: RFC 7522"
        " section 2.2).",
    )
    token_parameters_from: tuple[str, ...] = setting(
        ("body",),
        check.one_or_more_of("body", "query", "header"),
        "Where `grant_type`, `scope` and `state` are read at the token endpoint; `query` and `header` serve clients"
        " of API gateways. Credentials, codes, tokens and assertions are read from the body alone.",
    )
    bearer_methods: tuple[str, ...] = setting(
        ("header",),
        check.one_or_more_of("header", "body", "query"),
        "Where a protected view takes its token from (RFC 6750 section 2). A URL ends up in logs: mind `query`.",
    )
    protect: tuple[Mapping[str, Any], ...] = setting(
        (),
        check.list_of_dicts,
        "What paths ask for; the first entry that fits decides. A dict with `path` (`/api/*`: it and everything below;"
        " `*` or `<name>` inside: one segment) and as far as wanted `methods` (left out: all; HEAD goes with GET), `scopes`"
        " (`None`: open), what else `@require_token` takes, and `host` (for forward auth).",
    )
    forward_auth: bool = setting(
        False,
        check.boolean,
        "Answer proxies that ask at `/oauth/verify` whether a request may go on to its upstream.",
    )
    forward_auth_peers: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1", "unix"),
        check.peers,
        "Addresses and networks of the proxies that may name a request's path, method and host in headers; `unix`: whoever"
        " comes by a Unix socket.",
    )
    resources: Mapping[str, str] = setting(
        {},
        check.resources,
        "Path prefix to resource identifier, an absolute URI without fragment: what the `resource` parameter may name"
        " (RFC 8707), what `/.well-known/oauth-protected-resource` describes (RFC 9728), what a token's `aud` holds where"
        ' nothing else was asked for. Without an entry for it, `"/"` is the issuer.',
    )
    plans: Mapping[str, Mapping[str, Any]] = setting(
        {},
        check.plans,
        "What clients may reach, by the name of a plan that a client has: a dict with any of `scopes` (the most that its"
        " tokens have), `paths` (all that they reach, written as in `OAUTH_PROTECT`), `quota` (how many requests of one"
        " client, in the notation of the limits library: `10/second;1000/hour`) and `attributes` (which its tokens have).",
    )
    check_user: bool = setting(
        False,
        check.boolean,
        "Ask the `load_user` hook for each token's subject, and refuse the token of a user who is gone.",
    )
    max_body: int = setting(131072, check.positive, "Bytes of the largest body that an endpoint reads; more is 413.")
    compatibility: str | None = setting(
        None,
        check.one_of(None, "apigee", "axway"),
        'Answers in the shape that clients of another gateway expect: `"apigee"` or `"axway"`.',
    )
    token_cache_seconds: int = setting(
        0,
        check.seconds,
        "How long a process may go by a token that it has verified before it looks again: how stale it may be.",
    )
    admin: bool = setting(
        False,
        check.boolean,
        "The administrator's pages at `/oauth/admin/`: clients, tokens, keys, issuers, audit trail. Whom the hook"
        " `@gateway.is_admin` says `True` of may enter; without it nobody.",
    )
    metrics: bool | str = setting(
        False,
        check.boolean_or_scope,
        "Count for Prometheus, in the default registry of prometheus-client (extra `metrics`). A scope's name also turns on"
        " `/oauth/metrics`, for tokens with that scope.",
    )
    traces: bool = setting(
        False,
        check.boolean,
        "Make OpenTelemetry spans of the endpoints' work and the checks of tokens (extra `traces`).",
    )
    allow_http: bool = setting(
        False,
        check.boolean,
        "Let `OAUTH_ISSUER` be plain http beyond loopback, debug and testing.",
    )

    @classmethod
    def from_config(cls, config: Mapping[str, Any], *, relaxed: bool = False) -> Settings:
        """Read and check an app's configuration; `relaxed` in debug and testing, where plain http is let through.

        Raises `ConfigurationError` for a value that can't be; warns with `ConfigurationWarning` of an unknown key.
        """
        known = {PREFIX + item.name.upper(): item for item in fields(cls)}
        values = {}
        for key, item in known.items():
            if key in config:
                values[item.name] = item.metadata["reader"](key, config[key])
        for key in config:
            if key.startswith(PREFIX) and key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f" Did you mean {near[0]}?" if near else ""
                warnings.warn(f"{key} is not a setting of the gateway.{hint}", ConfigurationWarning, stacklevel=3)
        if values.get("admin"):
            values["scopes"] = {**values.get("scopes", {}), ADMIN_SCOPE: "Manage the gateway"}
        settings = cls(**values)
        settings._check_together(relaxed=relaxed)
        return settings

    def _check_together(self, *, relaxed: bool) -> None:
        """The checks that need more than one key."""
        for key, names in (
            ("OAUTH_DEFAULT_SCOPES", self.default_scopes),
            ("OAUTH_REQUIRED_SCOPES", self.required_scopes),
            *((f"OAUTH_PLANS[{name!r}]['scopes']", plan["scopes"] or ()) for name, plan in self.plans.items()),
            ("OAUTH_METRICS", [self.metrics] if isinstance(self.metrics, str) else []),
        ):
            unknown = [name for name in names if name not in self.scopes]
            if unknown:
                raise ConfigurationError(key, list(names), f"names from OAUTH_SCOPES; {unknown[0]!r} is not one")
        if self.issuer and not (self.allow_http or relaxed) and not check.is_secure(self.issuer):
            raise ConfigurationError(
                "OAUTH_ISSUER", self.issuer, "an https URL (plain http beyond loopback needs OAUTH_ALLOW_HTTP = True)"
            )

    @property
    def metrics_scope(self) -> str | None:
        """The scope whose tokens read `/oauth/metrics`; `None` where nobody does."""
        return self.metrics if isinstance(self.metrics, str) else None

    def access_token_lifetime_of(self, grant_type: str) -> int:
        """Seconds that an access token of this grant lives, where its client has no lifetime of its own."""
        if isinstance(self.access_token_lifetime, int):
            return self.access_token_lifetime
        return self.access_token_lifetime.get(grant_type, DEFAULT_ACCESS_TOKEN_LIFETIME)


DEFAULT_ACCESS_TOKEN_LIFETIME = 3600

"""The weaknesses that settings may have: one row each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .weakness import Weakness

if TYPE_CHECKING:
    from ..config import Settings

LONG_ACCESS_TOKEN = 86400
LONG_CODE = 600
LONG_REFRESH_TOKEN = 366 * 86400
LONG_GRACE = 60
LONG_STALE = 60
LONG_SKEW = 300
LONG_KEY_DAYS = 366
EVERYBODY = frozenset({"0.0.0.0/0", "::/0"})


@dataclass(frozen=True, slots=True)
class Check:
    """A weakness, with the condition on which settings have it."""

    weakness: Weakness
    applies: Callable[[Settings], bool]


def _longest_lifetime(settings: Settings) -> int:
    given = settings.access_token_lifetime
    return given if isinstance(given, int) else max(given.values(), default=0)


def _check(key: str, why: str, fix: str, applies: Callable[[Settings], bool]) -> Check:
    return Check(Weakness(key, why, fix), applies)


CHECKS = (
    _check(
        "OAUTH_ISSUER",
        "the server does not know its own name, so nothing that carries it works beyond loopback",
        "set it to the server's https URL",
        lambda s: s.issuer is None,
    ),
    _check(
        "OAUTH_ALLOW_HTTP",
        "tokens and secrets travel in clear (RFC 9700 section 2.6)",
        "serve https and take it out",
        lambda s: s.allow_http,
    ),
    _check(
        "OAUTH_REQUIRE_PKCE",
        "an authorization code without PKCE can be injected (RFC 9700 section 2.1.1)",
        "set it to True",
        lambda s: s.require_pkce in (False, "public"),
    ),
    _check(
        "OAUTH_REQUIRE_PKCE",
        "a nonce keeps out injected codes only where the client compares it (RFC 9700 section 2.1.1)",
        "set it to True, and register require_pkce=False for the clients that can't do PKCE",
        lambda s: s.require_pkce == "nonce",
    ),
    _check(
        "OAUTH_TOKEN_PREFIX",
        "users make personal tokens, and a scanner that finds one can't tell whose it is",
        "set it to a name of your site's, such as 'acme_'",
        lambda s: s.personal_tokens and not s.token_prefix,
    ),
    _check(
        "OAUTH_PKCE_METHODS",
        "plain shows the verifier to whoever sees the authorization request (RFC 9700 section 2.1.1)",
        "take 'plain' out",
        lambda s: "plain" in s.pkce_methods,
    ),
    _check(
        "OAUTH_GRANT_TYPES",
        "implicit puts tokens into URLs (RFC 9700 section 2.1.2)",
        "use authorization_code with PKCE",
        lambda s: "implicit" in s.grant_types,
    ),
    _check(
        "OAUTH_GRANT_TYPES",
        "password shows users' passwords to clients (RFC 9700 section 2.4)",
        "use authorization_code or device_code",
        lambda s: "password" in s.grant_types,
    ),
    _check(
        "OAUTH_REFRESH_TOKENS",
        "a stolen refresh token that goes on is never noticed (RFC 9700 section 4.14.2)",
        "set it to 'rotate'",
        lambda s: s.refresh_tokens == "preserve" and s.in_profile.sets.get("refresh_tokens") != "preserve",
    ),
    _check(
        "OAUTH_BEARER_METHODS",
        "tokens in URLs end up in logs and histories (RFC 9700 section 4.3.2)",
        "take 'query' out",
        lambda s: "query" in s.bearer_methods,
    ),
    _check(
        "OAUTH_ACCESS_TOKEN_LIFETIME",
        "an access token that lives for more than a day is worth stealing",
        "shorten it, and let clients refresh",
        lambda s: _longest_lifetime(s) > LONG_ACCESS_TOKEN,
    ),
    _check(
        "OAUTH_AUTHORIZATION_CODE_LIFETIME",
        "a code that lives for more than ten minutes (RFC 6749 section 4.1.2)",
        "shorten it: a minute is enough",
        lambda s: s.authorization_code_lifetime > LONG_CODE,
    ),
    _check(
        "OAUTH_RATE_LIMITS",
        "passwords and user codes can be guessed without a limit (RFC 8628 section 5.1)",
        "take None out",
        lambda s: s.rate_limits is None or None in s.rate_limits.values(),
    ),
    _check(
        "OAUTH_CORS_ORIGINS",
        "every site's scripts may read the token endpoint's answers",
        "name the origins, or leave it out",
        lambda s: s.cors_origins is not None and "*" in s.cors_origins,
    ),
    _check(
        "OAUTH_DEVELOPER_SCOPES",
        "every user can register a machine that gets tokens with every scope, and nobody is asked",
        "name the scopes that users' apps may have, or set OAUTH_DEVELOPER_APPROVAL",
        lambda s: (
            s.developer
            and s.developer_scopes is None
            and not s.developer_approval
            and "client_credentials" in s.grant_types
            and bool(s.app_scopes)
        ),
    ),
    _check(
        "OAUTH_TOKEN_PARAMETERS_FROM",
        "token requests in URLs end up in logs and histories (RFC 6749 section 3.2)",
        "take 'query' out",
        lambda s: "query" in s.token_parameters_from,
    ),
    _check(
        "OAUTH_REFRESH_TOKEN_LIFETIME",
        "an approval that lasts for more than a year, used or not (RFC 9700 section 4.14.2)",
        "shorten it, or set OAUTH_REFRESH_TOKEN_IDLE",
        lambda s: s.refresh_token_lifetime > LONG_REFRESH_TOKEN and s.refresh_token_idle is None,
    ),
    _check(
        "OAUTH_REFRESH_TOKEN_GRACE",
        "for more than a minute a stolen refresh token is taken for a repeat (RFC 9700 section 4.14.2)",
        "shorten it: a few seconds cover a lost answer",
        lambda s: s.refresh_token_grace > LONG_GRACE,
    ),
    _check(
        "OAUTH_TOKEN_CACHE_SECONDS",
        "a revoked token is taken for more than a minute (RFC 7009 section 3)",
        "shorten it",
        lambda s: s.token_cache_seconds > LONG_STALE,
    ),
    _check(
        "OAUTH_REVOCATION_POLL_SECONDS",
        "a revoked JWT is taken for more than a minute (RFC 7009 section 3)",
        "shorten it",
        lambda s: s.revocation_poll_seconds > LONG_STALE,
    ),
    _check(
        "OAUTH_CLOCK_SKEW",
        "an assertion that has expired is taken for more than five minutes (RFC 7523 section 3)",
        "set the clocks, and shorten it",
        lambda s: s.clock_skew > LONG_SKEW,
    ),
    _check(
        "OAUTH_FORWARD_AUTH_PEERS",
        "whoever reaches the endpoint may name the path that is asked for, and so what is asked (RFC 9700 section 2.3)",
        "name the proxies' addresses",
        lambda s: s.forward_auth and not EVERYBODY.isdisjoint(s.forward_auth_peers),
    ),
    _check(
        "OAUTH_TRUSTED_PROXIES",
        "everybody may say which address they come from: rate limits and the audit trail believe it (RFC 7239 section 8.1)",
        "name the proxies' networks",
        lambda s: not isinstance(s.trusted_proxies, int) and any(each.prefixlen == 0 for each in s.trusted_proxies),
    ),
    _check(
        "OAUTH_KEY_ROTATION_DAYS",
        "signing keys are replaced by hand alone, or less than once a year (RFC 9700 section 2.6)",
        "leave it at 90",
        lambda s: s.access_token_format == "jwt" and not 0 < s.key_rotation_days <= LONG_KEY_DAYS,
    ),
)

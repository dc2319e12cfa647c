"""What of a running configuration is weak, measured against RFC 9700 and OAuth 2.1: a table of checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import Settings
    from .extension import State

LONG_ACCESS_TOKEN = 86400
LONG_CODE = 600


@dataclass(frozen=True, slots=True)
class Weakness:
    """Something that had better be otherwise: the key, why, and what to do."""

    key: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class Check:
    """A weakness, and whether settings have it."""

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
        lambda s: s.require_pkce is not True,
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
        lambda s: s.refresh_tokens == "preserve",
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
        lambda s: s.rate_limits is None,
    ),
    _check(
        "OAUTH_CORS_ORIGINS",
        "every site's scripts may read the token endpoint's answers",
        "name the origins, or leave it out",
        lambda s: s.cors_origins is not None and "*" in s.cors_origins,
    ),
)


def examine(state: State) -> list[Weakness]:
    """Every weakness of an app's configuration, in the order of `CHECKS`; then those of single issuers."""
    found = [check.weakness for check in CHECKS if check.applies(state.settings)]
    if not state.app.secret_key:
        found.append(
            Weakness("SECRET_KEY", "forms, sessions and keys can't be signed or encrypted", "set a long random text")
        )
    found += [
        Weakness(
            f"OAUTH_SAML_ISSUERS[{name!r}]['allow_sha1']",
            "a SHA-1 signature can be forged by who can make a collision",
            "have the identity provider sign with SHA-256, and take it out",
        )
        for name, issuer in state.saml_issuers.items()
        if issuer.allow_sha1
    ]
    return found

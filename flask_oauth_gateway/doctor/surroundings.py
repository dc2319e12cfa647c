"""Finds what is weak in the app, its hooks and its processes: each function checks one thing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..features.people import WITH_A_PERSON
from ..protection.guard import BOUND_BY
from ..protection.operations import requirements_at
from .weakness import Weakness

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer

SHORT_KEY = 16  # bytes: 128 bits if they are random
LONG_ASSERTION = 3600


def debug_mode(server: AuthorizationServer) -> Iterator[Weakness]:
    if server.app.debug:
        yield Weakness("DEBUG", "error pages show the app's insides, and plain http is let through", "take --debug out")


def secret_key(server: AuthorizationServer) -> Iterator[Weakness]:
    for name, key in (
        ("SECRET_KEY", server.app.config.get("SECRET_KEY")),
        ("OAUTH_KEY_ENCRYPTION_KEY", server.settings.key_encryption_key),
        ("OAUTH_PAIRWISE_SALT", server.settings.pairwise_salt),
    ):
        if key and len(key) < SHORT_KEY:
            yield Weakness(name, "a short key can be guessed, and every signature with it", "set 32 random bytes")
    if server.settings.pairwise_salt and server.settings.pairwise_salt == server.app.config.get("SECRET_KEY"):
        why = "with the next SECRET_KEY every user is somebody new to clients with pairwise subjects (OIDC Core section 8.1)"
        yield Weakness("OAUTH_PAIRWISE_SALT", why, "keep the text there, and give SECRET_KEY another one")
    if not server.app.secret_key:
        yield Weakness("SECRET_KEY", "forms, sessions and keys can't be signed or encrypted", "set a long random text")


def session_cookie(server: AuthorizationServer) -> Iterator[Weakness]:
    """Checks the session's cookie: whoever has it can approve in the user's name."""
    if not _people_sign_in(server) or not (server.settings.issuer or "").startswith("https://"):
        return
    if not server.app.config["SESSION_COOKIE_SECURE"] and not _is_made_secure_later(server):
        yield Weakness(
            "SESSION_COOKIE_SECURE",
            "users' sessions travel over plain http too (RFC 6265 section 8.3)",
            "set it to True",
        )
    if not server.app.config["SESSION_COOKIE_HTTPONLY"]:
        yield Weakness("SESSION_COOKIE_HTTPONLY", "scripts can read users' sessions", "leave it at True")


def _is_made_secure_later(server: AuthorizationServer) -> bool:
    """Whether Flask-Talisman is there, which sets the key at the first request, unless in debug mode."""
    hooks = server.app.before_request_funcs.get(None, ())
    owners = [getattr(hook, "__self__", None) for hook in hooks]
    return not server.app.debug and any(getattr(owner, "session_cookie_secure", False) is True for owner in owners)


def users_who_are_gone(server: AuthorizationServer) -> Iterator[Weakness]:
    if _people_sign_in(server) and not server.users.are_known():
        yield Weakness(
            "gateway.load_user",
            "without this hook the refresh tokens of a user who is gone go on (RFC 9700 section 4.14.2)",
            "register it: a function from subject to user, or None",
        )


def trusted_issuers(server: AuthorizationServer) -> Iterator[Weakness]:
    """Checks the issuers of assertions: how long an assertion may live, its signature's algorithm, and the metadata."""
    from ..descriptions.issuers import jwt_issuers, saml_issuers

    for setting, issuers in (("OAUTH_JWT_ISSUERS", jwt_issuers(server)), ("OAUTH_SAML_ISSUERS", saml_issuers(server))):
        for name, issuer in issuers.items():
            if issuer.max_lifetime > LONG_ASSERTION:
                yield Weakness(
                    f"{setting}[{name!r}]['max_lifetime']",
                    "an assertion that is good for more than an hour is worth stealing (RFC 7521 section 8.2)",
                    "shorten it: a few minutes are enough",
                )
    for name, saml_issuer in saml_issuers(server).items():
        if saml_issuer.allow_sha1:
            yield Weakness(
                f"OAUTH_SAML_ISSUERS[{name!r}]['allow_sha1']",
                "a SHA-1 signature can be forged by who can make a collision",
                "have the identity provider sign with SHA-256, and take it out",
            )
        if saml_issuer.has_old_metadata:
            yield Weakness(
                f"OAUTH_SAML_ISSUERS[{name!r}]['metadata']",
                saml_issuer.problem or "",
                "get the identity provider's metadata anew, and restart",
            )


def several_processes(server: AuthorizationServer) -> Iterator[Weakness]:
    """Checks for counts that only one process has, where a server starts several."""
    try:
        workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
    except ValueError:
        return
    if workers > 1 and server.settings.redis_url is None and server.settings.rate_limits is not None:
        yield Weakness(
            "OAUTH_REDIS_URL",
            f"each of {workers} processes (WEB_CONCURRENCY) counts for itself: limits are {workers} times as wide",
            "set it, or narrow OAUTH_RATE_LIMITS",
        )


def redis_answers(server: AuthorizationServer) -> Iterator[Weakness]:
    trouble = None if server.redis is None else server.redis.trouble()
    if trouble is not None:
        yield Weakness(
            "OAUTH_REDIS_URL",
            f"Redis does not answer: each process counts limits for itself, and learns late of revocations ({trouble})",
            "see that it runs, that the URL and its password are right, and that its user may do what it needs to"
            " (docs/engines/redis.md)",
        )


def bound_views(server: AuthorizationServer) -> Iterator[Weakness]:
    """Checks that what views ask for can be had: tokens that are bound by what is off open nothing."""
    on = {kind for kind in BOUND_BY if getattr(server.settings, kind)}
    routes = [(rule, method) for rule in server.app.url_map.iter_rules() for method in sorted(rule.methods or ())]
    for rule, method in routes:
        at = (rule.endpoint, method, rule.rule)
        for wanted in requirements_at(server.app, server.path_rules, server.own_endpoints, *at):
            kinds = set(BOUND_BY) if wanted.bound is True else {wanted.bound} if wanted.bound else on
            if kinds and not kinds & on:
                yield Weakness(
                    " or ".join(f"OAUTH_{kind.upper()}" for kind in sorted(map(str, kinds))),
                    f"nothing binds tokens as {rule.rule} asks for, so that no token opens it",
                    "turn it on, or ask for other tokens there",
                )
                return


def _people_sign_in(server: AuthorizationServer) -> bool:
    return any(grant in server.settings.grant_types for grant in WITH_A_PERSON)


SURROUNDINGS = (
    debug_mode, secret_key, session_cookie, users_who_are_gone, trusted_issuers, several_processes, redis_answers,
    bound_views,
)  # fmt: skip

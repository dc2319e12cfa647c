"""Settings of tokens: their formats, how long they live, and how soon a revocation is noticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import checks as check
from .setting import setting

DEFAULT_ACCESS_TOKEN_LIFETIME = 3600


@dataclass(frozen=True)
class TokenSettings:
    __slots__ = ()

    access_token_format: str = setting(
        "opaque",
        check.one_of("opaque", "jwt"),
        '`"opaque"`: random, looked up at each use; `"jwt"`: signed, checked without a look-up (RFC 9068). A client may have'
        " its own.",
    )
    access_token_lifetime: int | Mapping[str, int] = setting(
        3600,
        check.lifetime_by_grant,
        "Seconds that an access token lives: a number, a `timedelta`, or a dict by grant type. A client may have its own.",
    )
    token_prefix: str = setting(
        "",
        check.token_prefix,
        'What every token begins with, e.g. `"acme_"`, so that secret scanners know one when they see it.',
    )
    refresh_tokens: str = setting(
        "rotate",
        check.one_of("rotate", "preserve", "once"),
        '`"rotate"`: each use gives a new one, and reuse of an old one revokes its family (RFC 9700 section 4.14.2);'
        ' `"preserve"`: the same one goes on; `"once"`: a refresh gives no further one.',
    )
    refresh_token_lifetime: int = setting(
        30 * 86400,
        check.positive,
        "Seconds after the approval in which it can be refreshed, however often. A client may have its own.",
    )
    refresh_token_idle: int | None = setting(
        None, check.optional_positive, "Seconds without use after which a refresh token ends; `None`: it doesn't."
    )
    refresh_token_grace: int = setting(
        0,
        check.seconds,
        "Seconds in which a repeat of the last rotation is a lost answer, not a theft: it gets the same successor.",
    )
    revocation_poll_seconds: int = setting(
        2, check.seconds, "How late a process may learn of a revoked JWT; 0 looks it up each time."
    )
    token_cache_seconds: int = setting(
        0,
        check.seconds,
        "How long a process may go by a token that it has verified before it looks again: how stale it may be.",
    )

    def access_token_lifetime_of(self, grant_type: str) -> int:
        """Seconds that an access token of this grant lives, where its client has no lifetime of its own."""
        if isinstance(self.access_token_lifetime, int):
            return self.access_token_lifetime
        return self.access_token_lifetime.get(grant_type, DEFAULT_ACCESS_TOKEN_LIFETIME)

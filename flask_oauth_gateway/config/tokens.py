"""Settings of tokens: their formats, how long they live, and how soon a revocation is noticed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .checks import ConfigurationError, full_grant_type, one_of, optional_positive, positive, seconds
from .setting import setting

DEFAULT_ACCESS_TOKEN_LIFETIME = 3600


def read_lifetime_by_grant(key: str, value: Any) -> int | Mapping[str, int]:
    """Seconds, or a dict of grant type to seconds."""
    if isinstance(value, Mapping):
        return {full_grant_type(name): positive(f"{key}[{name!r}]", item) for name, item in value.items()}
    return positive(key, value)


def read_token_prefix(key: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_-]{0,32}", value):
        raise ConfigurationError(key, value, "up to 32 letters, digits, '_' and '-'")
    return value


@dataclass(frozen=True, init=False, repr=False, eq=False)
class TokenSettings:
    """A group of `Settings`."""

    __slots__ = ()

    access_token_format: str = setting(
        "opaque",
        one_of("opaque", "jwt"),
        '`"opaque"`: an access token is random, and is looked up at each use; `"jwt"`: it is signed, and is'
        " checked without a look-up (RFC 9068). A client may have its own format.",
    )
    access_token_lifetime: int | Mapping[str, int] = setting(
        3600,
        read_lifetime_by_grant,
        "How many seconds an access token lives: a number, a `timedelta`, or a dict by grant type. A client may"
        " have its own lifetime.",
    )
    token_prefix: str = setting(
        "",
        read_token_prefix,
        'What every token begins with, e.g. `"acme_"`, so that secret scanners know a token when they see it.',
    )
    refresh_tokens: str = setting(
        "rotate",
        one_of("rotate", "preserve", "once"),
        '`"rotate"`: each use of a refresh token gives a new one, and reuse of an old one revokes its approval'
        ' (RFC 9700 section 4.14.2); `"preserve"`: the same refresh token stays; `"once"`: a refresh gives no'
        " further refresh token.",
    )
    refresh_token_lifetime: int = setting(
        30 * 86400,
        positive,
        "For how many seconds after an approval its tokens can be refreshed, however often. A client may have its"
        " own lifetime.",
    )
    refresh_token_idle: int | None = setting(
        None,
        optional_positive,
        "After how many seconds without use a refresh token ends. With `None`, a refresh token doesn't end for"
        " want of use.",
    )
    refresh_token_grace: int = setting(
        0,
        seconds,
        "For how many seconds a repeat of the last rotation counts as a lost answer, not as a theft: the client"
        " gets the same new token again.",
    )
    revocation_poll_seconds: int = setting(
        2,
        seconds,
        "How many seconds late a process may learn that a JWT was revoked. With 0, the process looks at each use.",
    )
    token_cache_seconds: int = setting(
        0,
        seconds,
        "For how many seconds a process may rely on a token that it has verified before it looks again; for so"
        " long, its answer may be stale.",
    )

    def access_token_lifetime_of(self, grant_type: str) -> int:
        """The lifetime in seconds of an access token of this grant, where its client has no lifetime of its own."""
        if isinstance(self.access_token_lifetime, int):
            return self.access_token_lifetime
        return self.access_token_lifetime.get(grant_type, DEFAULT_ACCESS_TOKEN_LIFETIME)

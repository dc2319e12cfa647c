"""Settings of clients that nobody registers by hand: dynamic registration, and what such a client may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .checks import ConfigurationError, days, dict_of_dicts, names, one_of, positive
from .grants import read_grant_types
from .setting import setting

OPEN, TOKEN, STATEMENT = "open", "token", "statement"


def read_ceiling(key: str, value: Any) -> tuple[str, ...] | None:
    """Names of scopes, or `None`: all of the app's own."""
    return None if value is None else names(key, value)


def read_unused_days(key: str, value: Any) -> int:
    found = days(key, value)
    if not found:
        raise ConfigurationError(key, value, "a number of days, 1 or more")
    return found


@dataclass(frozen=True, init=False, repr=False, eq=False)
class RegistrationSettings:
    """A group of `Settings`."""

    __slots__ = ()

    registration: str | None = setting(
        None,
        one_of(None, OPEN, TOKEN, STATEMENT),
        "Whether programs register clients by themselves at `/oauth/register` (RFC 7591, OpenID Connect Registration)."
        ' `"open"`: everybody may; `"token"`: who has an initial access token (`flask oauth registration-token create`);'
        ' `"statement"`: who has a software statement of one of `OAUTH_SOFTWARE_STATEMENT_ISSUERS`; `None`: nobody.',
    )
    registration_scopes: tuple[str, ...] | None = setting(
        None,
        read_ceiling,
        "The most scopes that a client may have which nobody registered by hand. `None`: all of `OAUTH_SCOPES` but"
        " `oauth:admin`. An initial access token that names scopes has its own in their place.",
    )
    registration_grant_types: tuple[str, ...] = setting(
        ("authorization_code", "refresh_token"),
        read_grant_types,
        "The grants that a client may have which nobody registered by hand, as far as they are in `OAUTH_GRANT_TYPES`.",
    )
    registration_max: int = setting(
        10_000,
        positive,
        "How many registered clients there may be that no user has allowed anything yet. Beyond that the oldest of these"
        " are deleted.",
    )
    registration_unused_days: int = setting(
        90,
        read_unused_days,
        "After how many days without use a client is deleted which nobody registered by hand (`flask oauth token purge`).",
    )
    software_statement_issuers: Mapping[str, Mapping[str, Any]] = setting(
        {},
        dict_of_dicts,
        "Who may sign software statements (RFC 7591 section 2.3), whose values win over those of the request: a dict by"
        " issuer. An issuer's entry is a dict with one of `jwks` (a key set), `jwks_uri` or `key` (PEM public key or"
        " certificate, or a JWK). It may also have `algorithms` (left out: those of the key's type), `audience` (left out:"
        " a statement need not name one), `scopes` (the most that its clients may have, in place of"
        " `OAUTH_REGISTRATION_SCOPES`), and `private_addresses` (`False`; whether `jwks_uri` may be in a private network).",
    )

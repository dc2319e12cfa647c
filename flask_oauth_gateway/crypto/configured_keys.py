"""Loads the keys of an issuer from its entry in the configuration."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..config.checks import ConfigurationError, boolean, is_secure, one_or_more_of
from ..errors import without_secrets
from .certificates import UnusableKey
from .jwk import EVERY_ALGORITHM, algorithms_of
from .key_sets import FixedKeys, PemKeys, RemoteKeys, keys_in

if TYPE_CHECKING:
    from ..config.hardening.profiles import Profile

logger = logging.getLogger(__name__)

KEY_SOURCES = ("jwks", "jwks_uri", "key")
FETCHABLE = "an https URL without user name and password"


def configured_algorithms(
    key: str, given: Any, source: FixedKeys | PemKeys | RemoteKeys, profile: Profile
) -> tuple[str, ...] | None:
    """The algorithms that an issuer may use: those of its entry (`given`), else those of the profile; `None`: by its keys.

    Where its keys are known, each algorithm must fit one of them. Raises `ConfigurationError`.
    """
    if given is None:
        return profile.algorithms
    listed: tuple[str, ...] = one_or_more_of(*EVERY_ALGORITHM)(key, given)
    for name in listed:
        if not profile.takes(name):
            raise ConfigurationError(key, name, f"one of {', '.join(profile.algorithms or ())}, by OAUTH_PROFILE")
    fixed = None if isinstance(source, RemoteKeys) else source.fixed
    possible = None if fixed is None else {name for each in fixed for name in algorithms_of(each)}
    for name in listed:
        if possible is not None and name not in possible:
            raise ConfigurationError(key, name, f"an algorithm that fits the key ({', '.join(sorted(possible))})")
        if possible is None and name.startswith("HS"):
            raise ConfigurationError(key, name, "no HMAC with jwks_uri: a secret that can be fetched is none")
    return listed


def configured_keys(
    key: str, entry: Mapping[str, Any], *, relaxed: bool, symmetric: bool = False
) -> FixedKeys | PemKeys | RemoteKeys:
    """The keys of an issuer's entry in the configuration: one of `jwks`, `jwks_uri` and `key`. Raises `ConfigurationError`.

    What can't be used of a key set is skipped with a warning, as it is of one that is fetched.
    """
    given = [name for name in KEY_SOURCES if entry.get(name)]
    if len(given) != 1:
        raise ConfigurationError(key, given, "a dict with one of jwks, jwks_uri and key")
    value = entry[given[0]]
    try:
        if given != ["jwks_uri"]:
            skipped: list[str] = []
            is_pem = given == ["key"] and isinstance(value, str)
            found = PemKeys({None: value}) if is_pem else keys_in(value, symmetric=symmetric, skipped=skipped)
            for each in skipped:
                logger.warning("%s['%s']: skipped %s", without_secrets(key), given[0], each)
            return found
    except UnusableKey as error:  # the value may be a secret, so no message shows it
        raise ConfigurationError(f"{key}[{given[0]!r}]", "what can't be used", f"a public key: {error}") from error
    if not isinstance(value, str) or not is_fetchable(value, relaxed=relaxed):
        raise ConfigurationError(
            f"{key}['jwks_uri']", value, f"{FETCHABLE} (in debug and testing http on loopback too)"
        )
    private_addresses = boolean(f"{key}['private_addresses']", entry.get("private_addresses", False))
    return RemoteKeys(value, private_addresses=private_addresses, plain_http_on_loopback=relaxed)


def is_fetchable(url: str, *, relaxed: bool) -> bool:
    """Whether keys may be fetched from a URL: https, or in debug and testing http on loopback; nobody's name is in it."""
    try:
        parts = urlsplit(url)
        is_plain = bool(parts.hostname) and "@" not in parts.netloc
        return is_plain and is_secure(url) and (relaxed or parts.scheme == "https")
    except ValueError:
        return False

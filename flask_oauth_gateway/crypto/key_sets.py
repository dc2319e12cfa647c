"""The keys of issuers and clients: read once from the configuration or the registry, or fetched from a URL and kept.

A remote set is fetched again when its time is up, and for an unknown `kid`: one fetch at a time, and at most one a
minute. While its server is down, the known keys go on working.
"""

from __future__ import annotations

import json
import logging
import time
from typing import Protocol

from joserfc.jwk import Key

from ..errors import without_secrets
from ..locks import Lock
from .certificates import UnusableKey
from .fetching import FetchError, fetch
from .jose import JwtError, load_jwks, load_pem, validity_of

logger = logging.getLogger(__name__)

DEFAULT_SECONDS = 3600
MIN_SECONDS = 60
MAX_SECONDS = 86400


class KeySource(Protocol):
    """A source of keys. `problem` says why there are none, or no new ones."""

    @property
    def problem(self) -> str | None: ...

    def keys(self, kid: str | None = None) -> tuple[Key, ...]:
        """The keys, including the one with this `kid` if there is one."""


def keys_for(source: KeySource, kid: object) -> tuple[Key, ...]:
    """The keys that may have signed a JWT whose header names this `kid`. Raises `JwtError` where there are no keys at all."""
    found = source.keys(kid if isinstance(kid, str) else None)
    if not found:
        raise JwtError(f"its issuer has no key that can be used: {source.problem}")
    return found


class FixedKeys:
    """Keys that never change."""

    problem: str | None = None

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self.fixed = keys

    def keys(self, kid: str | None = None) -> tuple[Key, ...]:
        return self.fixed


class PemKey:
    """A PEM public key, or an X.509 certificate, whose key is used while the certificate is valid. Raises `UnusableKey`."""

    def __init__(self, text: str) -> None:
        self.fixed = (load_pem(text),)
        self._valid = validity_of(text)

    @property
    def problem(self) -> str | None:
        if self._valid is None or self._valid[0] <= time.time() <= self._valid[1]:
            return None
        return "its certificate has expired, or is not valid yet"

    def keys(self, kid: str | None = None) -> tuple[Key, ...]:
        return self.fixed if self.problem is None else ()


class RemoteKeys:
    """The keys at a `jwks_uri`: none until the first fetch succeeds."""

    def __init__(self, url: str, *, private_addresses: bool = False, plain_http_on_loopback: bool = False) -> None:
        self.url = url
        self._private_addresses = private_addresses
        self._plain_http_on_loopback = plain_http_on_loopback
        self._keys: tuple[Key, ...] = ()
        self._fresh_until = 0.0
        self._next_fetch = 0.0
        self._lock = Lock()
        self.problem: str | None = None

    def keys(self, kid: str | None = None) -> tuple[Key, ...]:
        now = time.monotonic()
        unknown = kid is not None and all(key.get("kid") != kid for key in self._keys)
        if (now >= self._fresh_until or unknown) and now >= self._next_fetch:
            self._fetch(wait=unknown or not self._keys)
        return self._keys

    def _fetch(self, *, wait: bool) -> None:
        """Fetch the keys, unless another thread is fetching them; `wait`: then wait for that thread."""
        if not self._lock.acquire(wait=wait):
            return
        try:
            if time.monotonic() >= self._next_fetch:
                self._fetch_now()
        finally:
            self._lock.release()

    def _fetch_now(self) -> None:
        try:
            body, seconds = fetch(
                self.url,
                private_addresses=self._private_addresses,
                plain_http_on_loopback=self._plain_http_on_loopback,
            )
            self._keys = load_jwks(json.loads(body), lenient=True)
            kept = DEFAULT_SECONDS if seconds is None else min(max(seconds, MIN_SECONDS), MAX_SECONDS)
            self._fresh_until = time.monotonic() + kept
            self.problem = None
        except (FetchError, UnusableKey, ValueError, RecursionError) as error:
            # The text is in part the other server's.
            self.problem = "".join(c if c.isprintable() else "?" for c in str(error)[:300])
            logger.warning("The key set %s can't be had: %s", without_secrets(self.url), self.problem)
        finally:  # not earlier, so that threads which come meanwhile wait for this fetch
            self._next_fetch = time.monotonic() + MIN_SECONDS

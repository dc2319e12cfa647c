"""The keys of issuers and clients: read once from the configuration or the registry, or fetched from a URL and kept.

A remote set is fetched again when its time is up, and for an unknown `kid`: one fetch at a time, and at most one a
minute. While its server is down, the known keys go on working.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from cryptography import x509
from joserfc.jwk import Key

from ..errors import shown, without_secrets
from ..locks import Lock
from .certificates import UnusableKey, certificate_of
from .fetching import MAX_REDIRECTS, FetchError, fetch
from .fetching import MAX_SECONDS as FETCH_SECONDS
from .jose import JwtError
from .jwk import NoKey, load_jwks, load_pem

logger = logging.getLogger(__name__)

DEFAULT_SECONDS = 3600
MIN_SECONDS = 60
MAX_SECONDS = 86400
MAX_TOLD = 10  # of what a set holds that can't be used: whoever writes the set must not fill the log


class KnownKey(NamedTuple):
    """A key, with the certificate that it came in."""

    key: Key
    certificate: x509.Certificate | None


class KeySource(Protocol):
    """A source of keys. `problem` says why there are none, or no new ones."""

    @property
    def problem(self) -> str | None: ...

    def keys(self, kid: str | None = None) -> tuple[Key, ...]:
        """The keys, including the one with this `kid` if there is one."""

    def known(self) -> list[KnownKey]:
        """The keys that are known already, also those of a certificate that has expired."""


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

    def known(self) -> list[KnownKey]:
        return [KnownKey(key, None) for key in self.fixed]


class PemKeys:
    """PEM public keys and X.509 certificates by `kid`. A certificate's key is used while the certificate is valid.

    `skipped`: what can't be used is left out and told there, as long as one key is left. Raises `UnusableKey`.
    """

    def __init__(self, texts: Mapping[str | None, Any], skipped: list[str] | None = None) -> None:
        self._known: list[KnownKey] = []
        problems = []
        for kid, text in texts.items():
            try:
                self._known.append(KnownKey(load_pem(text, kid), _certificate_in(text)))
            except (UnusableKey, AttributeError, TypeError) as error:  # it may be no text at all
                reason = str(error) if isinstance(error, UnusableKey) else "it is no PEM text"
                problems.append(reason if kid is None else f"{shown(kid, 60)}: {reason}")
        if problems and (skipped is None or not self._known):
            raise UnusableKey("; ".join(problems[:3]))
        if skipped is not None:
            skipped += problems
        self.fixed = tuple(each.key for each in self._known)
        self._valid = [(each.key, *_validity(each.certificate)) for each in self._known]

    @property
    def problem(self) -> str | None:
        return None if self.keys() else "its certificate has expired, or is not valid yet"

    def keys(self, kid: str | None = None) -> tuple[Key, ...]:
        now = time.time()
        return tuple(key for key, begins, ends in self._valid if begins <= now <= ends)

    def known(self) -> list[KnownKey]:
        return self._known


def keys_in(document: Any, *, symmetric: bool = False, skipped: list[str] | None = None) -> FixedKeys | PemKeys:
    """The keys of a key set, or of a JSON object of `kid` to PEM certificate or public key, as Google publishes them.

    `symmetric` and `skipped` are those of `load_jwks`. Raises `UnusableKey`.
    """
    is_key_set = not isinstance(document, Mapping) or isinstance(document.get("keys"), list) or "kty" in document
    if not is_key_set and any(isinstance(text, str) and "-----BEGIN" in text for text in document.values()):
        return PemKeys(document, skipped)
    return FixedKeys(load_jwks(document, symmetric=symmetric, skipped=skipped))


def _certificate_in(text: str) -> x509.Certificate | None:
    return certificate_of(text.encode()) if "BEGIN CERTIFICATE" in text else None


def _validity(certificate: x509.Certificate | None) -> tuple[float, float]:
    """When a certificate's validity begins and ends, in seconds since 1970; a key without a certificate is always valid."""
    if certificate is None:
        return 0, math.inf
    return certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()


ReadKeys = Callable[[Any, list[str]], FixedKeys | PemKeys]


class RemoteKeys:
    """The keys at a `jwks_uri`: none until the first fetch succeeds.

    `read` finds those that are wanted in the document; `within` says for how many seconds the one who asks now can wait.
    """

    def __init__(
        self,
        url: str,
        *,
        redirects: int = MAX_REDIRECTS,
        private_addresses: bool = False,
        plain_http_on_loopback: bool = False,
        read: ReadKeys | None = None,
        within: Callable[[], float] | None = None,
    ) -> None:
        self.url = url
        self._redirects = redirects
        self._private_addresses = private_addresses
        self._plain_http_on_loopback = plain_http_on_loopback
        self._read = read or _signature_keys
        self._within = within or _as_long_as_any
        self._found: FixedKeys | PemKeys = FixedKeys(())
        self._skipped: list[str] = []
        self._fresh_until = 0.0
        self._next_fetch = 0.0
        self._lock = Lock()
        self._failure: str | None = None

    @property
    def problem(self) -> str | None:
        return self._failure or self._found.problem

    def keys(self, kid: str | None = None) -> tuple[Key, ...]:
        now, found = time.monotonic(), self._found.keys()
        unknown = kid is not None and all(key.get("kid") != kid for key in found)
        if (now >= self._fresh_until or unknown) and now >= self._next_fetch:
            self._fetch(wait=unknown or not found)
            return self._found.keys()
        return found

    def known(self) -> list[KnownKey]:
        return self._found.known()

    def _fetch(self, *, wait: bool) -> None:
        """Fetch the keys, unless another thread is fetching them; `wait`: then wait for that thread."""
        if not self._lock.acquire(wait=wait, seconds=self._within()):
            return
        try:
            if time.monotonic() >= self._next_fetch:
                self._fetch_now()
        finally:
            self._lock.release()

    def _fetch_now(self) -> None:
        skipped: list[str] = []
        try:
            body, seconds = fetch(
                self.url,
                redirects=self._redirects,
                within=self._within(),
                private_addresses=self._private_addresses,
                plain_http_on_loopback=self._plain_http_on_loopback,
            )
            self._found = self._read(_json(body), skipped)
            kept = DEFAULT_SECONDS if seconds is None else min(max(seconds, MIN_SECONDS), MAX_SECONDS)
            self._fresh_until = time.monotonic() + kept
            self._failure = None
            if skipped != self._skipped:
                self._skipped = skipped
                for each in skipped[:MAX_TOLD]:
                    logger.warning("Of the key set %s was skipped %s", without_secrets(self.url), _printable(each))
                if (more := len(skipped) - MAX_TOLD) > 0:
                    logger.warning("Of the key set %s were skipped %d more", without_secrets(self.url), more)
        except (FetchError, UnusableKey) as error:
            if isinstance(error, NoKey):  # its owner took the keys out, and left others in: they are believed no more
                self._found = FixedKeys(())
            self._failure = _printable(str(error))
            logger.warning("The key set %s can't be had: %s", without_secrets(self.url), self._failure)
        finally:  # not earlier, so that threads which come meanwhile wait for this fetch
            self._next_fetch = time.monotonic() + MIN_SECONDS


def _as_long_as_any() -> float:
    return FETCH_SECONDS


def _signature_keys(document: Any, skipped: list[str]) -> FixedKeys | PemKeys:
    return keys_in(document, skipped=skipped)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnusableKey("what is there is no JSON") from error


def _printable(text: str) -> str:
    """A text that is in part another server's."""
    return "".join(c if c.isprintable() else "?" for c in text[:300])

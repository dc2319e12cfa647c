"""The keys of clients, as they registered them (a key set, a key set's URL, or a certificate): to verify and to encrypt.

joserfc is imported on first use: most apps have no client that signs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import has_request_context, request

from ..config.checks import may_call_loopback
from ..crypto.hashing import SEALED
from ..web.environ import READING_ENDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from joserfc.jwk import Key

    from ..config import Settings
    from ..crypto.key_sets import KeySource, ReadKeys
    from ..crypto.sealing import Sealing
    from ..stores.registered_client import Client, ClientSecret

MAX_REMEMBERED = 1000
MIN_SECONDS = 0.5  # for a key set, however long the request has waited already

Remembered = dict[int, tuple[int, int, "KeySource | None"]]  # by the client's key


class ClientKeys:
    """Finds the keys of clients. A client's keys are parsed again only when its registration changes."""

    def __init__(self, app: Flask, settings: Settings, sealing: Sealing) -> None:
        self._app = app
        self._settings = settings
        self._sealing = sealing
        self._remembered: Remembered = {}
        self._for_encryption: Remembered = {}

    def of(self, client: Client) -> KeySource | None:
        """The source of the keys with which a client signs; `None` where it has no usable keys."""
        return _recalled(self._remembered, client, self._load)

    def for_encryption(self, client: Client, algorithm: str) -> tuple[Key | None, str | None]:
        """The key to which a client's answers are encrypted by an algorithm; `None` where there is none, and why."""
        from ..crypto.encryption import key_for

        source = _recalled(self._for_encryption, client, self._load_for_encryption)
        if source is None:
            return None, "it has neither jwks nor jwks_uri that can be used"
        key = key_for(algorithm, source.keys())
        if key is None:
            key = key_for(algorithm, source.keys(kid=""))  # fetched again, where that was not just done
        return key, source.problem or f"its key set has no key for {algorithm}"

    def secrets_of(self, client: Client) -> Iterator[tuple[ClientSecret, Key]]:
        """The live secrets of a client that signs by HMAC, each as a key. These secrets are encrypted, not hashed."""
        from joserfc.jwk import OctKey

        now = time.time()
        for secret in client.secrets:
            if secret.is_live(now) and secret.digest.startswith(SEALED):
                text = self._sealing.unseal(secret.digest.removeprefix(SEALED))
                if text is not None:
                    yield secret, OctKey.import_key(text.encode())

    def on_loopback(self) -> bool:
        """Whether clients' documents may stand on this machine, and be called by plain http there."""
        return may_call_loopback(self._settings.issuer, relaxed=self._app.debug or self._app.testing)

    def _remote(self, client: Client, url: str, read: ReadKeys | None = None) -> KeySource:
        """The keys at a client's `jwks_uri`. What a stranger names is read where it says, and nowhere else."""
        from ..crypto.fetching import MAX_REDIRECTS
        from ..crypto.key_sets import RemoteKeys

        redirects = 0 if client.is_unchecked else MAX_REDIRECTS
        return RemoteKeys(
            url, redirects=redirects, plain_http_on_loopback=self.on_loopback(), read=read, within=seconds_left
        )

    def _load(self, client: Client) -> KeySource | None:
        from ..crypto.certificates import UnusableKey
        from ..crypto.jwk import load_jwks
        from ..crypto.key_sets import FixedKeys, PemKeys

        try:
            if client.jwks is not None:
                return FixedKeys(load_jwks(client.jwks))
            if client.certificate is not None:
                return PemKeys({None: client.certificate})
        except UnusableKey:
            return None
        if client.jwks_uri is not None:
            return self._remote(client, client.jwks_uri)
        return None

    def _load_for_encryption(self, client: Client) -> KeySource | None:
        from ..crypto.certificates import UnusableKey
        from ..crypto.encryption import encryption_keys_in

        if client.jwks_uri is not None:
            return self._remote(client, client.jwks_uri, encryption_keys_in)
        try:
            return None if client.jwks is None else encryption_keys_in(client.jwks)
        except UnusableKey:
            return None


def seconds_left() -> float:
    """For how long a client's key set, or what it signed, may be read: less, where this request has waited for its document."""
    from ..crypto.fetching import MAX_SECONDS

    ends = request.environ.get(READING_ENDS) if has_request_context() else None
    return MAX_SECONDS if ends is None else min(MAX_SECONDS, max(MIN_SECONDS, ends - time.monotonic()))


def _recalled(remembered: Remembered, client: Client, load: Callable[[Client], KeySource | None]) -> KeySource | None:
    """The source of a client's keys that is remembered, loaded where the client is new or changed."""
    known = remembered.get(client.key)
    if known is not None and known[0] == client.updated_at and known[1] == client.version:
        return known[2]
    source = load(client)
    if len(remembered) >= MAX_REMEMBERED:
        remembered.clear()
    remembered[client.key] = (client.updated_at, client.version, source)
    return source

"""The keys with which a client signs, as it registered them: a key set, a key set's URL, or a certificate.

joserfc is imported on first use: most apps have no client that signs.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..crypto.hashing import SEALED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from joserfc.jwk import Key

    from ..crypto.key_sets import KeySource
    from ..crypto.sealing import Sealing
    from ..stores.registered_client import Client, ClientSecret

MAX_REMEMBERED = 1000


class ClientKeys:
    """Finds the keys of clients. A client's keys are parsed again only when its registration changes."""

    def __init__(self, app: Flask, sealing: Sealing) -> None:
        self._app = app
        self._sealing = sealing
        self._remembered: dict[int, tuple[int, int, KeySource | None]] = {}  # by the client's key

    def of(self, client: Client) -> KeySource | None:
        """The source of a client's keys; `None` where it has no usable keys."""
        remembered = self._remembered.get(client.key)
        if remembered is not None and remembered[0] == client.updated_at and remembered[1] == client.version:
            return remembered[2]
        source = self._load(client)
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[client.key] = (client.updated_at, client.version, source)
        return source

    def secrets_of(self, client: Client) -> Iterator[tuple[ClientSecret, Key]]:
        """The live secrets of a client that signs by HMAC, each as a key. These secrets are encrypted, not hashed."""
        from joserfc.jwk import OctKey

        now = time.time()
        for secret in client.secrets:
            if secret.is_live(now) and secret.digest.startswith(SEALED):
                text = self._sealing.unseal(secret.digest.removeprefix(SEALED))
                if text is not None:
                    yield secret, OctKey.import_key(text.encode())

    def _load(self, client: Client) -> KeySource | None:
        from ..crypto.certificates import UnusableKey
        from ..crypto.jwk import load_jwks
        from ..crypto.key_sets import FixedKeys, PemKeys, RemoteKeys

        try:
            if client.jwks is not None:
                return FixedKeys(load_jwks(client.jwks))
            if client.certificate is not None:
                return PemKeys({None: client.certificate})
        except UnusableKey:
            return None
        if client.jwks_uri is not None:
            return RemoteKeys(client.jwks_uri, plain_http_on_loopback=self._app.debug or self._app.testing)
        return None

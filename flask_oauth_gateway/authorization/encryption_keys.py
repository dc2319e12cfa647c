"""The keys to which clients encrypt their requests (`use: enc`): made on first use, rotated by age, and never used to sign.

There is a key for each algorithm. A new one is good at once; the one before it goes on opening what comes, as long as
anybody may remember the key set in which it stood.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from joserfc.jwk import ECKey, Key, KeyParameters, RSAKey

from ..crypto.encryption import TAKEN_ALGORITHMS, decrypt
from ..errors import NotConfigured, TemporarilyUnavailable
from ..locks import Lock
from ..signals import key_changed
from ..tokens.signing_keys import DAY, MIN_RELOAD_SECONDS, MOST_AT_ONCE, RELOAD_SECONDS
from ..web.environ import actor

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.engine import Row

    from ..config import Settings
    from ..crypto.sealing import Sealing
    from ..stores.keys import KeyStore

KEPT_SECONDS = 2 * DAY  # for which the key before the newest opens what comes


class EncryptionKey(NamedTuple):
    """A key with its private half. Times are seconds since 1970."""

    kid: str
    algorithm: str
    generation: int
    public: dict[str, Any]
    key: Key
    created_at: int
    active_from: int
    retired_at: int | None


class EncryptionKeys:
    """The keys to which something may be encrypted, as one process knows them."""

    def __init__(self, app: Flask, settings: Settings, keys: KeyStore, sealing: Sealing) -> None:
        self._app = app
        self._settings = settings
        self._store = keys
        self._sealing = sealing
        self._keys: dict[str, EncryptionKey] = {}  # by `kid`, the oldest first
        self._loaded_at = -1e9
        self._lock = Lock(reentrant=True)

    def published(self) -> list[EncryptionKey]:
        """The newest key of each algorithm, for the public key set. Makes the first one, and the next where it is due."""
        self._reload_if(RELOAD_SECONDS)
        return [self._newest(algorithm) or self._make(algorithm) for algorithm in TAKEN_ALGORITHMS]

    def all(self) -> list[EncryptionKey]:
        """Every key that can be opened, the oldest first."""
        self._reload_if(0)
        return [*self._keys.values()]

    def decrypt(self, text: str) -> str:
        """What a client has encrypted to one of the keys. Raises `JwtError`."""
        return decrypt(text, self._for)

    def _for(self, algorithm: str, kid: str | None) -> list[Key]:
        self._reload_if(RELOAD_SECONDS)
        if kid is not None and kid not in self._keys:
            self._reload_if(MIN_RELOAD_SECONDS)  # another process may have just made it
        now = time.time()
        return [
            each.key
            for each in reversed(self._keys.values())
            if each.algorithm == algorithm and kid in (None, each.kid) and _is_accepted(each, now)
        ]

    def _newest(self, algorithm: str) -> EncryptionKey | None:
        """The key to encrypt to; `None` where there is none, or where its time is over."""
        now, days = time.time(), self._settings.key_rotation_days
        fitting = [each for each in self._keys.values() if each.algorithm == algorithm and each.retired_at is None]
        if not fitting or (days and now >= fitting[-1].created_at + days * DAY):
            return None
        return fitting[-1]

    def _make(self, algorithm: str) -> EncryptionKey:
        """Make the next key of an algorithm; where several processes try, exactly one makes it."""
        if not self._sealing.has_key():
            self._app.logger.error("Keys to encrypt to need a SECRET_KEY, or OAUTH_KEY_ENCRYPTION_KEY.")
            raise NotConfigured("The server can't keep a key to encrypt to: its configuration needs SECRET_KEY.")
        with self._lock:
            values = _new_key(algorithm)
            sealed = self._sealing.seal(json.dumps(values.as_dict(private=True)))
            for _ in range(MOST_AT_ONCE):
                self._load()
                newest = self._newest(algorithm)
                if newest is not None:
                    return newest
                now = int(time.time())
                made = {
                    "kid": values.kid,
                    "algorithm": algorithm,
                    "public": values.as_dict(private=False),
                    "sealed": sealed,
                    "generation": min((row.generation for row in self._store.to_encrypt_to()), default=0) - 1,
                    "created_at": now,
                    "active_from": now,
                }
                if self._store.add(made):
                    for each in self._keys.values():
                        if each.algorithm == algorithm and each.retired_at is None:
                            self._store.retire(each.kid, now + KEPT_SECONDS)
                    self._load()
                    key_changed.send(self._app, kid=made["kid"], change="rotate", actor=actor())
                    return self._keys[str(made["kid"])]
        raise TemporarilyUnavailable

    def _reload_if(self, older_than: float) -> None:
        if time.monotonic() - self._loaded_at >= older_than:
            with self._lock:
                if time.monotonic() - self._loaded_at >= older_than:
                    self._load()

    def _load(self) -> None:
        keys = {}
        for row in self._store.to_encrypt_to():
            key = self._keys.get(row.kid) or self._open(row)
            if key is not None:
                keys[key.kid] = key._replace(retired_at=row.retired_at)
        self._keys = keys
        self._loaded_at = time.monotonic()

    def _open(self, row: Row[Any]) -> EncryptionKey | None:
        """A key, or `None` where the app's `SECRET_KEY` can't unseal it any more."""
        text = self._sealing.unseal(row.sealed) if self._sealing.has_key() else None
        if text is None:
            self._app.logger.error("The key %s can't be opened: is SECRET_KEY another one now?", row.kid)
            return None
        kind: type[Key] = RSAKey if row.public["kty"] == "RSA" else ECKey
        key = kind.import_key(json.loads(text))
        return EncryptionKey(
            row.kid, row.algorithm, row.generation, row.public, key, row.created_at, row.active_from, row.retired_at
        )


def _is_accepted(key: EncryptionKey, now: float) -> bool:
    return key.retired_at is None or key.retired_at > now


def _new_key(algorithm: str) -> Key:
    parameters: KeyParameters = {"kid": secrets.token_hex(16), "alg": algorithm, "use": "enc"}
    if algorithm.startswith("RSA"):
        return RSAKey.generate_key(2048, parameters)
    return ECKey.generate_key("P-256", parameters)

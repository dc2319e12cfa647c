"""The signing keys: made on first use, rotated by age, and published from before they sign until their last token expires.

There is a key for each algorithm in use, and each is rotated by itself. Which key signs depends only on the clock and
the table, so that all processes change to the next key at the same time.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any

from joserfc.jwk import ECKey, Key, KeyParameters, OKPKey, RSAKey

from ..crypto.jose import Signer
from ..errors import NotConfigured, TemporarilyUnavailable
from ..locks import Lock
from ..signals import key_changed
from ..stores.revocations.mark import MAX_TOKEN_LIFETIME, mark_of
from ..web.environ import actor
from .revoking import KEY
from .signing_key import (
    Keys,
    SigningKey,
    before_the_change,
    generation_of,
    newest_active,
    newest_of,
)

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.engine import Row

    from ..config import Settings
    from ..crypto.sealing import Sealing
    from ..stores.keys import KeyStore
    from .revoked import Revoked
    from .revoking import Revoking

RELOAD_SECONDS = 60  # how long a process uses the keys before it reads them again
PUBLISH_AHEAD_SECONDS = 3600  # longer than anybody caches the key set
MIN_RELOAD_SECONDS = 1  # an unknown kid, which anybody may invent, makes the process read the keys at most this often
MOST_AT_ONCE = 10  # processes that make a key in the same moment
KID_RANDOM = 16  # a kid's random hex digits; its proof follows them
DAY = 86400


class KeyRing:
    """The signing keys, as one process knows them."""

    def __init__(
        self, app: Flask, settings: Settings, keys: KeyStore, sealing: Sealing, revoked: Revoked, revoking: Revoking
    ) -> None:
        self._app = app
        self._settings = settings
        # What is signed for a client, ID tokens and answers, is signed by the client's algorithm.
        self._has_several = bool(settings.oidc or settings.jarm)
        self._store = keys
        self._sealing = sealing
        self._revoked = revoked
        self._revoking = revoking
        self._keys: Keys = {}
        self._loaded_at = -1e9
        self._lock = Lock(reentrant=True)
        self._looked_for: set[str] = set()  # stays small: only this app can make a kid that gets in here

    def signing_key(self, algorithm: str | None = None) -> SigningKey:
        """The key that signs now by an algorithm. Makes the first key, and the next one where it is due.

        `None`: that of access tokens, by `OAUTH_SIGNING_ALGORITHM`; where there is no such key yet, by the one before. For an
        algorithm that the profile forbids, as of a client that was registered before it: that of access tokens.
        """
        if algorithm is not None and not self._settings.in_profile.takes(algorithm):
            algorithm = None
        self._reload_if(RELOAD_SECONDS)
        keys, now = self._keys, time.time()
        newest = self._signs(keys, algorithm, now)
        if newest is not None and self._revoked.covers(1, (newest.mark,)):
            self._reload_if(0)  # another process has retired it
            keys = self._keys
            newest = self._signs(keys, algorithm, now)
        if newest is None:
            # That of access tokens comes first: any other than this follows a change.
            if not keys and algorithm is not None:
                self.rotate(publish_ahead=0, known=keys)
            self.rotate(algorithm, publish_ahead=0, known=keys)
            keys, now = self._keys, time.time()  # the key is active from the second in which it was made
            newest = self._signs(keys, algorithm, now)
        if newest is None:
            raise TemporarilyUnavailable
        self._rotate_by_age(newest, algorithm, keys, now)
        return newest

    def find(self, kid: str | None) -> SigningKey | None:
        """A published key by its `kid`, even one that another process has just made."""
        if kid is None:
            return None
        self._reload_if(RELOAD_SECONDS)
        if kid not in self._keys:
            self._look_again(kid)
        key = self._keys.get(kid)
        return key if key is not None and self._is_published(key, time.time()) else None

    def was_ours(self, kid: str) -> bool:
        """Whether this app provably made a key of this `kid`, which may be retired by now."""
        return kid[KID_RANDOM:] in self._sealing.proofs(kid[:KID_RANDOM])

    def all(self) -> list[SigningKey]:
        """Every key, the oldest first."""
        self._reload_if(0)
        return sorted(self._keys.values(), key=generation_of)

    def published(self) -> list[SigningKey]:
        """The keys of the public key set (RFC 7517 section 5)."""
        self._reload_if(RELOAD_SECONDS)
        there = {key.algorithm for key in self._keys.values() if self._is_published(key, time.time())}
        if self._has_several:
            if self._settings.signing_algorithm not in there:
                self.signing_key()
            if self._settings.id_token_algorithm not in there:
                self.signing_key(self._settings.id_token_algorithm)
        elif not there:
            self.signing_key()
        now = time.time()
        return [key for key in self._keys.values() if self._is_published(key, now)]

    def rotate(
        self,
        algorithm: str | None = None,
        *,
        publish_ahead: int = PUBLISH_AHEAD_SECONDS,
        known: Keys | None = None,
    ) -> SigningKey:
        """Make the next key of an algorithm (`None`: `OAUTH_SIGNING_ALGORITHM`), which signs after `publish_ahead` seconds.

        Where several processes try, exactly one makes it. `known`: the keys that the caller knows; a newer one than those
        is returned instead of making another.
        """
        algorithm = algorithm or self._settings.signing_algorithm
        if not self._sealing.has_key():
            self._app.logger.error("Signing keys need a SECRET_KEY, or OAUTH_KEY_ENCRYPTION_KEY.")
            raise NotConfigured("The server can't keep a signing key: its configuration needs SECRET_KEY.")
        with self._lock:
            self._load()
            known = self._keys if known is None else known
            values = self._new_key(algorithm)
            for _ in range(MOST_AT_ONCE):
                before = newest_of(self._keys, algorithm)
                if before is not None and before.kid not in known:
                    return before
                now = int(time.time())
                made = {
                    **values,
                    "generation": max((each.generation for each in self._keys.values()), default=0) + 1,
                    "created_at": now,
                    "active_from": now + publish_ahead,
                }
                if self._store.add(made):
                    self._let_end(algorithm, made["active_from"] + MAX_TOKEN_LIFETIME + PUBLISH_AHEAD_SECONDS)
                    self._load()
                    key_changed.send(self._app, kid=made["kid"], change="rotate", actor=actor())
                    return self._keys[made["kid"]]
                self._load()  # another process has made the key of this generation, perhaps for another algorithm
        raise TemporarilyUnavailable

    def retire(self, kid: str) -> bool:
        """Retire a key at once: every token that it signed is refused from now on."""
        retired = self._store.retire(kid)
        if retired:
            self._revoking.signed_by(kid)
            key_changed.send(self._app, kid=kid, change="retire", actor=actor())
        self._loaded_at = -1e9
        return retired

    def _signs(self, keys: Keys, algorithm: str | None, now: float) -> SigningKey | None:
        newest = newest_active(keys, algorithm or self._settings.signing_algorithm, now)
        if newest is not None or algorithm is not None:
            return newest
        keys = {kid: key for kid, key in keys.items() if self._is_taken(key)}
        if not self._has_several:
            return newest_active(keys, None, now)  # until the next rotation
        before = before_the_change(keys, now)
        following = newest_of(keys, self._settings.signing_algorithm)
        if before is not None and (following is None or following.active_from <= now):
            self.rotate(known=keys)  # the setting was changed: whoever checks tokens learns of the key an hour ahead
        return before

    def _is_taken(self, key: SigningKey) -> bool:
        """Whether the profile takes a key's algorithm: one that is older than the profile may be of another."""
        return self._settings.in_profile.takes(key.algorithm)

    def _is_published(self, key: SigningKey, now: float) -> bool:
        return key.is_published(now) and self._is_taken(key)

    def _let_end(self, algorithm: str, at: int) -> None:
        """Retire the keys before the newest when their last token has expired, and those of algorithms that nobody uses any more.

        Where ID tokens may be signed by them, those of other algorithms go on; elsewhere one algorithm follows another.
        """
        others: set[str] = set()
        if self._has_several:
            others = {
                self._settings.signing_algorithm,
                self._settings.id_token_algorithm,
                *self._store.wanted_by_clients(),
            } - {algorithm}
        for each in self._keys.values():
            if each.retired_at is None and each.algorithm not in others:
                self._store.retire(each.kid, at)

    def _rotate_by_age(self, newest: SigningKey, algorithm: str | None, keys: Keys, now: float) -> None:
        days = self._settings.key_rotation_days
        due = newest.active_from + days * DAY - PUBLISH_AHEAD_SECONDS
        if days and now >= due:
            algorithm = algorithm or self._settings.signing_algorithm
            following = newest_of(keys, algorithm)
            if following is None or following is newest:
                self.rotate(algorithm, known=keys)

    def _look_again(self, kid: str) -> None:
        """Read the keys again, as another process may have made this one: once for a `kid` that this app provably made.

        Any other `kid` has them read at most once a second, so that a flood of invented ones is no flood of queries.
        """
        if kid not in self._looked_for and self.was_ours(kid):
            with self._lock:
                if kid not in self._keys and kid not in self._looked_for:
                    self._load()
                    self._looked_for.add(kid)
        else:
            self._reload_if(MIN_RELOAD_SECONDS)

    def _reload_if(self, older_than: float) -> None:
        if time.monotonic() - self._loaded_at >= older_than:
            with self._lock:
                if time.monotonic() - self._loaded_at >= older_than:
                    self._load()

    def _load(self) -> None:
        keys = {}
        for row in self._store.all():
            known = self._keys.get(row.kid)
            if known is not None:
                key, signer, can_sign = known.key, known.signer, known.can_sign
            else:
                key, can_sign = self._open(row)
                signer = Signer(key) if can_sign else key
            keys[row.kid] = SigningKey(
                row.kid,
                row.algorithm,
                row.generation,
                row.public,
                key,
                signer,
                can_sign,
                row.created_at,
                row.active_from,
                row.retired_at,
                mark_of(KEY, row.kid),
            )
        self._keys = keys
        self._loaded_at = time.monotonic()

    def _new_key(self, algorithm: str) -> dict[str, Any]:
        random = secrets.token_hex(KID_RANDOM // 2)
        kid = random + self._sealing.proofs(random)[0]
        parameters: KeyParameters = {"kid": kid, "alg": algorithm, "use": "sig"}
        key: Key
        if algorithm == "ES256":
            key = ECKey.generate_key("P-256", parameters)
        elif algorithm == "EdDSA":
            key = OKPKey.generate_key("Ed25519", parameters)
        else:
            key = RSAKey.generate_key(2048, parameters)
        return {
            "kid": kid,
            "algorithm": algorithm,
            "public": key.as_dict(private=False),
            "sealed": self._sealing.seal(json.dumps(key.as_dict(private=True))),
        }

    def _open(self, row: Row[Any]) -> tuple[Key, bool]:
        """A key with its private half, or only its public half where the app's `SECRET_KEY` can't unseal it any more."""
        types: dict[str, type[Key]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}
        text = self._sealing.unseal(row.sealed) if self._sealing.has_key() else None
        if text is None:
            self._app.logger.error("The signing key %s can't be opened: is SECRET_KEY another one now?", row.kid)
        return types[row.public["kty"]].import_key(row.public if text is None else json.loads(text)), text is not None

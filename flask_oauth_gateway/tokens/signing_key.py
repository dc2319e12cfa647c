"""A signing key, and which of several is the one that signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import Key

from ..crypto.jose import Signer
from ..stores.revocations.mark import MAX_TOKEN_LIFETIME

ALWAYS_FOR_ID_TOKENS = "RS256"  # OIDC Core section 15.1


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key, with its private half where that could be unsealed (`can_sign`). Times are seconds since 1970."""

    kid: str
    algorithm: str
    generation: int
    public: dict[str, Any]
    key: Key
    signer: Key | Signer  # what signs, where it can
    can_sign: bool
    created_at: int
    active_from: int
    retired_at: int | None
    mark: bytes  # what revokes every token that it signed

    def is_published(self, now: float) -> bool:
        return self.retired_at is None or self.retired_at > now


Keys = Mapping[str, SigningKey]  # by `kid`


def generation_of(key: SigningKey) -> int:
    return key.generation


def newest_of(keys: Keys, algorithm: str) -> SigningKey | None:
    return max((key for key in keys.values() if key.algorithm == algorithm), key=generation_of, default=None)


def before_the_change(keys: Keys, now: float) -> SigningKey | None:
    """The key that signs until there is one of the algorithm that is set; that which is there for ID tokens anyway comes last."""
    active = (newest_active(keys, algorithm, now) for algorithm in {key.algorithm for key in keys.values()})
    known = [key for key in active if key is not None]
    return min(
        known, key=lambda key: (key.algorithm == ALWAYS_FOR_ID_TOKENS, key.created_at, key.generation), default=None
    )


def newest_active(keys: Keys, algorithm: str | None, now: float) -> SigningKey | None:
    """The key that signs: it is published for as long as a token of now may live."""
    newest = None
    for key in keys.values():
        fits = key.can_sign and (algorithm is None or key.algorithm == algorithm)
        if fits and key.active_from <= now and key.is_published(now + MAX_TOKEN_LIFETIME):
            newest = key if newest is None or key.generation > newest.generation else newest
    return newest

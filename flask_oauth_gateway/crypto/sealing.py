"""Encryption of the few secrets that must be had again in clear: under a key derived from `SECRET_KEY`.

`OAUTH_KEY_ENCRYPTION_KEY` takes its place where it is set; `SECRET_KEY_FALLBACKS` still open what was sealed before.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..config.checks import ConfigurationError
from .hashing import app_keys

if TYPE_CHECKING:
    from ..authorization_server import State


def seal(state: State, text: str) -> str:
    """A text encrypted and authenticated. Raises `ConfigurationError` where the app has no `SECRET_KEY`."""
    return _fernet(state).encrypt(text.encode()).decode()


def unseal(state: State, sealed: str) -> str | None:
    """The text again; `None` where no key of the app's opens it."""
    try:
        return _fernet(state).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def has_key(state: State) -> bool:
    """Whether there is anything to encrypt with."""
    return bool(state.settings.key_encryption_key or state.app.config.get("SECRET_KEY"))


def proofs(state: State, text: str) -> list[str]:
    """What shows that this app wrote a text, under its key and under each fallback; empty where it has none."""
    return [
        hmac.digest(_derived(key, b"proof"), text.encode(), "sha256").hex()[:16]
        for key in app_keys(state.app.config, state.settings.key_encryption_key)
    ]


def _fernet(state: State) -> MultiFernet:
    keys = app_keys(state.app.config, state.settings.key_encryption_key)
    if not keys:
        raise ConfigurationError("SECRET_KEY", None, "a long random text: secrets are encrypted with it")
    return MultiFernet([Fernet(_derived(key, b"sealing")) for key in keys])


def _derived(key: bytes, purpose: bytes) -> bytes:
    return urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=b"flask-oauth-gateway " + purpose).derive(key))

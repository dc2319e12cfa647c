"""The keys that a client registered to sign with: its key set, its key set's URL, or its certificate."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from joserfc.jwk import Key, OctKey

from ..crypto.hashing import SEALED
from ..crypto.jose import UnusableKey, load_jwks
from ..crypto.key_sets import FixedKeys, KeySource, PemKey, RemoteKeys
from ..crypto.sealing import unseal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..authorization_server import State
    from ..stores.clients import Client, ClientSecret

MAX_REMEMBERED = 1000


def keys_of(state: State, client: Client) -> KeySource | None:
    """Where a client's keys come from; `None` where it has none that can be used. They are parsed once."""
    remembered = state.client_keys.get(client.key)
    if remembered is not None and remembered[0] == client.updated_at and remembered[1] == client.version:
        return remembered[2]
    source = _load(state, client)
    if len(state.client_keys) >= MAX_REMEMBERED:
        state.client_keys.clear()
    state.client_keys[client.key] = (client.updated_at, client.version, source)
    return source


def secrets_of(state: State, client: Client) -> Iterator[tuple[ClientSecret, Key]]:
    """The live secrets of a client that signs by HMAC, each with its key: they are kept encrypted, not hashed."""
    now = time.time()
    for secret in client.secrets:
        if secret.is_live(now) and secret.digest.startswith(SEALED):
            text = unseal(state, secret.digest.removeprefix(SEALED))
            if text is not None:
                yield secret, OctKey.import_key(text.encode())


def _load(state: State, client: Client) -> KeySource | None:
    relaxed = state.app.debug or state.app.testing
    try:
        if client.jwks is not None:
            return FixedKeys(load_jwks(client.jwks))
        if client.certificate is not None:
            return PemKey(client.certificate)
    except UnusableKey:
        return None
    if client.jwks_uri is not None:
        return RemoteKeys(client.jwks_uri, plain_http_on_loopback=relaxed)
    return None

"""Makes the key of an algorithm when the first client wants it, not when it is first needed.

So it is in the key set before the client reads that: programs keep the set, and some read it again for no unknown key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import NotConfigured, TemporarilyUnavailable
from ..signals import client_changed, client_created, client_registered
from ..stores.keys import SIGNED_FOR_CLIENTS

if TYPE_CHECKING:
    from flask import Flask

    from ..stores.clients import ClientStore
    from ..tokens.signing_keys import KeyRing


class ClientAlgorithms:
    """Listens for clients that are registered or changed."""

    def __init__(self, app: Flask, clients: ClientStore, key_ring: Callable[[], KeyRing]) -> None:
        self._clients = clients
        self._key_ring = key_ring
        client_created.connect(self._registered, sender=app)
        client_registered.connect(self._registered_itself, sender=app)
        client_changed.connect(self._registered, sender=app)

    def _registered_itself(self, sender: Flask, client_id: str, **_: Any) -> None:
        self._registered(sender, client_id)
        self._clients.forget(client_id)  # a flood of these would push out of the cache who is in use

    def _registered(self, sender: Flask, client_id: str, **_: Any) -> None:
        client = self._clients.load(client_id)
        if client is None:
            return
        for name in SIGNED_FOR_CLIENTS:
            algorithm = getattr(client, name)
            if algorithm is not None:
                try:
                    self._key_ring().signing_key(algorithm)
                except (NotConfigured, TemporarilyUnavailable) as error:  # it is made when it is first needed
                    sender.logger.warning("No key was made for %s: %s", algorithm, error)

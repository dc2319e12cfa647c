"""Pushed authorization requests: a client hands its request over first, and the browser brings its name alone (RFC 9126)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..crypto.hashing import new_secret, sha256
from ..stores.pushed_requests import PushedRequest
from .request import NoSuchRequest

if TYPE_CHECKING:
    from ..stores.pushed_requests import PushedRequestStore
    from .request import Authorization

URN = "urn:ietf:params:oauth:request_uri:"


class PushedRequests:
    """Keeps pushed requests until each is answered once."""

    def __init__(self, store: PushedRequestStore, lifetime: int) -> None:
        self._store = store
        self.lifetime = lifetime

    @staticmethod
    def are_named_by(request_uri: str) -> bool:
        """Whether a `request_uri` names a pushed request, and is no address."""
        return request_uri.startswith(URN)

    def push(self, checked: Authorization, parameters: list[tuple[str, str]], *, is_signed: bool) -> str:
        """Keep a checked request; returns its `request_uri` (section 2.2), of which a hash alone is stored."""
        request_uri, now = f"{URN}{new_secret()}", int(time.time())
        self._store.add(
            {
                "request_hash": sha256(request_uri),
                "client": checked.client.key,
                "parameters": parameters,
                "is_signed": is_signed,
                "confirmation": checked.confirmation or None,
                "issued_at": now,
                "expires_at": now + self.lifetime,
            }
        )
        return request_uri

    def find(self, request_uri: str, client_id: str | None) -> PushedRequest:
        """The request of this name, which `client_id` has pushed and nobody has answered. Raises `NoSuchRequest`."""
        now = int(time.time())
        row = self._store.find(sha256(request_uri))
        if row is None:
            raise NoSuchRequest("the request_uri is unknown")
        if row.client_id is None or row.client_id != client_id:
            raise NoSuchRequest("the request_uri is another client's")
        if row.used_at is not None:
            raise NoSuchRequest("the request_uri was used")
        if row.expires_at <= now:
            raise NoSuchRequest("the request_uri has expired")
        pairs = [(name, value) for name, value in row.parameters]
        is_open = row.opened_at is not None
        return PushedRequest(
            self._store,
            bytes(row.request_hash),
            pairs,
            row.is_signed,
            row.confirmation or {},
            (row.client, row.client_version),
            is_open,
            now,
        )

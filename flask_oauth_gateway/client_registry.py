"""`gateway.clients`: the client registry, which the command line, the pages and the management API all call."""

from __future__ import annotations

import difflib
import re
import secrets
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from . import hashing
from .client_auth import SECRET_METHODS as SHOWN_SECRET_METHODS
from .client_metadata import ClientMetadataError, check_metadata
from .grants import GRANTS
from .signals import client_changed, client_created
from .stores.clients import CACHE_SECONDS, REGISTERED, Client

if TYPE_CHECKING:
    from .extension import State

SECRET_METHODS = (*SHOWN_SECRET_METHODS, "client_secret_jwt")
MIN_BROUGHT_SECRET = 8
MIN_HMAC_SECRET = 32
HINT_LENGTH = 4
MAX_TRIES = 50  # each try that fails is a change by somebody else that went through


class ClientNotFound(LookupError):
    """There is no client of this `client_id`."""

    def __init__(self, client_id: str) -> None:
        super().__init__(f"There is no client {client_id!r}.")


class ClientRegistry:
    """Creates, reads, changes and deletes clients."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(
        self,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        secret_expires_in: int | None = None,
        owner: str | None = None,
        **metadata: Any,
    ) -> Client:
        """Register a client by RFC 7591's names and our own; returns it with its plain `client_secret`, this one time.

        `client_id` and `client_secret` are made where they are not brought; `secret_expires_in` is in seconds. Raises
        `ClientMetadataError`, which says what is wrong.
        """
        _check_owner(owner)
        values = check_metadata(metadata, self._state.settings)
        self._check_grant_types(values.get("grant_types", ()))
        method = values.get("token_endpoint_auth_method", "client_secret_basic")
        if client_secret is not None and method not in SECRET_METHODS:
            raise ClientMetadataError(f"A client registered for {method} has no client_secret.")
        if client_id is None:
            client_id = secrets.token_hex(16)
        elif not re.fullmatch(r"[\x20-\x7e]{1,2048}", client_id):
            raise ClientMetadataError("A client_id is 1 to 2048 printable ASCII characters.")
        plain, row = (
            _secret(self._state, method, client_secret, secret_expires_in) if method in SECRET_METHODS else (None, None)
        )
        try:
            self._state.clients.add(client_id, {**values, "owner": owner}, row)
        except IntegrityError:
            raise ClientMetadataError(f"There is a client {client_id!r} already.") from None
        client_created.send(self._state.app, client_id=client_id)
        return self._existing(client_id, plain)

    def get(self, client_id: str) -> Client | None:
        """The client as it is now, or `None`."""
        return self._state.clients.load(client_id)

    def list(self) -> list[Client]:
        """Every client, the oldest first."""
        return self._state.clients.list()

    def update(self, client_id: str, **changes: Any) -> Client:
        """Change what is named, `enabled` and `owner` too; a disabled client's tokens stop at once.

        Raises `ClientNotFound` or `ClientMetadataError`.
        """
        if not isinstance(changes.get("enabled", True), bool):
            raise ClientMetadataError("enabled is True or False.")
        _check_owner(changes.get("owner"))
        own: dict[str, Any] = {name: changes[name] for name in ("enabled", "owner") if name in changes}
        for _ in range(MAX_TRIES):  # where another change comes in between, this one is checked against it again
            client = self._existing(client_id)
            values = {name: getattr(client, name) for name in REGISTERED}
            metadata = values | {name: value for name, value in changes.items() if name not in own}
            if len(own) < len(changes):  # a client can be disabled even where the settings have moved on from it
                values = check_metadata(metadata, self._state.settings)
                self._check_grant_types(values.get("grant_types", ()))
            if values.get("token_endpoint_auth_method", "client_secret_basic") in SECRET_METHODS and not client.secrets:
                raise ClientMetadataError(
                    "The client has no secret; one registered without can't be changed to need one."
                )
            if self._state.clients.change(client, {**dict.fromkeys(REGISTERED), **values, **own}):
                if own.get("enabled", client.enabled) != client.enabled:
                    self._mark_disabled(client_id, disabled=client.enabled)
                self._state.forget_tokens()
                client_changed.send(self._state.app, client_id=client_id, change="update", fields=sorted(changes))
                return self._existing(client_id)
        raise ClientMetadataError(f"The client {client_id!r} is being changed by somebody else; try again.")

    def rotate_secret(
        self,
        client_id: str,
        overlap: int = 0,
        *,
        expires_in: int | None = None,
        client_secret: str | None = None,
    ) -> Client:
        """Add a secret and let the others live for `overlap` seconds; returns the client with the new one, this one time.

        `expires_in` is how long the new one lives, in seconds; `client_secret` brings one's own. Raises `ClientNotFound`
        or `ClientMetadataError`.
        """
        client = self._existing(client_id)
        if client.token_endpoint_auth_method not in SECRET_METHODS:
            raise ClientMetadataError(
                f"A client registered for {client.token_endpoint_auth_method} has no client_secret."
            )
        if overlap < 0:
            raise ClientMetadataError("overlap is a number of seconds, zero or more.")
        plain, row = _secret(self._state, client.token_endpoint_auth_method, client_secret, expires_in)
        if not self._state.clients.add_secret(client, row, overlap=overlap):
            raise ClientNotFound(client_id)
        client_changed.send(self._state.app, client_id=client_id, change="rotate_secret", fields=["client_secret"])
        return self._existing(client_id, plain)

    def delete(self, client_id: str) -> None:
        """Delete a client; its tokens are dead at once. Raises `ClientNotFound`."""
        if not self._state.clients.remove(self._existing(client_id)):
            raise ClientNotFound(client_id)
        self._mark_disabled(client_id, disabled=True)
        self._state.forget_tokens()
        client_changed.send(self._state.app, client_id=client_id, change="delete", fields=[])

    def _check_grant_types(self, grant_types: Iterable[str]) -> None:
        """A grant may be off at the moment, but it must be one that there is: a typing error would show much later."""
        known = {*GRANTS, *self._state.server.grants}
        for name in grant_types:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}."
                raise ClientMetadataError(f"There is no grant type {name!r}; {hint}")

    def _mark_disabled(self, client_id: str, *, disabled: bool) -> None:
        """Stop the client's stateless tokens too, or let them go on."""
        until = int(time.time()) + 2 * CACHE_SECONDS if disabled else 0  # other processes may issue for as long
        self._state.revocations.add("disabled client", client_id, issued_until=until)

    def _existing(self, client_id: str, client_secret: str | None = None) -> Client:
        client = self._state.clients.load(client_id)
        if client is None:
            raise ClientNotFound(client_id)
        return client if client_secret is None else client.with_secret(client_secret)


def _check_owner(owner: object) -> None:
    if owner is not None and not (isinstance(owner, str) and re.fullmatch(r"[^\x00-\x1f\x7f]{1,255}", owner)):
        raise ClientMetadataError("owner is a subject: 1 to 255 characters, none of them a control character.")


def _secret(state: State, method: str, brought: str | None, expires_in: int | None) -> tuple[str, dict[str, Any]]:
    """A secret in clear, and what is stored of it: a hash, or for a client that signs with it the sealed secret."""
    if expires_in is not None and expires_in < 1:
        raise ClientMetadataError("A secret lives for a second or more.")
    shortest = MIN_HMAC_SECRET if method == "client_secret_jwt" else MIN_BROUGHT_SECRET
    if brought is not None and not (len(brought) >= shortest and re.fullmatch(r"[\x20-\x7e]{1,1024}", brought)):
        raise ClientMetadataError(f"A client_secret has {shortest} to 1024 printable ASCII characters.")
    plain = hashing.new_secret() if brought is None else brought
    if method == "client_secret_jwt":
        from .sealing import seal

        digest = hashing.SEALED + seal(state, plain)
    else:
        digest = hashing.generated_secret_digest(plain) if brought is None else hashing.brought_secret_digest(plain)
    return plain, {"hint": plain[-HINT_LENGTH:], "digest": digest, "expires_in": expires_in}

"""`UserApps`: registers, changes and deletes the apps of a user. Its pages and the management API call it.

Every method takes the subject of who acts. What isn't theirs is as if it weren't there, and a change is made only to what
was theirs when it is stored.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...features import SECRET_METHODS
from ...signals import application_changed, application_created, client_changed, client_created
from ...stores.registered_client import DEVELOPER
from ...stores.registration.user_apps import TooManyApps
from ...web.environ import actor
from ..members import ClientMetadataError
from ..registry import ClientNotFound
from ..secrets import MAX_SECONDS, new_secret
from .rules import changed_registration, new_registration

if TYPE_CHECKING:
    from flask import Flask

    from ...config import Settings
    from ...crypto.sealing import Sealing
    from ...stores.clients import ClientStore
    from ...stores.registered_client import Client
    from ...stores.registration.user_apps import UserAppStore
    from ..registry import ClientRegistry

MAX_TRIES = 50  # a try fails only where another change of the same app came in between
MAX_SECRETS = 10
MOST_LISTED = 1000  # what an administrator may have given one user beyond OAUTH_DEVELOPER_MAX


class UserApps:
    """The apps that users registered for themselves. A client that an administrator gave an owner isn't among them."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        clients: ClientStore,
        registry: ClientRegistry,
        store: UserAppStore,
        sealing: Sealing,
        forget_all: Callable[[], None],
    ) -> None:
        self._app = app
        self._settings = settings
        self._clients = clients
        self._registry = registry
        self._store = store
        self._sealing = sealing
        self._forget_all = forget_all

    def of(self, owner: str) -> Sequence[Client]:
        """A user's apps, the oldest first."""
        mine = {"owner": owner, "origin": DEVELOPER}
        return self._clients.page(text=None, application=None, having=mine, after=0, limit=MOST_LISTED)

    def get(self, owner: str, client_id: str) -> Client:
        """A user's app as it is stored now. Raises `ClientNotFound`, also where it is another's."""
        client = self._clients.load(client_id)
        if client is None or client.origin != DEVELOPER or client.owner != owner:
            raise ClientNotFound(client_id)
        return client

    def check(self, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """A whole new registration, checked and converted. Raises `ClientMetadataError`, which says what is wrong."""
        return self._registry.check(new_registration(kind, given, self._settings))

    def register(self, owner: str, kind: str, given: Mapping[str, Any], *, expires_in: int | None = None) -> Client:
        """Register an app. Only the returned client shows its secret, where its kind has one, in plain.

        `expires_in`: the secret's lifetime in seconds. Raises `ClientMetadataError`.
        """
        values = self.check(kind, given)
        method, client_id = values["token_endpoint_auth_method"], secrets.token_hex(16)
        plain, row = None, None
        if method in SECRET_METHODS:
            plain, row = new_secret(self._sealing, method, None, expires_in)
        most, waits = self._settings.developer_max, self._settings.developer_approval
        try:
            self._store.add(client_id, values, [] if row is None else [row], owner=owner, most=most, waits=waits)
        except TooManyApps:
            raise ClientMetadataError(f"You have {most} apps, which is the most: delete one first.") from None
        if waits:
            application_created.send(self._app, application_id=client_id, actor=actor())
        client_created.send(self._app, client_id=client_id, actor=actor())
        client = self.get(owner, client_id)
        return client if plain is None else client.with_secret(plain)

    def update(self, owner: str, client_id: str, given: Mapping[str, Any], *, version: int | None = None) -> Client:
        """Change what an owner may change. `version`: what the app must still have, as the owner has seen it.

        Raises `ClientNotFound`, `ClientMetadataError`, and `ValueError` where the version is another.
        """

        def change(client: Client) -> bool:
            if version is not None and client.version != version:
                raise OutOfDate
            values = self._registry.check(changed_registration(client, given, self._settings), client)
            fields[:] = client.changes_by(values)
            return not fields or self._store.change(client, values)

        fields: list[str] = []
        client = self._try(owner, client_id, change)
        if fields:
            self._changed(client, "update", fields)
        return self.get(owner, client_id)

    def new_secret(
        self, owner: str, client_id: str, overlap: int = 0, *, expires_in: int | None = None, version: int | None = None
    ) -> Client:
        """Give an app another secret; the others live for `overlap` more seconds. Only the returned client shows it.

        `version`: as for `update`. Raises `ClientNotFound`, `ClientMetadataError`, and `ValueError` where it is another.
        """
        made: list[str] = []

        def change(client: Client) -> bool:
            if version is not None and client.version != version:
                raise OutOfDate
            method = client.token_endpoint_auth_method
            if method not in SECRET_METHODS:
                raise ClientMetadataError("Such an app has no secret.")
            if not 0 <= overlap <= MAX_SECONDS:
                raise ClientMetadataError("overlap is a number of seconds, zero or more, and a hundred years at most.")
            if overlap and len(_live(client)) >= MAX_SECRETS:
                raise ClientMetadataError(f"The app has {MAX_SECRETS} secrets: end one first.")
            plain, row = new_secret(self._sealing, method, None, expires_in)
            made[:] = [plain]
            return self._clients.add_secret(client, row, overlap=overlap, version=client.version)

        self._changed(self._try(owner, client_id, change), "rotate_secret", ["client_secret"])
        return self.get(owner, client_id).with_secret(made[0])

    def end_secret(self, owner: str, client_id: str, number: int) -> Client:
        """End one of an app's secrets at once, by its `id`; the last one can only be replaced.

        Raises `ClientNotFound` and `ClientMetadataError`.
        """

        def change(client: Client) -> bool:
            if number not in [secret.id for secret in client.secrets]:
                raise ClientMetadataError("The app has no such secret any more.")
            if [secret.id for secret in _live(client)] == [number]:
                raise ClientMetadataError("This is the app's only secret: make a new one, which ends this one.")
            return self._store.end_secret(client, number)

        self._changed(self._try(owner, client_id, change), "end_secret", ["client_secret"])
        return self.get(owner, client_id)

    def delete(self, owner: str, client_id: str) -> None:
        """Delete an app; its tokens are dead at once. Raises `ClientNotFound`."""
        removed: list[str] = []

        def remove(client: Client) -> bool:
            removed[:] = self._store.remove(client)
            return bool(removed)

        client = self._try(owner, client_id, remove)
        self._changed(client, "delete", [])
        if "application" in removed:
            application_changed.send(
                self._app, application_id=client.client_id, change="delete", fields=[], actor=actor()
            )

    def usage(self, client: Client) -> dict[str, int]:
        """How many `users` have allowed an app something, and how many live `tokens` it has."""
        return self._store.usage(client)

    def _try(self, owner: str, client_id: str, change: Callable[[Client], bool]) -> Client:
        """Make a change; where another one came in between, look again whether it may still be made."""
        for _ in range(MAX_TRIES):
            client = self.get(owner, client_id)
            if change(client):
                return client
        raise ClientMetadataError("The app is being changed by somebody else; try again.")

    def _changed(self, client: Client, change: str, fields: Sequence[str]) -> None:
        self._forget_all()
        client_changed.send(self._app, client_id=client.client_id, change=change, fields=list(fields), actor=actor())


class OutOfDate(ValueError):
    """The app was changed since its owner has seen it."""

    def __init__(self) -> None:
        super().__init__("It was changed since you read it: look at it again.")


def _live(client: Client) -> list[Any]:
    now = time.time()
    return [secret for secret in client.secrets if secret.is_live(now)]

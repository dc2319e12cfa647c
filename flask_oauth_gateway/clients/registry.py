"""`gateway.clients`: the client registry. The command line, the pages and the management API call it too."""

from __future__ import annotations

import difflib
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from ..config.checks import may_call_loopback
from ..errors import shown
from ..features import GRANTS, SECRET_METHODS
from ..signals import client_changed, client_created
from ..stores.applications import ApplicationNotFound
from ..stores.registered_client import ORIGINS, REGISTERED, Client
from ..web.environ import actor
from .members import ClientChanged, ClientMetadataError, check_called, check_client_id, check_owner, check_page
from .members.openid import check_backchannel_logout_uri
from .metadata import check_metadata
from .secrets import MAX_SECONDS, KnownSecret, known_secret, new_secret
from .sectors import check_document

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flask import Flask

    from ..config import Settings
    from ..crypto.sealing import Sealing
    from ..stores.clients import ClientStore

# Beside REGISTERED:
_OWN = {"enabled": "switched_on", "owner": "owner", "application": "application", "verified": "verified"}
OF_A_SECTOR = ("sector_identifier_uri", "redirect_uris", "subject_type")
CHANGED = "The client was changed meanwhile: look at it again."
MAX_TRIES = 50  # a try fails only where somebody else's change came in between


class ClientNotFound(LookupError):
    """There is no client with this `client_id`."""

    def __init__(self, client_id: str) -> None:
        super().__init__(f"There is no client {shown(client_id)}.")


@dataclass(frozen=True, slots=True)
class ClientPage:
    """Some clients. `next` is where the next page begins, `clients.find(..., after=page.next)`; `None` on the last page."""

    clients: Sequence[Client]
    next: str | None


class ClientRegistry:
    """Creates, reads, changes and deletes clients. `grant_types` are this server's, including the app's own grants."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        clients: ClientStore,
        sealing: Sealing,
        grant_types: Collection[str],
        forget_tokens: Callable[[], None],
    ) -> None:
        self._app = app
        self._settings = settings
        self._clients = clients
        self._sealing = sealing
        self.grant_types = grant_types
        self.forget_tokens = forget_tokens

    def create(
        self,
        *,
        client_id: str | None = None,
        client_secret: str | None = None,
        secret_expires_in: int | None = None,
        owner: str | None = None,
        application: str | None = None,
        **metadata: Any,
    ) -> Client:
        """Register a client, by RFC 7591's names and our own. Only the returned client shows its `client_secret` in plain.

        Without a `client_id` or `client_secret`, one is made; `secret_expires_in` is in seconds; `application` is the
        `application_id` of the client's application. Raises `ClientMetadataError`, which says what is wrong.
        """
        check_owner(owner)
        values = self.check(metadata)
        method = values.get("token_endpoint_auth_method", "client_secret_basic")
        if client_secret is not None and method not in SECRET_METHODS:
            raise ClientMetadataError(f"A client registered for {method} has no client_secret.")
        if client_id is None:
            client_id = secrets.token_hex(16)
        check_client_id(client_id)
        plain, row = (
            new_secret(self._sealing, method, client_secret, secret_expires_in)
            if method in SECRET_METHODS
            else (None, None)
        )
        try:
            own = {"owner": owner, "application": application or None}
            self._clients.add(client_id, {**values, **own}, [] if row is None else [row])
        except IntegrityError:
            raise ClientMetadataError(f"There is a client {shown(client_id)} already.") from None
        except ApplicationNotFound as error:
            raise ClientMetadataError(str(error)) from None
        client_created.send(self._app, client_id=client_id, actor=actor())
        return self._existing(client_id, plain)

    def check(
        self, metadata: Mapping[str, Any], before: Client | None = None, *, within: float | None = None
    ) -> dict[str, Any]:
        """A whole registration, checked and converted. Raises `ClientMetadataError`, which says what is wrong.

        `before`: the registration that it changes; what lies elsewhere is looked at again where the change is about that.
        `within`: the seconds that this may take.
        """
        values = check_metadata(metadata, self._settings)
        on_loopback = may_call_loopback(self._settings.issuer, relaxed=self._app.debug or self._app.testing)
        if not on_loopback:
            check_backchannel_logout_uri(values.get("backchannel_logout_uri"))
        check_called(values, on_loopback=on_loopback)
        self._check_grant_types(values.get("grant_types", ()))
        sector = values.get("sector_identifier_uri")
        if sector is not None and (before is None or any(values.get(n) != getattr(before, n) for n in OF_A_SECTOR)):
            check_document(sector, values.get("redirect_uris", ()), plain_http_on_loopback=on_loopback, within=within)
        return values

    def adopt(
        self,
        client_id: str,
        metadata: Mapping[str, Any],
        *,
        secrets: Sequence[KnownSecret],
        enabled: bool,
        owner: str | None,
        application: str | None = None,
        dry_run: bool = False,
        **came_by: Any,
    ) -> None:
        """Register a client of another registry, with its secrets and `origin`; `dry_run=True` only checks it.

        Raises `ClientMetadataError`, or `IntegrityError` where the `client_id` is taken.
        """
        check_owner(owner)
        check_client_id(client_id)
        values = self.check(metadata)
        method = values.get("token_endpoint_auth_method", "client_secret_basic")
        if secrets and method not in SECRET_METHODS:
            raise ClientMetadataError(f"A client registered for {method} has no client_secret.")
        now = time.time()
        live = [each for each in secrets if each.expires_at is None or each.expires_at > now + 1]
        rows = [known_secret(self._sealing, method, each, now) for each in live]
        if not dry_run:
            own = {"owner": owner, "switched_on": enabled, "application": application, **came_by}
            self._clients.add(client_id, values | own, rows)
            client_created.send(self._app, client_id=client_id, actor=actor())

    def get(self, client_id: str) -> Client | None:
        """The client as it is stored now, or `None`."""
        return self._clients.load(client_id)

    def list(self, application: str | None = None) -> list[Client]:
        """All clients, or all of one application (by its `application_id`), the oldest first."""
        return self._clients.list(application)

    def find(
        self,
        text: str | None = None,
        *,
        owner: str | None = None,
        application: str | None = None,
        origin: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> ClientPage:
        """A page of the clients, the oldest first.

        `text` selects those whose `client_id` begins with it, or whose name contains it; `application` those of this
        `application_id`; `origin` those that somebody registered here (`"hand"`), that registered themselves
        (`"registration"`), or that a metadata document describes (`"document"`). Raises `ValueError` for another origin,
        an `after` that no page gave, or a `limit` below 1.
        """
        start = check_page(after, limit)
        if origin is not None and origin not in ORIGINS:
            raise ValueError(f"origin is one of {', '.join(ORIGINS)}.")
        having: dict[str, str | None] = {} if owner is None else {"owner": owner}
        if origin is not None:
            having["origin"] = ORIGINS[origin]
        text = text and text.replace("\0", "")  # PostgreSQL takes no null characters
        found = self._clients.page(
            text=text or None, application=application, having=having, after=start, limit=limit + 1
        )
        return ClientPage(found[:limit], str(found[limit - 1].key) if len(found) > limit else None)

    def update(self, client_id: str, *, version: int | None = None, key: int | None = None, **changes: Any) -> Client:
        """Change any member of a registration, or `enabled`, `owner`, `application`, `verified`.

        `enabled` is the client's own switch: while its application isn't approved, an enabled client doesn't work
        either; a disabled client's tokens stop at once. `verified` is the mark that users see, that it is known here who
        makes the client. A change of its name, logo, links or redirect URIs takes the mark away, unless `verified` is named
        too, or an administrator makes it: on the pages, by the management API or on the command line. With a `version`,
        nothing is changed where the client has another one by now, and with a `key`, the client's own, where another client
        has its `client_id` by now. Raises `ClientNotFound` or `ClientMetadataError`.
        """
        for name in ("enabled", "verified"):
            if not isinstance(changes.get(name, True), bool):
                raise ClientMetadataError(f"{name} is True or False.")
        check_owner(changes.get("owner"))
        own = {_OWN[name]: value for name, value in changes.items() if name in _OWN}
        if "application" in own:
            own["application"] = own["application"] or None
        for _ in range(MAX_TRIES):  # where another change comes in between, this one is checked again
            client = self._existing(client_id)
            if version not in (None, client.version) or key not in (None, client.key):
                raise ClientChanged(CHANGED)
            mark = {"verified": client.verified} if "verified" not in own and actor() is not None else {}
            values = {name: getattr(client, name) for name in REGISTERED}
            metadata = values | {name: value for name, value in changes.items() if name not in _OWN}
            if len(own) < len(changes):  # a client can be disabled even where its registration no longer passes
                values = self.check(metadata, client)
            method = values.get("token_endpoint_auth_method", "client_secret_basic")
            needed_one = client.token_endpoint_auth_method in SECRET_METHODS  # and came without, from another registry
            if method in SECRET_METHODS and not needed_one and not client.secrets:
                raise ClientMetadataError(
                    "The client has no secret; one registered without can't be changed to need one."
                )
            try:
                changed = self._clients.change(client, {**dict.fromkeys(REGISTERED), **values, **own, **mark})
            except ApplicationNotFound as error:
                raise ClientMetadataError(str(error)) from None
            if changed:
                self.forget_tokens()
                now = self._existing(client_id)
                fields = {*changes, *(["verified"] if now.verified != client.verified else [])}
                self._changed(client_id, "update", sorted(fields), changes.get("enabled"))
                return now
        raise ClientMetadataError(f"The client {shown(client_id)} is being changed by somebody else; try again.")

    def rotate_secret(
        self,
        client_id: str,
        overlap: int = 0,
        *,
        expires_in: int | None = None,
        client_secret: str | None = None,
        version: int | None = None,
    ) -> Client:
        """Add a secret; the older ones live for another `overlap` seconds. Only the returned client shows the new one in plain.

        `expires_in` is the new secret's lifetime in seconds; `client_secret` is the new secret, made where it isn't
        given. With a `version`: as for `update`. Raises `ClientNotFound` or `ClientMetadataError`.
        """
        client = self._existing(client_id)
        method = client.token_endpoint_auth_method
        if method not in SECRET_METHODS:
            raise ClientMetadataError(f"A client registered for {method} has no client_secret.")
        if not 0 <= overlap <= MAX_SECONDS:
            raise ClientMetadataError("overlap is a number of seconds, zero or more, and a hundred years at most.")
        plain, row = new_secret(self._sealing, method, client_secret, expires_in)
        if not self._clients.add_secret(client, row, overlap=overlap, version=version):
            self._existing(client_id)
            raise ClientChanged(CHANGED)
        self._changed(client_id, "rotate_secret", ["client_secret"])
        return self._existing(client_id, plain)

    def delete(self, client_id: str, *, version: int | None = None, key: int | None = None) -> None:
        """Delete a client; its tokens are dead at once. With a `version` or a `key`: as for `update`. Raises the same."""
        client = self._existing(client_id)
        if key not in (None, client.key):
            raise ClientChanged(CHANGED)
        if not self._clients.remove(client, version):
            self._existing(client_id)
            raise ClientChanged(CHANGED) if version is not None else ClientNotFound(client_id)
        self.forget_tokens()
        self._changed(client_id, "delete", [])

    def _changed(self, client_id: str, change: str, fields: Sequence[str], enabled: bool | None = None) -> None:
        who = actor()
        client_changed.send(self._app, client_id=client_id, change=change, fields=fields, enabled=enabled, actor=who)

    def _check_grant_types(self, grant_types: Iterable[str]) -> None:
        """Check that each grant type exists; it may be off. Otherwise a typing error would show much later."""
        known = {*GRANTS, *self.grant_types}
        for name in grant_types:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}."
                raise ClientMetadataError(f"There is no grant type {shown(name)}; {hint}")

    def _existing(self, client_id: str, client_secret: str | None = None) -> Client:
        client = self._clients.load(client_id)
        if client is None:
            raise ClientNotFound(client_id)
        return client if client_secret is None else client.with_secret(client_secret)

"""Looks a client up where it may be one that nobody registered: in the store, or in its metadata document.

A document that was read is a client like any other, a row with the URL as its `client_id`. It is read when somebody comes with
that name who isn't known; and where what was read is no longer new, before an authorization request is judged by it. The token
endpoint goes on with what was read, for at most a day longer. One request reads at a time, of all in every process, and the
others wait for it; no transaction is open meanwhile.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from ..errors import InvalidClient, clean
from ..locks import Lock
from ..signals import client_changed, client_registered
from ..stores.registered_client import DEFAULTS, DOCUMENT, REGISTERED, Client, UnreadableClient
from ..stores.registration.client_documents import ClientDocumentStore
from ..web.environ import READING_ENDS
from .metadata_documents import MAX_SECONDS, SCHEME, Documents, NoClient, is_another
from .strangers import kept_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from ..config import Settings
    from ..database.engine import Database
    from ..hooks import Hooks
    from ..stores.clients import ClientStore
    from ..stores.revocations import RevocationStore
    from ..web.addresses import Addresses
    from ..web.rate_limits import RateLimiter
    from ..web.request import OAuthRequest
    from .metadata_documents import Document
    from .registry import ClientRegistry

logger = logging.getLogger(__name__)

LIMIT = "client_documents"  # in OAUTH_RATE_LIMITS
IN_ALL_SECONDS = 5.5  # for which a request reads, or waits for who reads
READ_AT_ONCE, WAITING_AT_ONCE = 10, 40  # of requests in this process
SLOW_SECONDS, SLOW_COUNTS = 1, 5  # each second that a reading takes counts as so many more of them
GONE_SECONDS = 86400  # for which a client goes on whose document can't be read any more
PAUSES = (0.05, 0.1, 0.2)  # the last one again and again
MAX_TRIES = 5  # a try fails only where somebody else's change came in between
NO_LONGER = 0  # until when a client is fresh that isn't trusted any more: not even for what was read before
TOO_SLOW = "it took too long"


def load_directory(
    app: Flask,
    settings: Settings,
    hooks: Hooks,
    database: Database,
    clients: ClientStore,
    revocations: RevocationStore,
    limiter: RateLimiter,
    addresses: Addresses,
    registry: Callable[[], ClientRegistry],
    forget_tokens: Callable[[], None],
) -> ClientDirectory:
    """The directory of an app. `forget_tokens` lets every process forget those that it remembers."""
    stored = ClientDocumentStore(database, clients, revocations, settings.registration_max)
    documents = Documents(app, settings, hooks, registry)
    return ClientDirectory(app, clients, stored, documents, limiter, addresses, forget_tokens)


class ClientDirectory:
    """Finds clients, and reads their documents where it must."""

    def __init__(
        self,
        app: Flask,
        clients: ClientStore,
        stored: ClientDocumentStore,
        documents: Documents,
        limiter: RateLimiter,
        addresses: Addresses,
        forget_tokens: Callable[[], None],
    ) -> None:
        self._app = app
        self._clients = clients
        self._stored = stored
        self._documents = documents
        self.read_document = documents.read
        self._limiter = limiter
        self._addresses = addresses
        self._forget_tokens = forget_tokens
        self._reading, self._waiting = _Places(READ_AT_ONCE), _Places(WAITING_AT_ONCE)

    def load(self, client_id: str) -> Client | None:
        """The client that sends a user here, as it is stored, and as its document says. Raises `UnreadableClient`."""
        client = self._clients.load(client_id)
        if not _may_be_a_document(client_id, client):
            return client
        return self._as_read(client_id, client)

    def remembered(self, client_id: str, *, rechecked: bool = False) -> Client | None:
        """What `ClientStore.remembered` returns, unless it has to be seen whether a document is still fresh."""
        client = self._clients.remembered(client_id, rechecked=rechecked)
        return None if _may_be_a_document(client_id, client) else client

    def meet(self, request: OAuthRequest, client_id: str) -> None:
        """Before a client proves at the token endpoint who it is: read its document, if it isn't known, or no longer.

        Raises `InvalidClient`.
        """
        if not request.meets_clients:
            return
        client = self._clients.get(client_id, rechecked=request.client_is_rechecked)
        if not _may_be_a_document(client_id, client):
            return
        try:
            if client is not None:
                self._check_url(client_id)
            if client is None or not _goes_on(client):
                request.environ[READING_ENDS] = time.monotonic() + IN_ALL_SECONDS
                self._as_read(client_id, self._clients.load(client_id))
        except UnreadableClient as error:
            raise InvalidClient(f"its document can't be had: {error}", client_id) from None

    def _as_read(self, client_id: str, client: Client | None) -> Client:
        """A client as its document says, or as it said not too long ago."""
        self._check_url(client_id)
        if client is not None and _is_fresh(client):
            return client
        try:
            return self._read_or_wait(client_id, is_known=client is not None)
        except NoClient as error:
            if client is None or error.for_good or not _goes_on(client):
                raise UnreadableClient(str(error)) from None
            return client

    def _check_url(self, client_id: str) -> None:
        try:
            self._documents.check_url(client_id)
        except NoClient as error:
            logger.info("No client is made of %s: %s", clean(client_id, 200), error)
            raise UnreadableClient(str(error)) from None

    def _read_or_wait(self, client_id: str, *, is_known: bool) -> Client:
        """Read the document, or wait for whoever is reading it. Raises `NoClient`."""
        deadline, who, turn = time.monotonic() + IN_ALL_SECONDS, secrets.token_bytes(16), 0
        state = self._stored.state(client_id)
        is_counted = not is_known and (state is None or state.is_free or state.reader is not None)
        with self._waiting.one(), self._limited() if is_counted else nullcontext():
            while time.monotonic() < deadline:
                if state is None or state.is_free:
                    with self._reading.one():
                        if self._stored.begin(client_id, who):
                            return self._read(client_id, who, deadline)
                elif state.reader is None:
                    raise NoClient("it could not be read a moment ago, and is not tried again yet")
                time.sleep(PAUSES[min(turn, len(PAUSES) - 1)])
                turn += 1
                client = self._clients.load(client_id)
                if client is not None and (not _may_be_a_document(client_id, client) or _is_fresh(client)):
                    return client
                state = self._stored.state(client_id)
        raise NoClient(TOO_SLOW)

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Count who makes an unknown document be read: the longer that takes, the more, as one of few workers is held up."""
        identity, began = f"address:{self._addresses.neighbourhood()}", time.monotonic()
        self._limiter.spend(LIMIT, identity)
        try:
            yield
        finally:
            more = int((time.monotonic() - began) / SLOW_SECONDS)
            if more:
                self._limiter.count(LIMIT, identity, more * SLOW_COUNTS)

    def _read(self, client_id: str, who: bytes, deadline: float) -> Client:
        """Read the document, as the only one who does. Raises `NoClient`."""
        client = None
        try:
            client = self._clients.load(client_id)  # who was the one before may have stored it
            if client is None or (_may_be_a_document(client_id, client) and not _is_fresh(client)):
                document = self.read_document(client_id, deadline - time.monotonic())
                client = self._store(client_id, client, document)
        except BaseException as error:
            seconds = self._stored.hold_off(client_id, who)
            if isinstance(error, NoClient):
                if error.for_good and client is not None:
                    self._stored.renew(client, NO_LONGER)
                logger.warning(
                    "The client's document %s can't be used: %s. It is tried again in %d s.",
                    clean(client_id, 200), error, seconds,
                )  # fmt: skip
            raise
        self._stored.end(client_id, who)
        return client

    def _store(self, client_id: str, client: Client | None, document: Document) -> Client:
        """Store what the document says, where the client was as it is given. Raises `NoClient`."""
        fresh_until = int(time.time()) + document.seconds
        for _ in range(MAX_TRIES):
            if client is not None and not _may_be_a_document(client_id, client):
                return client  # somebody has registered it by hand meanwhile, or disabled it
            if client is None:
                done = self._stored.add(client_id, document.values, fresh_until)
                changed = None
            else:
                done, changed = self._change(client, document, fresh_until)
            client = self._clients.load(client_id)
            if done and client is not None:
                self._tell(client_id, changed)
                return client
        raise NoClient("the client is being changed by somebody else")

    def _change(self, client: Client, document: Document, fresh_until: int) -> tuple[bool, list[str]]:
        """Store what the document says now; whether that is done, and which members it changed.

        The gateway's own members are no document's: they stay as an administrator set them, and so do its protections.
        """
        values: dict[str, Any] = {name: document.values.get(name, DEFAULTS[name]) for name in REGISTERED}
        values |= kept_of(client)
        changed = client.changes_by(values)
        if not changed:
            return self._stored.renew(client, fresh_until), changed
        begins_anew = is_another(client, values)
        if begins_anew and client.verified:
            changed = sorted({*changed, "verified"})
        return self._stored.change(client, values, fresh_until, begins_anew=begins_anew), changed

    def _tell(self, client_id: str, changed: list[str] | None) -> None:
        if changed is None:
            client_registered.send(self._app, client_id=client_id, owner=None, by=DOCUMENT)
        elif changed:
            self._forget_tokens()
            client_changed.send(self._app, client_id=client_id, change="update", fields=changed, actor="its document")


class _Places:
    """So many requests of this process at once, and no more: one that finds no place doesn't wait for one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._lock = Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """A place. Raises `NoClient` where none is free."""
        with self._lock:
            if self._taken >= self._most:
                raise NoClient("too many documents are being read at once")
            self._taken += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken -= 1


def _may_be_a_document(client_id: str, client: Client | None) -> bool:
    """Whether a client is, or could be, read from a document: one that is registered by hand, or disabled, never is."""
    return client_id.startswith(SCHEME) if client is None else client.origin == DOCUMENT and client.enabled


def _is_fresh(client: Client) -> bool:
    """Whether what was read counts as new. A time beyond a day comes from another clock, and counts for nothing."""
    return client.fresh_until is not None and time.time() < client.fresh_until <= time.time() + MAX_SECONDS


def _goes_on(client: Client) -> bool:
    """Whether what was read may still serve, where it can't be read anew."""
    return client.fresh_until is not None and time.time() < client.fresh_until + GONE_SECONDS

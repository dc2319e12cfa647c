"""Programs register clients by themselves, and manage what they registered (RFC 7591, RFC 7592)."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from flask import request

from ..config.registration import STATEMENT, TOKEN
from ..crypto.hashing import new_secret as new_token
from ..crypto.hashing import sha256, verify_secret
from ..errors import InvalidToken
from ..features import SECRET_METHODS
from ..signals import client_changed, client_registered
from ..stores.registered_client import DEFAULTS, REGISTRATION, Client
from ..stores.registration.registered import RegisteredClients
from ..stores.registration.registration_tokens import RegistrationTokenSpent
from ..web.environ import actor
from .members import ClientMetadataError, read_scope
from .metadata import check_metadata
from .registry import ClientNotFound
from .secrets import new_secret
from .strangers import NEVER, Ceiling, ceiling_of, ceiling_of_change, kept_of, of_a_stranger, within

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flask import Flask

    from ..config import Settings
    from ..crypto.sealing import Sealing
    from ..database.engine import Database
    from ..hooks import Hooks
    from ..stores.clients import ClientStore
    from ..stores.registration.registration_tokens import RegistrationToken, RegistrationTokenStore
    from .registry import ClientRegistry

MAX_TRIES = 5
NO_INITIAL_TOKEN = "Registering here needs an initial access token that is neither used up nor expired."
NOT_YOURS = "This registration access token opens no registration: register anew."


class Statements(Protocol):
    """The software statements: `read` says what a verified one says, and the most scopes that its clients may have."""

    def read(self, statement: Any) -> tuple[Mapping[str, Any], Collection[str] | None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What is registered now. `client_secret` and `token` (the registration access token) are set where they are new."""

    client_id: str
    issued_at: int
    metadata: Mapping[str, Any]
    client_secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    statement: str | None = field(default=None, repr=False)


class Registrations:
    """Registers clients, and changes and deletes those that were registered so."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        hooks: Hooks,
        database: Database,
        clients: ClientStore,
        registry: ClientRegistry,
        sealing: Sealing,
        grant_types: Collection[str],
        initial_tokens: Callable[[], RegistrationTokenStore],
        statements: Statements | None,
    ) -> None:
        self._app = app
        self._settings = settings
        self._hooks = hooks
        self._clients = clients
        self._registered = RegisteredClients(database, clients, settings.registration_max)
        self._registry = registry
        self._sealing = sealing
        self._grant_types = grant_types
        self._initial_tokens = initial_tokens
        self._statements = statements

    def initial_token(self, token: str | None) -> RegistrationToken | None:
        """The initial access token of a request, where one is needed. Raises `InvalidToken` where this is none."""
        if self._settings.registration != TOKEN:
            return None
        found = None if token is None else self._initial_tokens().find(token)
        if found is None:
            raise InvalidToken(NO_INITIAL_TOKEN)
        return found

    def register(self, metadata: Mapping[str, Any], initial: RegistrationToken | None) -> Registration:
        """Register a client. `initial`: what `initial_token` found; it is used once, and not where the metadata are refused.

        Raises `ClientMetadataError`, which says what is wrong, and `InvalidToken` where the token has ended meanwhile.
        """
        given, scopes = self._with_statement(metadata)
        if initial is not None and initial.scope is not None:
            scopes = [name for name in initial.scope.split() if scopes is None or name in scopes]
        values = self._checked(given, ceiling_of(self._settings, self._grant_types, scopes))
        client_id, new_token_value = secrets.token_hex(16), new_token()
        plain, row = self._secret(values)
        owner = None if initial is None else initial.owner
        own = {"owner": owner, "origin": REGISTRATION, "registration_digest": sha256(new_token_value)}
        spend = None if initial is None else self._initial_tokens().spending(initial)
        try:
            issued_at = self._clients.add(client_id, {**values, **own}, [] if row is None else [row], first=spend)
        except RegistrationTokenSpent:
            raise InvalidToken(NO_INITIAL_TOKEN) from None
        self._registered.make_room()
        client_registered.send(self._app, client_id=client_id, owner=owner, by=self._settings.registration)
        return Registration(
            client_id=client_id, issued_at=issued_at, metadata=values, client_secret=plain, token=new_token_value,
            statement=metadata.get("software_statement"),
        )  # fmt: skip

    def find(self, client_id: str, token: str | None) -> Client:
        """The client that a registration access token belongs to. Raises `InvalidToken`, for whatever reason it isn't."""
        client = self._clients.load(client_id)
        digest = None if client is None else client.registration_digest
        fits = hmac.compare_digest(sha256(token or ""), digest or bytes(32))
        if client is None or digest is None or not fits or not client.enabled:
            raise InvalidToken(NOT_YOURS)
        return client

    def replace(self, client_id: str, token: str | None, metadata: Mapping[str, Any]) -> Registration:
        """Replace a registration by another (RFC 7592 section 2.2): what isn't named has its default.

        Raises `InvalidToken`, and `ClientMetadataError`.
        """
        for _ in range(MAX_TRIES):  # where somebody else's change comes in between, this one is checked again
            client = self.find(client_id, token)
            self._check_its_own(client, metadata)
            given, scopes = self._with_statement(metadata)
            if scopes is None or self._settings.registration == TOKEN:  # its initial access token's ceiling stays
                ceiling = ceiling_of_change(self._settings, self._grant_types, client)
            else:
                ceiling = ceiling_of(self._settings, self._grant_types, scopes)
            values = self._checked(given, ceiling, client)
            kept = values["token_endpoint_auth_method"] in SECRET_METHODS and _same_kind(client, values)
            plain, row = (None, None) if kept else self._secret(values)
            new = None if plain is None else new_token()
            if self._registered.replace(
                client, values, row, drops_secrets=not kept, digest=None if new is None else sha256(new)
            ):
                self._registry.forget_tokens()
                client_changed.send(
                    self._app,
                    client_id=client_id,
                    change="update",
                    fields=client.changes_by(values),
                    actor=actor() or f"client {client_id}",
                )
                return Registration(
                    client_id=client_id, issued_at=client.created_at, metadata=values, client_secret=plain,
                    token=new or token, statement=metadata.get("software_statement"),
                )  # fmt: skip
        raise ClientMetadataError("The registration is being changed by somebody else; try again.")

    def delete(self, client_id: str, token: str | None) -> None:
        """Delete a client; its tokens are dead at once (RFC 7592 section 2.3). Raises `InvalidToken`."""
        self.find(client_id, token)
        try:
            self._registry.delete(client_id)
        except ClientNotFound:  # somebody else has deleted it at the same moment
            raise InvalidToken(NOT_YOURS) from None

    def _with_statement(self, metadata: Mapping[str, Any]) -> tuple[Mapping[str, Any], Collection[str] | None]:
        """The metadata, with those of its software statement in front (RFC 7591 section 2.3), and the ceiling of its issuer."""
        statement = metadata.get("software_statement")
        if statement is None:
            if self._settings.registration == STATEMENT:
                raise ClientMetadataError("A software_statement is needed here.", "invalid_software_statement")
            return metadata, None
        if self._statements is None:
            raise ClientMetadataError("No software statement is accepted here.", "unapproved_software_statement")
        said, scopes = self._statements.read(statement)
        if isinstance(said.get("scope"), str):  # its author's word, and not only what the program asks for at first
            most = self._settings.registration_scopes if scopes is None else scopes
            scopes = [name for name in said["scope"].split() if most is None or name in most]
        return {**metadata, **said}, scopes

    def _checked(self, given: Mapping[str, Any], ceiling: Ceiling, before: Client | None = None) -> dict[str, Any]:
        """What is registered of this metadata, after the app's hook has seen it. Raises `ClientMetadataError`.

        What a program asks for is its default; it may come back for the rest of the ceiling. The MCP SDKs register with the
        scopes of the first challenge that they meet, and ask for those of later ones by the same registration. The hook sees
        all that the program could have. `before`: what it replaces; what the app set of it is no program's to undo.
        """
        values = of_a_stranger(given, self._settings, ceiling)
        own = {} if before is None else kept_of(before)
        own.pop("default_scope", None)
        values |= {name: value for name, value in own.items() if name not in NEVER and value != DEFAULTS[name]}
        everything = " ".join(ceiling.scopes)
        if values["scope"] != everything:
            values |= {"default_scope": values["scope"], "scope": everything}
        hook = self._hooks.on_registration
        if hook is not None:
            changed = self._app.ensure_sync(hook)(check_metadata(values, self._settings), request)
            if changed is not None:
                values = within(_of_the_hook(changed, self._settings), self._settings, ceiling)
        values |= {name: own[name] for name in NEVER.intersection(own)}
        return self._registry.check(values, before)

    def _secret(self, values: Mapping[str, Any]) -> tuple[str | None, dict[str, Any] | None]:
        method = values["token_endpoint_auth_method"]
        return new_secret(self._sealing, method, None, None) if method in SECRET_METHODS else (None, None)

    def _check_its_own(self, client: Client, metadata: Mapping[str, Any]) -> None:
        """Check that a replacement is about this client, and brings no secret of its own (RFC 7592 section 2.2)."""
        if metadata.get("client_id") != client.client_id:
            raise ClientMetadataError("client_id must be the one that is being changed.")
        secret = metadata.get("client_secret")
        if secret is not None and not (
            isinstance(secret, str) and any(verify_secret(secret, each.digest) for each in client.secrets)
        ):
            raise ClientMetadataError(
                "client_secret must be the present one, or be left out: no client chooses its own."
            )


def _of_the_hook(changed: Any, settings: Settings) -> dict[str, Any]:
    """The metadata that a hook returned, checked. Of the default scope, what is no longer in the scope is left out."""
    if not isinstance(changed, Mapping):
        raise TypeError("on_registration returns the metadata, a dict, or None where they stay as they are.")
    given = dict(changed)
    if given.get("scope") is not None:
        given["scope"] = read_scope("scope", given["scope"], settings)
        if not given["scope"]:  # and not all of them, which is what a program gets that names none
            raise ClientMetadataError("No scope remains for this client.")
        if isinstance(given.get("default_scope"), str):
            left = given["scope"].split()
            given["default_scope"] = " ".join(name for name in given["default_scope"].split() if name in left)
    return check_metadata(given, settings)


def _same_kind(client: Client, values: Mapping[str, Any]) -> bool:
    """Whether the client's present secret also serves the new method: for one that signs with it, it is kept otherwise."""
    old, new = client.token_endpoint_auth_method, values["token_endpoint_auth_method"]
    return bool(client.secrets) and (old == new or "client_secret_jwt" not in (old, new))

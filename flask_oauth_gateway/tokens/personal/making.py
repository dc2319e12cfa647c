"""Makes the tokens that users ask for themselves, shows each user theirs, and ends them.

They are opaque access tokens of one client of the gateway's own, which is made on first use: whoever switches that client off
stops all of them. No program can be that client: it has neither a secret nor a grant.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from ...config import ADMIN_SCOPE, APPS_SCOPE, OFFLINE_ACCESS
from ...config.checks import ConfigurationError
from ...config.openid import OPENID_SCOPES
from ...crypto.checksums import new_checked_token
from ...crypto.hashing import token_key
from ...errors import InvalidScopeError, NotConfigured, TemporarilyUnavailable
from ...permissions.scopes import is_in_plan, may_have
from ...signals import client_created
from ...stores.personal.uses import network_of
from ...stores.tokens import token_id_of
from ...web.environ import actor
from ...web.logs import logger
from ..access_token import PERSONAL
from ..issue import Issue, StaleClient

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.engine import Row

    from ...config import Settings
    from ...config.permissions import Resource
    from ...hooks import Hooks
    from ...permissions.resources import Resources
    from ...stores.clients import ClientStore
    from ...stores.personal.tokens import PersonalTokenStore
    from ...stores.registered_client import Client
    from ..issuing import Issuing
    from ..revoked import Revoked
    from ..revoking import Revoking

CLIENT_ID = "personal-access-tokens"
CLIENT_NAME = "Personal access tokens"
MOST = 100  # live ones of a user
MAX_NAME = 100
TRIES = 10  # a try fails only where tokens of the user are just being revoked, or the client is changed
BY = "the user"


@dataclass(frozen=True, slots=True)
class PersonalToken:
    """What the app is told of a personal access token that was just made; never the token itself.

    Times are aware datetimes, in UTC. `network`: from where it was made (/24 of IPv4, /48 of IPv6), `None` where that isn't
    known.
    """

    token_id: str
    subject: str
    name: str
    scopes: tuple[str, ...]
    audience: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    network: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user asks for. `expires_in` is in seconds; `resource` is empty where there is one only."""

    name: str
    scopes: tuple[str, ...]
    expires_in: int
    resource: str = ""


class CannotBeMade(Exception):
    """An administrator has switched personal tokens off."""


class PersonalTokens:
    """The personal access tokens of one app."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        hooks: Hooks,
        clients: ClientStore,
        resources: Resources,
        issuing: Issuing,
        revoked: Revoked,
        revoking: Revoking,
        store: PersonalTokenStore,
    ) -> None:
        self._app = app
        self._settings = settings
        self._hooks = hooks
        self._clients = clients
        self._resources = resources
        self._issuing = issuing
        self._revoked = revoked
        self._revoking = revoking
        self._store = store

    def scopes(self) -> tuple[str, ...]:
        """The scopes that such a token may have: the app's own, as far as the client of these tokens may have them.

        Never `oauth:admin`: the token would outlive its user's being an administrator. Nor OpenID Connect's, as it signs
        nobody in.
        """
        return self._scopes_of(self._clients.get(CLIENT_ID))

    def _scopes_of(self, client: Client | None) -> tuple[str, ...]:
        settings = self._settings
        kept_back = {OFFLINE_ACCESS, ADMIN_SCOPE, *(OPENID_SCOPES if settings.oidc else ())}
        names = [*settings.app_scopes, *([APPS_SCOPE] if settings.developer else [])]
        if client is not None:
            allowed = may_have(client, settings) or set(names)
            names = [name for name in names if name in allowed and is_in_plan(name, client, settings)]
        return tuple(name for name in names if name not in kept_back)

    def resources(self) -> Mapping[str, Resource]:
        """The resources that such a token may be for, by identifier: all but those that take no such token.

        Those are resources with JWTs alone, and with a lifetime of their own.
        """
        try:
            known = self._resources.all()
        except NotConfigured:  # there is one, whose name isn't known
            return {}
        fitting = {
            name: each
            for name, each in known.items()
            if each.access_token_format != "jwt" and each.access_token_lifetime is None
        }
        if not fitting:
            allowed = "False where every resource has JWTs or a lifetime of its own"
            raise ConfigurationError("OAUTH_PERSONAL_TOKENS", True, allowed)
        return fitting

    def make(self, subject: str, user: Any, wanted: Wanted, address: str) -> tuple[str, PersonalToken]:
        """Make a token; returns it, this one time, and what the app was told of it.

        Raises `CannotBeMade`, `TooManyTokens`, `InvalidScopeError` and `TemporarilyUnavailable`.
        """
        for _ in range(TRIES):
            moment = self._issuing.moment
            client = self._client()
            if not client.enabled:
                raise CannotBeMade
            self._check_scopes(wanted, client)
            audience = self._audience(wanted)
            scopes = self._resources.within(wanted.scopes, audience)
            issue = Issue(
                client=client, grant_type=PERSONAL, scopes=scopes, subject=subject, user=user, audience=audience
            )
            now = int(time.time())
            token = new_checked_token(self._settings.token_prefix, now)
            values: dict[str, Any] = {
                "token_hash": token_key(token), "client": client.key, "family": None, "subject": subject,
                "scope": " ".join(scopes), "audience": " ".join(audience) or None, "grant_type": PERSONAL,
                "attributes": self._issuing.attributes_for(issue), "claims": None, "issued_at": now,
                "expires_at": now + min(wanted.expires_in, self._settings.personal_token_max_lifetime),
            }  # fmt: skip
            try:
                numbers = self._issuing.standing(issue, moment, is_jwt=False)
            except StaleClient:
                continue
            if self._store.add(values, wanted.name, client, numbers, most=MOST):
                break
            self._revoked.look_up(numbers)
        else:
            raise TemporarilyUnavailable
        made = PersonalToken(
            token_id=token_id_of(values["token_hash"]),
            subject=subject,
            name=wanted.name,
            scopes=scopes,
            audience=audience,
            issued_at=datetime.fromtimestamp(now, UTC),
            expires_at=datetime.fromtimestamp(values["expires_at"], UTC),
            network=network_of(address),
        )
        try:
            self._issuing.announce(client, PERSONAL, subject, scopes, made.token_id)
        finally:  # a receiver of the signal may fail, and the token is made: its user must hear of it
            self._tell(made)
        return token, made

    def of(self, subject: str) -> Sequence[Row[Any]]:
        """A user's live tokens, the newest first."""
        return self._store.of_subject(subject)

    def revoke(self, token_id: str, subject: str) -> bool:
        """End one of a user's own tokens; False where there is no such live token of theirs."""
        try:
            token_hash = self._store.find(bytes.fromhex(token_id), subject)
        except ValueError:
            return False
        if token_hash is None:
            return False
        client = self._clients.load(CLIENT_ID)
        return bool(self._revoking.matching(token_hash=token_hash, client=client, subject=subject, by=BY, actor=None))

    def revoke_all(self, subject: str) -> int:
        """End all of a user's personal tokens; returns how many there were."""
        client = self._clients.load(CLIENT_ID)
        return 0 if client is None else self._revoking.matching(client=client, subject=subject, by=BY, actor=None)

    def _client(self) -> Client:
        """The client of these tokens. Raises `ConfigurationError` where somebody has made it one that programs can be."""
        found = self._clients.load(CLIENT_ID)
        if found is None:
            try:
                self._clients.add(CLIENT_ID, {"client_name": CLIENT_NAME, "grant_types": []}, [])
            except IntegrityError:  # another request was first
                pass
            else:
                client_created.send(self._app, client_id=CLIENT_ID, actor=actor())
            found = self._clients.load(CLIENT_ID)
        if found is None:
            raise TemporarilyUnavailable
        proves_itself = found.secrets or not found.token_endpoint_auth_method.startswith("client_secret")
        if found.grant_types or found.redirect_uris or proves_itself:
            allowed = f"False while the client {CLIENT_ID!r} has a grant, a redirect URI, or a secret or key to prove who it is"
            raise ConfigurationError("OAUTH_PERSONAL_TOKENS", True, allowed)
        return found

    def _check_scopes(self, wanted: Wanted, client: Client) -> None:
        """Raises `InvalidScopeError`. The page may have shown what its process remembered, and an administrator took away."""
        if not set(wanted.scopes) <= set(self._scopes_of(client)):
            raise InvalidScopeError("No token may have these scopes any more.")

    def _audience(self, wanted: Wanted) -> tuple[str, ...]:
        known = self.resources()
        if not self._resources.are_configured and (not wanted.resource or len(known) == 1):
            return ()
        return (wanted.resource or next(iter(known)),)

    def _tell(self, made: PersonalToken) -> None:
        """Call the app's `token_created` hook. The token is made by now, and its user must see it, whatever the hook does."""
        if self._hooks.token_created is None:
            return
        try:
            self._hooks.token_created(made)
        except Exception:  # noqa: BLE001  whatever a function of the app's raises
            logger.exception("The token_created hook failed for the token %s.", made.token_id)

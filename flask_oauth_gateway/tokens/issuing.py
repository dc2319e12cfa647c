"""`issue`: the one place that mints."""

from __future__ import annotations

import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..crypto.hashing import new_secret, sha256
from ..database.tables import new_family_key
from ..signals import token_issued, token_refreshed
from ..stores.issuance import Deed, do
from ..stores.revocations import MAX_TOKEN_LIFETIME
from . import opaque

if TYPE_CHECKING:
    from ..authorization_server import State
    from ..stores.clients import Client
    from ..stores.issuance import Spend

#: Members of a token response or an introspection answer that no custom attribute may take.
RESERVED = frozenset(
    {
        "access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token", "issued_token_type", "active",
        "client_id", "sub", "aud", "iss", "exp", "iat", "nbf", "jti", "username", "cnf", "act", "acr", "amr", "auth_time",
        "audience", "user_id", "issued_at", "grant_type", "error", "error_description", "authorization_details", "state",
    }
)  # fmt: skip


class StaleClient(Exception):
    """The client changed between proving who it is and the statement that acts for it: read it again and try anew."""


class AlreadySpent(Exception):
    """What was to be spent for the token (a code, a refresh token, a device code) was spent by somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What a user approved, once: the family that every token of it belongs to. `expires_at` ends all of it."""

    key: bytes
    scope: str
    expires_at: int
    audience: str | None = None
    is_new: bool = True

    @classmethod
    def new(cls, scopes: tuple[str, ...], expires_at: int, audience: tuple[str, ...] = ()) -> Approval:
        return cls(
            key=new_family_key(), scope=" ".join(scopes), expires_at=expires_at, audience=" ".join(audience) or None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What a token is to say. `subject` is `None` where no user takes part; `expires_in` in seconds."""

    client: Client
    grant_type: str
    scopes: tuple[str, ...]
    subject: str | None = None
    user: Any = None
    audience: tuple[str, ...] = ()
    attributes: Mapping[str, Any] | None = None
    claims: Mapping[str, Any] | None = None
    expires_in: int | None = None
    approval: Approval | None = None
    refresh_token_expires_at: int | None = None  # None: no refresh token is given
    derive_from: tuple[str, bytes] | None = None  # a spent refresh token and a salt, which give the same tokens again


def issue(state: State, request: Issue, spend: Spend | None = None) -> dict[str, Any]:
    """Mint and store a token, and a refresh token where one is due; returns the token response (RFC 6749 section 5.1).

    `spend` is what the token is given for: it is spent in the same statement or transaction. Raises `AlreadySpent`,
    `StaleClient`, and `ValueError` for an attribute named as one of the protocol's own members.
    """
    client, approval = request.client, request.approval
    now = int(time.time())
    expires_in = request.expires_in or lifetime_of(state, client, request.grant_type)
    if approval is not None:
        expires_in = max(1, min(expires_in, approval.expires_at - now))
    attributes = attributes_for(state, request)
    scope = " ".join(request.scopes)
    values: dict[str, Any] = {
        "client": client.key,
        "family": None if approval is None else approval.key,
        "subject": request.subject,
        "scope": scope,
        "audience": " ".join(request.audience) or state.resources.default_audience(),
        "grant_type": request.grant_type,
        "attributes": attributes,
        "claims": request.claims,
        "issued_at": now,
        "expires_at": now + expires_in,
    }
    refresh_token = (
        None if request.refresh_token_expires_at is None else new_value(state, request.derive_from, "refresh")
    )
    if format_of(state, client) == "jwt":
        from . import jwt

        values["expires_at"] = now + min(expires_in, MAX_TOKEN_LIFETIME)
        token, token_id = jwt.create(state, client.client_id, values)
    else:
        token = new_value(state, request.derive_from, "access")
        values["token_hash"] = sha256(token)
        token_id = opaque.token_id_of(values["token_hash"])
    if approval is not None or spend is not None:
        _store_approved(state, request, values, refresh_token, spend)
    elif "token_hash" in values and not state.tokens.add(values, client):
        raise StaleClient(client.client_id)
    announce(state, client, request.grant_type, request.subject, request.scopes, token_id)
    return token_response(token, values["expires_at"] - now, scope, refresh_token, attributes)


def announce(
    state: State, client: Client, grant_type: str, subject: str | None, scopes: tuple[str, ...], token_id: str
) -> None:
    """Say that a token was given."""
    signal = token_refreshed if grant_type == "refresh_token" else token_issued
    signal.send(
        state.app,
        client_id=client.client_id,
        subject=subject,
        grant_type=grant_type,
        scopes=scopes,
        token_id=token_id,
    )


def lifetime_of(state: State, client: Client, grant_type: str) -> int:
    """Seconds that a client's access token of this grant lives, as far as its approval lasts."""
    return client.access_token_lifetime or state.settings.access_token_lifetime_of(grant_type)


def format_of(state: State, client: Client) -> str:
    """What this client's access tokens are: "opaque" or "jwt"."""
    return client.access_token_format or state.settings.access_token_format


def token_response(
    token: str, expires_in: int, scope: str, refresh_token: str | None, attributes: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The members of a token response; custom attributes are shown save those whose name begins with an underscore."""
    response: dict[str, Any] = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": expires_in,
        "scope": scope,
    }
    if refresh_token is not None:
        response["refresh_token"] = refresh_token
    if attributes:
        response.update((name, value) for name, value in attributes.items() if not name.startswith("_"))
    return response


def attributes_for(state: State, request: Issue) -> dict[str, Any] | None:
    """The custom attributes of a token: what is given, and what the app's `token_attributes` hook adds."""
    hook = state.hooks.token_attributes
    if hook is None and not request.attributes:
        return None
    attributes = dict(request.attributes or {})
    if hook is not None:
        attributes |= hook(request.client, request.user, frozenset(request.scopes), request.grant_type) or {}
    taken = RESERVED.intersection(attributes)
    if taken:
        raise ValueError(f"A token attribute can't be named {min(taken)!r}: the protocol uses that name itself.")
    return attributes or None


def derived(state: State, token: str, salt: bytes, what: str) -> str:
    """A token's successor: 256 bits that nobody knows but whoever holds the token and the salt stored with it."""
    value = hmac.digest(token.encode(), salt + what.encode(), "sha256")
    return state.settings.token_prefix + urlsafe_b64encode(value).rstrip(b"=").decode()


def new_value(state: State, derive_from: tuple[str, bytes] | None, what: str) -> str:
    """A new token: random, or what a spent one and its salt give again."""
    return new_secret(state.settings.token_prefix) if derive_from is None else derived(state, *derive_from, what)


def _store_approved(
    state: State, request: Issue, values: dict[str, Any], refresh_token: str | None, spend: Spend | None
) -> None:
    """Spend what is spent and store what is issued, all of it or nothing."""
    approval, now = request.approval, values["issued_at"]
    family = None
    if approval is not None and approval.is_new:
        family = {
            "id": approval.key,
            "client": request.client.key,
            "subject": request.subject,
            "scope": approval.scope,
            "audience": approval.audience,
            "grant_type": request.grant_type,
            "attributes": request.attributes,
            "claims": request.claims,
            "created_at": now,
            "expires_at": approval.expires_at,
        }
    following = None
    if refresh_token is not None and approval is not None:
        following = {
            "token_hash": sha256(refresh_token),
            "family": approval.key,
            "issued_at": now,
            "expires_at": request.refresh_token_expires_at,
        }
    outcome = do(
        state.database,
        Deed(
            client=request.client,
            spend=spend,
            family=family,
            access_token=values if "token_hash" in values else None,
            refresh_token=following,
        ),
    )
    if not outcome.client_is_live:
        raise StaleClient(request.client.client_id)
    if not outcome.spent:
        raise AlreadySpent

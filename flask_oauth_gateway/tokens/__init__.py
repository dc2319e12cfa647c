"""`issue`: the one place that mints."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..signals import token_issued
from . import opaque

if TYPE_CHECKING:
    from ..extension import State
    from ..stores.clients import Client

#: Members of a token response or an introspection answer that no custom attribute may take.
RESERVED = frozenset(
    {
        "access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token", "issued_token_type", "active",
        "client_id", "sub", "aud", "iss", "exp", "iat", "nbf", "jti", "username", "cnf", "act", "acr", "amr", "auth_time",
        "audience", "user_id", "issued_at", "grant_type", "error", "error_description", "authorization_details",
    }
)  # fmt: skip


class StaleClient(Exception):
    """The client changed between proving who it is and the statement that acts for it: read it again and try anew."""


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
    family: bytes | None = None
    expires_in: int | None = None


def issue(state: State, request: Issue) -> dict[str, Any]:
    """Mint and store an access token; returns the members of the token response (RFC 6749 section 5.1).

    Raises `StaleClient` where the client isn't any more what it was, and `ValueError` for an attribute named as one of
    the protocol's own members.
    """
    client = request.client
    expires_in = request.expires_in or client.access_token_lifetime
    if expires_in is None:
        expires_in = state.settings.access_token_lifetime_of(request.grant_type)
    attributes = attributes_for(state, request)
    scope = " ".join(request.scopes)
    now = int(time.time())
    values = {
        "client": client.key,
        "family": request.family,
        "subject": request.subject,
        "scope": scope,
        "audience": " ".join(request.audience) or None,
        "grant_type": request.grant_type,
        "attributes": attributes,
        "claims": request.claims,
        "issued_at": now,
        "expires_at": now + expires_in,
    }
    made = opaque.create(state, client, values)
    if made is None:
        raise StaleClient(client.client_id)
    token, token_hash = made
    token_issued.send(
        state.app,
        client_id=client.client_id,
        subject=request.subject,
        grant_type=request.grant_type,
        scopes=request.scopes,
        token_id=opaque.token_id_of(token_hash),
    )
    response = {"access_token": token, "token_type": "Bearer", "expires_in": expires_in, "scope": scope}
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

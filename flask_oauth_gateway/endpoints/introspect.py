"""`POST /oauth/introspect`: what a token is, asked by an authenticated client (RFC 7662)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request

from ..approvals import dies_at, is_live
from ..client_auth import CONFIDENTIAL_METHODS, authenticate
from ..errors import InvalidRequestError, InvalidToken, json_response
from ..globals import current_state
from ..hashing import sha256
from ..issuer import issuer_of
from ..request import read_request
from ..tokens.opaque import from_row
from ..validators import is_jwt, validate

if TYPE_CHECKING:
    from ..extension import State
    from ..stores.clients import Client

INACTIVE = {"active": False}


def introspect() -> Response:
    """A client sees its own tokens, a resource server all; anybody else, and of a dead token, only that it isn't active."""
    state = current_state()
    form = read_request(request, state.settings)
    client = authenticate(state, form, CONFIDENTIAL_METHODS)
    token = form.form.get("token")
    if token is None:
        raise InvalidRequestError("The parameter 'token' is missing.")
    if is_jwt(token):
        return json_response(200, _jwt(state, client, token))
    token_hash = sha256(token)
    row = state.tokens.find_for(token_hash, client)
    if row is None or not row.asker_is_live:
        state.clients.forget(client.client_id)
        client = authenticate(state, form, CONFIDENTIAL_METHODS)  # it may have changed since it was remembered
    if row is None:
        return json_response(200, _refresh_token(state, client, token_hash))
    if row.client != client.key and not client.resource_server:
        return json_response(200, INACTIVE)
    found = from_row(row)
    if found.refusal is not None:
        return json_response(200, INACTIVE)
    return json_response(200, {"active": True, **found.claims})


def _jwt(state: State, client: Client, token: str) -> dict[str, Any]:
    """A token that isn't stored: what it says, if it is good and the client may know."""
    try:
        found = validate(state, token)
    except InvalidToken:
        return INACTIVE
    if found.client_id != client.client_id and not client.resource_server:
        return INACTIVE
    return {"active": True, **found.claims, "iss": issuer_of(state)}


def _refresh_token(state: State, client: Client, token_hash: bytes) -> dict[str, Any]:
    """What a refresh token is, told to its own client alone: to a resource server it must never pass for an access token."""
    row = state.families.find_refresh_token(token_hash)
    if row is None or row.client != client.key or row.spent_at is not None or not is_live(state, row):
        return INACTIVE
    claims = {"client_id": client.client_id, "scope": row.scope, "iat": row.issued_at, "exp": dies_at(state, row)}
    return {"active": True, **claims, **({} if row.subject is None else {"sub": row.subject})}

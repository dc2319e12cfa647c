"""`POST /oauth/revoke`: a client gives back a token of its own (RFC 7009)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from ..authentication import authenticate
from ..crypto.hashing import sha256
from ..errors import InvalidRequestError, InvalidToken, json_response
from ..protection.validators import is_jwt, validate_own
from ..signals import token_revoked
from ..tokens.opaque import token_id_of
from ..web.environ import current_state
from ..web.request import read_request

if TYPE_CHECKING:
    from ..authorization_server import State
    from ..stores.clients import Client


def revoke() -> Response:
    """200 for a token that is revoked, unknown, dead or somebody else's: the answer tells nothing (section 2.2)."""
    state = current_state()
    form = read_request(request, state.settings)
    client = authenticate(state, form)
    token = form.form.get("token")
    if token is None:
        raise InvalidRequestError("The parameter 'token' is missing.")
    if is_jwt(token):
        _revoke_jwt(state, client, token)
        return json_response(200, {})
    token_hash = sha256(token)
    revoked = state.tokens.revoke(token_hash, client)
    if not revoked:
        seen = client.version
        state.clients.forget(client.client_id)
        client = authenticate(state, form)  # it may have been disabled, or lost the secret that it came with
        revoked = client.version != seen and state.tokens.revoke(token_hash, client)
    if revoked:
        state.forget_tokens(token_hash)
        token_revoked.send(
            state.app,
            client_id=client.client_id,
            subject=None,
            token_id=token_id_of(token_hash),
            count=1,
            by="client",
            actor=None,
        )
    else:
        _revoke_family(state, client, token_hash)
    return json_response(200, {})


def _revoke_jwt(state: State, client: Client, token: str) -> None:
    """Of a token that isn't stored: mark it for as long as it could live."""
    try:
        found = validate_own(state, token)
    except InvalidToken:
        return
    if found.client_id != client.client_id:
        return
    state.revoke_stateless(found)
    token_revoked.send(
        state.app,
        client_id=client.client_id,
        subject=found.subject,
        token_id=found.token_id,
        count=1,
        by="client",
        actor=None,
    )


def _revoke_family(state: State, client: Client, token_hash: bytes) -> None:
    """Of a refresh token: end it and every token that goes back to the same approval (section 2.1)."""
    row = state.families.find_refresh_token(token_hash)
    if row is None or row.client != client.key or not state.families.revoke(bytes(row.family)):
        return
    state.forget_tokens()
    token_revoked.send(
        state.app, client_id=client.client_id, subject=row.subject, token_id=None, count=1, by="client", actor=None
    )

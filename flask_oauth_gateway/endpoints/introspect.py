"""`POST /oauth/introspect`: what a token is, asked by an authenticated client (RFC 7662)."""

from __future__ import annotations

from flask import Response, request

from ..client_auth import CONFIDENTIAL_METHODS, authenticate
from ..errors import InvalidRequestError, json_response
from ..globals import current_state
from ..hashing import sha256
from ..request import read_request
from ..tokens.opaque import from_row

INACTIVE = {"active": False}


def introspect() -> Response:
    """A client sees its own tokens, a resource server all; anybody else, and of a dead token, only that it isn't active."""
    state = current_state()
    form = read_request(request, state.settings)
    client = authenticate(state, form, CONFIDENTIAL_METHODS)
    token = form.form.get("token")
    if token is None:
        raise InvalidRequestError("The parameter 'token' is missing.")
    row = state.tokens.find_for(sha256(token), client)
    if row is None or not row.asker_is_live:
        state.clients.forget(client.client_id)
        client = authenticate(state, form, CONFIDENTIAL_METHODS)  # it may have changed since it was remembered
    if row is None or (row.client != client.key and not client.resource_server):
        return json_response(200, INACTIVE)
    found = from_row(row)
    if found.refusal is not None:
        return json_response(200, INACTIVE)
    return json_response(200, {"active": True, **found.claims})

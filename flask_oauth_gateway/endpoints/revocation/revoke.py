"""`POST /oauth/revoke`: a client revokes a token of its own (RFC 7009)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from ...crypto.hashing import token_key
from ...errors import InvalidRequestError, InvalidToken
from ...tokens.reading import is_jwt
from ...web.answers import json_response
from ...web.request import read_request

if TYPE_CHECKING:
    from ...authorization_server import AuthorizationServer
    from ...stores.registered_client import Client
    from ...web.request import OAuthRequest

BY = "client"


def revoke(server: AuthorizationServer) -> Response:
    """Answer 200 even for an unknown or dead token or another client's, so that the answer reveals nothing (section 2.2)."""
    form = read_request(server.settings)
    form.client_is_rechecked = True  # by the statement that revokes the token
    client = server.authentication.authenticate(form)
    token = form.form.get("token")
    if token is None:
        raise InvalidRequestError("The parameter 'token' is missing.")
    if is_jwt(token):
        _revoke_jwt(server, form, client, token)
    elif not server.revoking.stored_token(token_key(token), client, by=BY):
        _revoke_otherwise(server, form, client, token_key(token))
    return json_response(200, {})


def _revoke_otherwise(server: AuthorizationServer, form: OAuthRequest, client: Client, token_hash: bytes) -> None:
    """Try again after a failure: the client may have changed, or the token is a refresh token (section 2.1)."""
    seen = client
    client = _again(server, form, client)
    if not client.is_as(seen) and server.revoking.stored_token(token_hash, client, by=BY):
        return
    row = server.approvals.find_refresh_token(token_hash)
    if row is not None and row.client == client.key and row.revoked_at is None:
        _count(server, client)
        server.revoking.approval(bytes(row.family), client.client_id, row.subject, by=BY)


def _again(server: AuthorizationServer, form: OAuthRequest, client: Client) -> Client:
    """Who asks, read anew: the client may have been disabled, or have lost this secret, since it was remembered."""
    server.clients.forget(client.client_id)
    return server.authentication.authenticate(form)


def _revoke_jwt(server: AuthorizationServer, form: OAuthRequest, client: Client, token: str) -> None:
    """Revoke a JWT, which isn't stored, by a mark for the rest of its lifetime."""
    try:
        found = server.own_tokens.read(token)
    except InvalidToken:
        found = None
    if found is None or found.client_id != client.client_id:
        if not server.tokens.client_is_live(client):
            _again(server, form, client)
        return
    _count(server, client)
    if not server.revoking.stateless_token(found, client, by=BY, actor=None):
        _again(server, form, client)
        server.revoking.stateless_token(found, by=BY, actor=None)


def _count(server: AuthorizationServer, client: Client) -> None:
    """Count a mark, which every process has to remember. Raises `TooManyRequests` where a client makes too many."""
    server.rate_limiter.spend("revoke", f"client:{client.client_id}")

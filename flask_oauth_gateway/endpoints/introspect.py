"""`POST /oauth/introspect`: what a token is, asked by an authenticated client (RFC 7662), as a signed JWT too (RFC 9701)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flask import Response, request

from ..authentication import CONFIDENTIAL_METHODS, authenticate
from ..crypto.hashing import sha256
from ..errors import NO_STORE, InvalidRequestError, InvalidToken, json_response
from ..protection.validators import is_jwt, validate_own
from ..tokens.lifetimes import dies_at, is_live
from ..tokens.opaque import from_row
from ..web.addresses import client_here
from ..web.environ import current_state
from ..web.issuer import issuer_of
from ..web.request import read_request

if TYPE_CHECKING:
    from ..authorization_server import State
    from ..stores.clients import Client
    from ..web.request import OAuthRequest

INACTIVE = {"active": False}
JWT_TYPE = "token-introspection+jwt"
MEDIA_TYPES = ("application/json", f"application/{JWT_TYPE}")


def introspect() -> Response:
    """A client sees its own tokens, a resource server all; anybody else, and of a dead token, only that it isn't active."""
    state = current_state()
    form = read_request(request, state.settings)
    client = authenticate(state, form, CONFIDENTIAL_METHODS)
    if state.rate_limiter.is_on("introspect"):
        state.rate_limiter.spend("introspect", client_here(state, client.client_id))
    token = form.form.get("token")
    if token is None:
        raise InvalidRequestError("The parameter 'token' is missing.")
    answer = _jwt(state, client, token) if is_jwt(token) else _opaque(state, form, client, token)
    response = _signed(state, client, answer) if _wants_jwt() else json_response(200, answer)
    seconds = state.settings.token_cache_seconds
    if seconds and answer["active"]:  # the asker may be as late to learn of a revocation as this server itself
        response.headers["Cache-Control"] = f"private, max-age={seconds}"
        del response.headers["Pragma"]
    return response


def _wants_jwt() -> bool:
    """Whether the caller would rather have the answer signed (RFC 9701 section 4)."""
    accept = request.headers.get("Accept", "")
    return JWT_TYPE in accept.lower() and request.accept_mimetypes.best_match(MEDIA_TYPES) == MEDIA_TYPES[1]


def _signed(state: State, client: Client, answer: dict[str, Any]) -> Response:
    """The answer as a JWT for this client alone (RFC 9701 section 5); its `typ` keeps it from passing as any other."""
    from ..crypto.jose import sign

    signing = state.key_ring.signing_key()
    header = {"typ": JWT_TYPE, "alg": signing.algorithm, "kid": signing.kid}
    claims = {"iss": issuer_of(state), "aud": client.client_id, "iat": int(time.time()), "token_introspection": answer}
    return Response(sign(header, claims, signing.key), headers=list(NO_STORE), mimetype=MEDIA_TYPES[1])


def _opaque(state: State, form: OAuthRequest, client: Client, token: str) -> dict[str, Any]:
    token_hash = sha256(token)
    row = state.tokens.find_for(token_hash, client)
    if row is None or not row.asker_is_live:
        state.clients.forget(client.client_id)
        client = authenticate(state, form, CONFIDENTIAL_METHODS)  # it may have changed since it was remembered
    if row is None:
        return _refresh_token(state, client, token_hash)
    if row.client != client.key and not client.resource_server:
        return INACTIVE
    found = from_row(row)
    if found.refusal is None and state.plans is not None:
        try:
            found = state.plans.of(found)
        except InvalidToken:
            return INACTIVE
    return INACTIVE if found.refusal is not None else {"active": True, **found.claims}


def _jwt(state: State, client: Client, token: str) -> dict[str, Any]:
    """A token that isn't stored: what it says, if it is good and the client may know."""
    try:
        found = validate_own(state, token)
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
    # No token_type, which is an access token's (RFC 7662 section 2.2); this says it to those who don't look for that.
    return {
        "active": True,
        "token_use": "refresh_token",
        **claims,
        **({} if row.subject is None else {"sub": row.subject}),
    }

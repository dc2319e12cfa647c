"""`POST /oauth/introspect`: tells an authenticated client about a token (RFC 7662), as a signed JWT too (RFC 9701)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flask import Response, request

from ..crypto.hashing import token_key
from ..errors import InvalidRequestError, InvalidToken
from ..features import CONFIDENTIAL_METHODS
from ..stores.asking import Asked, look_up
from ..tokens.access_token import PERSONAL
from ..tokens.reading import is_jwt
from ..tokens.sign_in import AUTHORIZATION_DETAILS, CNF
from ..web.answers import NO_STORE, json_response
from ..web.request import read_request

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer
    from ..stores.registered_client import Client
    from ..tokens.access_token import AccessToken
    from ..web.request import OAuthRequest

INACTIVE = {"active": False}
JWT_TYPE = "token-introspection+jwt"
MEDIA_TYPES = ("application/json", f"application/{JWT_TYPE}")


def introspect(server: AuthorizationServer) -> Response:
    """Describe a live token to its own client, and to a resource server; otherwise answer only that it isn't active."""
    form = read_request(server.settings)
    form.client_is_rechecked = True  # by the statement that finds the token
    asked = _asked_at_once(server, form)
    client = server.authentication.authenticate(form, CONFIDENTIAL_METHODS)
    if server.rate_limiter.is_on("introspect"):
        server.rate_limiter.spend("introspect", server.addresses.client_here(client.client_id))
    token = form.form.get("token")
    if token is None:
        raise InvalidRequestError("The parameter 'token' is missing.")
    answer = _jwt(server, form, client, token) if is_jwt(token) else _opaque(server, form, client, token, asked)
    if server.settings.in_profile.takes_bound_tokens_alone and "token_type" in answer and CNF not in answer:
        answer = INACTIVE  # as at this server's own views: resource servers may not know the profile
    is_signed = _wants_jwt(form) or (server.settings.in_profile.signs_introspection and not _wants_json(form))
    response = _signed(server, client, answer) if is_signed else json_response(200, answer)
    seconds = server.settings.token_cache_seconds
    if seconds and "token_type" in answer:  # the caller may learn of a revocation as late as this server itself
        kept = max(0, min(seconds, answer["exp"] - int(time.time())))  # not beyond `exp` (RFC 7662 section 4)
        response.headers["Cache-Control"] = f"private, max-age={kept}"
        del response.headers["Pragma"]
    return response


def _wants_jwt(form: OAuthRequest) -> bool:
    """Whether the caller prefers a signed answer (RFC 9701 section 4)."""
    accept = form.environ.get("HTTP_ACCEPT", "")
    return JWT_TYPE in accept.lower() and request.accept_mimetypes.best_match(MEDIA_TYPES) == MEDIA_TYPES[1]


def _wants_json(form: OAuthRequest) -> bool:
    """Whether the caller asks for plain JSON by its name."""
    return MEDIA_TYPES[0] in form.environ.get("HTTP_ACCEPT", "").lower()


def _signed(server: AuthorizationServer, client: Client, answer: dict[str, Any]) -> Response:
    """The answer as a JWT for this client alone (RFC 9701 section 5). By its `typ`, nobody takes it for an access token."""
    from ..crypto.jose import sign

    signing = server.key_ring.signing_key()
    header = {"typ": JWT_TYPE, "alg": signing.algorithm, "kid": signing.kid}
    claims = {
        "iss": server.issuer.identifier(),
        "aud": client.client_id,
        "iat": int(time.time()),
        "token_introspection": answer,
    }
    return Response(sign(header, claims, signing.signer), headers=list(NO_STORE), mimetype=MEDIA_TYPES[1])


def _asked_at_once(server: AuthorizationServer, form: OAuthRequest) -> Asked | None:
    """The client that a request names, where this process doesn't remember it, and the token: by one statement for both.

    Whether it is that client is proved afterwards.
    """
    token = form.form.get("token")
    if token is None or is_jwt(token) or server.lookups is not server.tokens:  # a replica knows no secrets well enough
        return None
    named = server.authentication.named(form)
    if named is None or server.clients.remembered(named, rechecked=True) is not None:
        return None
    return look_up(server.database, server.clients, named, token_key(token))


def _opaque(
    server: AuthorizationServer, form: OAuthRequest, client: Client, token: str, asked: Asked | None
) -> dict[str, Any]:
    token_hash = token_key(token)
    if asked is not None and asked.client.is_as(client):
        row = asked.token
    else:
        row = server.lookups.find_for(token_hash, client)
        if row is None or not row.asker_is_live:
            client = _again(server, form, client)
    if row is None:
        return _refresh_token(server, client, token_hash)
    if row.client != client.key and not client.resource_server:
        return INACTIVE
    found = server.own_tokens.from_row(row)
    if found.refusal is not None:
        return INACTIVE
    try:
        answer = {"active": True, **_claims(server, client, server.validators.check(found))}
    except InvalidToken:
        return INACTIVE
    if server.uses is not None and found.grant_type == PERSONAL:
        server.uses.note(found.token_id, "")  # from where, the caller alone knows
    return answer


def _again(server: AuthorizationServer, form: OAuthRequest, client: Client) -> Client:
    """Who asks, read anew: the client may have been disabled, or have lost this secret, since it was remembered."""
    server.clients.forget(client.client_id)
    return server.authentication.authenticate(form, CONFIDENTIAL_METHODS)


def _jwt(server: AuthorizationServer, form: OAuthRequest, client: Client, token: str) -> dict[str, Any]:
    """What a JWT says, which isn't stored, where it is good and the client may know it."""
    if not server.lookups.client_is_live(client):
        client = _again(server, form, client)
    try:
        found = server.validators.validate_own(token)
        if found.client_id != client.client_id and not client.resource_server:
            return INACTIVE
        return {"active": True, **_claims(server, client, found), "iss": server.issuer.identifier()}
    except InvalidToken:
        return INACTIVE


def _claims(server: AuthorizationServer, client: Client, token: AccessToken) -> dict[str, Any]:
    """The claims of an access token; whoever asks is told of the user by the name that the token's client knows.

    The scopes that its scopes include are named too: which these are, only this server knows. Another client than the token's
    own is told only of the authorization details that concern it (RFC 9396 section 9.2).
    """
    claims = token.claims
    if server.settings.scope_implies:
        claims["scope"] = " ".join((*token.scope.split(), *sorted(server.guard.scopes_of(token) - token.scopes)))
    if AUTHORIZATION_DETAILS in claims and token.client_id != client.client_id:
        from ..permissions.details import concerning  # servers without these never load it

        claims[AUTHORIZATION_DETAILS] = concerning(claims[AUTHORIZATION_DETAILS], client)
    if token.subject is not None:
        claims["sub"] = server.validators.sub_of(token.client_id, token.subject)
    return claims


def _refresh_token(server: AuthorizationServer, client: Client, token_hash: bytes) -> dict[str, Any]:
    """The answer about a refresh token, for its own client only: no resource server may take it for an access token."""
    row = server.approvals.find_refresh_token(token_hash)
    if row is None or row.client != client.key or row.spent_at is not None or not server.lifetimes.is_live(row):
        return INACTIVE
    claims = {
        "client_id": client.client_id,
        "scope": row.scope,
        "iat": row.issued_at,
        "exp": server.lifetimes.refresh_token_dies_at(row),
    }
    if row.claims and AUTHORIZATION_DETAILS in row.claims:
        claims[AUTHORIZATION_DETAILS] = row.claims[AUTHORIZATION_DETAILS]
    # There is no token_type: only access tokens have one (RFC 7662 section 2.2). `token_use` is for callers that don't
    # know this.
    return {
        "active": True,
        "token_use": "refresh_token",
        **claims,
        **({} if row.subject is None else {"sub": server.validators.sub_of(client.client_id, row.subject)}),
    }

"""`GET, POST /oauth/userinfo`: who the user of an access token is (OIDC Core section 5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from ..config.openid import OPENID
from ..errors import InsufficientScope, InvalidToken
from ..protection.guard import Requirement
from ..tokens.sign_in import USERINFO, openid_part
from ..web.environ import CLIENT, TOKEN

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer
    from ..tokens.access_token import AccessToken

_NEEDED = Requirement(scopes=frozenset({OPENID}), any_audience=True)


def userinfo(server: AuthorizationServer) -> Response:
    """Answer with the `sub` of the ID token, and the claims that the token's scopes and request let out."""
    guard = server.guard
    refusal = guard.admit(_NEEDED)
    if refusal is not None:
        return refusal
    token: AccessToken = request.environ[TOKEN]
    if token.issuer is not None:  # its subject may be somebody else here
        return guard.refuse(InvalidToken("The access token is not one of this server's."), _NEEDED)
    client = server.clients.get(token.client_id)
    if client is None:
        return guard.refuse(InvalidToken("The client of this access token is gone.", token.client_id), _NEEDED)
    request.environ[CLIENT] = client  # whose scripts may read the answer
    if token.subject is None:
        without = InsufficientScope(OPENID, "No user takes part in this access token.", token.client_id)
        return guard.refuse(without, _NEEDED)
    user = server.users.load(token.subject)
    if user is None and server.users.are_known():
        return guard.refuse(InvalidToken("The user of this access token is gone.", token.client_id), _NEEDED)
    asked = frozenset(openid_part(token.details).get(USERINFO, ()))
    claims = server.openid.user_claims.of(user, tuple(token.scope.split()), asked, by_scope=True)
    return server.openid.userinfo.answer(client, {**claims, "sub": server.openid.subjects.of(client, token.subject)})

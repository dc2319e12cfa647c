"""`client_credentials`: a client asks for itself; no user takes part (RFC 6749 section 4.4)."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant as AuthlibGrant

from ..authentication import CONFIDENTIAL_METHODS
from ..permissions.scopes import resolve_scopes
from ..tokens.issuing import Issue, issue


class ClientCredentialsGrant(AuthlibGrant):
    """Authlib checks the client and its grant types; the scopes and the answer are ours."""

    TOKEN_ENDPOINT_AUTH_METHODS = CONFIDENTIAL_METHODS

    def validate_requested_scope(self) -> None:
        request = self.request
        state = self.server.state
        request.scopes = resolve_scopes(request.payload.scope, request.client, state.settings)
        self.audience = state.resources.resolve(request.payload.datalist.get("resource", ()))

    def create_token_response(self) -> tuple[int, dict[str, Any], None]:
        # Not Authlib's: it writes the whole token to the log.
        request = self.request
        token = issue(
            self.server.state,
            Issue(client=request.client, grant_type=self.GRANT_TYPE, scopes=request.scopes, audience=self.audience),
        )
        return 200, token, None

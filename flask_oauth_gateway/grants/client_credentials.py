"""`client_credentials`: a client gets a token for itself; no user takes part (RFC 6749 section 4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..features import CONFIDENTIAL_METHODS
from ..tokens.issue import Issue
from .base import TokenGrant

if TYPE_CHECKING:
    from ..stores.registered_client import Client
    from ..web.request import OAuthRequest


class ClientCredentialsGrant(TokenGrant):
    """Takes only clients that prove who they are. Never gives a refresh token (section 4.4.3)."""

    GRANT_TYPE = "client_credentials"
    METHODS = CONFIDENTIAL_METHODS
    RECHECKS = True

    def decide(self, request: OAuthRequest, client: Client) -> Issue:
        return Issue(
            client=client,
            grant_type=self.GRANT_TYPE,
            scopes=self.steps.scopes(request.payload.scope, client),
            audience=self.steps.audience(request),
            claims=self.steps.claims(request, client, None),
        )

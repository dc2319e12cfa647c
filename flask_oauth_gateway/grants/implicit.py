"""`implicit`: a token straight to the browser (RFC 6749 section 4.2). RFC 9700 advises against it; off by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749.grants import ImplicitGrant as AuthlibGrant

from ..tokens.issuing import Approval, Issue, issue
from ..tokens.lifetimes import approval_ends
from ..users.accounts import load_user

if TYPE_CHECKING:
    from ..authorization.request import Authorization, Granted
    from ..authorization_server import State


class ImplicitGrant(AuthlibGrant):
    """Answers at the authorize endpoint alone; never gives a refresh token."""

    @staticmethod
    def respond(state: State, authorization: Authorization, granted: Granted) -> dict[str, Any]:
        """What the authorize endpoint hands over: the token itself (section 4.2.2)."""
        client = authorization.client
        request = Issue(
            client=client,
            grant_type="implicit",
            scopes=granted.scopes,
            subject=granted.subject,
            user=load_user(state, granted.subject),
            audience=authorization.audience,
            claims=granted.claims or None,
            approval=Approval.new(
                granted.scopes,
                approval_ends(state, client, "implicit", None, granted.lasts_until),
                authorization.audience,
            ),
        )
        return issue(state, request)

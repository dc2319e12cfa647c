"""`implicit`: the browser gets a token directly (RFC 6749 section 4.2). RFC 9700 advises against it; it is off by default."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..tokens.issue import Issue
from ..tokens.sign_in import AUTHORIZATION_DETAILS
from .base import AuthorizationGrant

if TYPE_CHECKING:
    from ..authorization.request import Authorization, Granted
    from ..stores.issuance import Spend
    from ..users.accounts import Users
    from .base import GrantSteps

MAX_DETAILS = 2048


@dataclass(eq=False)
class ImplicitGrant(AuthorizationGrant):
    """Answers only at the authorize endpoint. Never gives a refresh token."""

    GRANT_TYPE = "implicit"

    steps: GrantSteps
    users: Users

    def authorize(self, authorization: Authorization, granted: Granted) -> dict[str, Any]:
        """The token itself (section 4.2.2). Raises `AlreadySpent` where the session to which it belongs has just ended."""
        client, scope = authorization.client, " ".join(granted.scopes)
        approval = self.steps.approval(
            client,
            self.GRANT_TYPE,
            scope,
            " ".join(authorization.audience) or None,
            refreshable=False,
            lasts_until=granted.lasts_until,
            sid=granted.sid,
        )
        ends_with = approval["approval"].sid
        answer = self.steps.issue(
            Issue(
                client=client,
                grant_type=self.GRANT_TYPE,
                scopes=granted.scopes,
                subject=granted.subject,
                user=self.users.load(granted.subject),
                audience=authorization.audience,
                claims=granted.claims or None,
                confirmation={},  # a code's is not the token's
                spend=None if ends_with is None else _holding(ends_with),
                **approval,
            )
        )
        details = answer.pop(AUTHORIZATION_DETAILS, None)
        text = json.dumps(details, separators=(",", ":"))
        # A parameter of a URL is a text; one of several KiB would make the answer too long to be read.
        return answer if details is None or len(text) > MAX_DETAILS else {**answer, AUTHORIZATION_DETAILS: text}


def _holding(sid: str) -> Spend:
    from ..stores.openid.sessions import holding  # apps without OpenID Connect never load it

    return holding(sid)

"""Answers of the authorize endpoint that hold an ID token, or a code and a token (OIDC Core sections 3.2, 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..config.openid import OPENID, OPENID_RESPONSE_TYPES
from ..tokens.issue import Issue
from .base import AuthorizationGrant

if TYPE_CHECKING:
    from ..authorization.request import Authorization, Granted
    from ..oidc.id_token import IdTokens
    from ..users.accounts import Users


def combined_response_types(
    single: Mapping[str, AuthorizationGrant], users: Users, id_tokens: Callable[[], IdTokens]
) -> dict[str, CombinedResponse]:
    """The response types of OpenID Connect that can be made of the `single` ones that are on."""
    return {
        name: CombinedResponse(name, single, users, id_tokens)
        for name, grants in OPENID_RESPONSE_TYPES.items()
        if "token" in single and ("code" in single or "authorization_code" not in grants)
    }


class CombinedResponse(AuthorizationGrant):
    """Answers one of these response types: the code, the access token, and the ID token that binds them together."""

    def __init__(
        self,
        response_type: str,
        single: Mapping[str, AuthorizationGrant],
        users: Users,
        id_tokens: Callable[[], IdTokens],
    ) -> None:
        self._words = response_type.split()
        self._single = single
        self._users = users
        self._id_tokens = id_tokens

    def authorize(self, authorization: Authorization, granted: Granted) -> dict[str, Any]:
        """The parameters that the client gets. What of the ID token may fail is done first."""
        make = None
        if "id_token" in self._words and OPENID in granted.scopes:
            issue = Issue(
                client=authorization.client,
                grant_type="implicit",
                scopes=granted.scopes,
                subject=granted.subject,
                user=self._users.load(granted.subject),
                claims=granted.claims,
            )
            make = self._id_tokens().prepare(issue, alone=self._words == ["id_token"])
        answer: dict[str, Any] = {}
        for name in ("code", "token"):
            if name in self._words:
                answer |= self._single[name].authorize(authorization, granted)
        return answer if make is None else {**answer, "id_token": make(answer.get("access_token"), answer.get("code"))}

"""Makes the parts of an OpenID provider and joins them."""

from __future__ import annotations

from typing import Any

from ..stores.openid.sessions import SessionStore
from .claims import UserClaims
from .id_token import IdTokens
from .sessions import Sessions
from .subjects import Subjects


class OpenidProvider:
    """What an authorization server has where OpenID Connect is on. `parts` is the server, which has the other parts."""

    def __init__(self, parts: Any) -> None:
        settings = parts.settings
        self.user_claims = UserClaims(settings, parts.hooks)
        self.subjects = Subjects(settings, parts.clients)
        self.id_tokens = IdTokens(settings, parts.issuer, lambda: parts.key_ring, self.user_claims, self.subjects)
        store = SessionStore(parts.database, parts.revocations)
        self.sessions = Sessions(parts.app, settings, store, parts.revoking)

"""Makes the parts of an OpenID provider and joins them."""

from __future__ import annotations

from typing import Any

from ..stores.openid.logouts import LogoutStore
from ..stores.openid.sessions import SessionStore
from .backchannel_logout import BackchannelLogout
from .claims import UserClaims
from .client_algorithms import ClientAlgorithms
from .id_token import IdTokens
from .logout_letter import LogoutLetters
from .logout_token import LogoutTokens
from .sessions import Sessions
from .subjects import Subjects
from .userinfo import Userinfo


class OpenidProvider:
    """What an authorization server has where OpenID Connect is on. `parts` is the server, which has the other parts."""

    def __init__(self, parts: Any) -> None:
        app, settings, issuer = parts.app, parts.settings, parts.issuer
        self.user_claims = UserClaims(settings, parts.hooks)
        self.subjects = Subjects(settings, parts.clients)
        key_ring, keys = (lambda: parts.key_ring), parts.client_keys
        self.id_tokens = IdTokens(settings, issuer, key_ring, self.user_claims, self.subjects, keys)
        self.userinfo = Userinfo(issuer, key_ring, keys)
        self.client_algorithms = ClientAlgorithms(app, parts.clients, key_ring)
        self.logouts = LogoutStore(parts.database)
        letters = LogoutLetters(app, settings, parts.clients, LogoutTokens(key_ring, self.subjects, keys))
        self.backchannel_logout = BackchannelLogout(app, settings, issuer, parts.database, self.logouts, letters)
        store = SessionStore(parts.database, parts.revocations)
        self.sessions = Sessions(app, settings, parts.clients, store, parts.revoking)
        self.sessions.deliver_soon = self.backchannel_logout.soon

    def close(self) -> None:
        """End the threads that tell clients of sign-outs."""
        self.backchannel_logout.close()

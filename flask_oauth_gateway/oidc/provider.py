"""Makes the parts of an OpenID provider and joins them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..stores.openid.logouts import LogoutStore
from ..stores.openid.sessions import SessionStore
from .backchannel_logout import BackchannelLogout
from .claims import UserClaims
from .id_token import IdTokens
from .logout_letter import LogoutLetters
from .logout_token import LogoutTokens
from .sessions import Sessions
from .subjects import Subjects
from .userinfo import Userinfo

if TYPE_CHECKING:
    from flask import Flask

    from ..authorization.request import Authorization
    from ..clients.keys import ClientKeys
    from ..config import Settings
    from ..database.engine import Database
    from ..hooks import Hooks
    from ..stores.clients import ClientStore
    from ..stores.revocations import RevocationStore
    from ..tokens.revoking import Revoking
    from ..tokens.signing_keys import KeyRing
    from ..web.issuer import Issuer


class OpenidProvider:
    """What an authorization server has where OpenID Connect is on. `key_ring` makes the keys that sign on first use."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        hooks: Hooks,
        issuer: Issuer,
        database: Database,
        revocations: RevocationStore,
        clients: ClientStore,
        keys: ClientKeys,
        revoking: Revoking,
        key_ring: Callable[[], KeyRing],
    ) -> None:
        self.user_claims = UserClaims(settings, hooks)
        self.subjects = Subjects(settings, clients)
        self.id_tokens = IdTokens(settings, issuer, key_ring, self.user_claims, self.subjects, keys)
        self.userinfo = Userinfo(issuer, key_ring, keys)
        self.logouts = LogoutStore(database)
        letters = LogoutLetters(app, settings, clients, LogoutTokens(settings, key_ring, self.subjects, keys))
        self.backchannel_logout = BackchannelLogout(app, settings, issuer, database, self.logouts, letters)
        store = SessionStore(database, revocations)
        self.sessions = Sessions(app, settings, clients, store, revoking)
        self.sessions.deliver_soon = self.backchannel_logout.soon

    def with_hint(self, authorization: Authorization, hint: str) -> Authorization:
        """The authorization, with the user whom its `id_token_hint` is about. Raises `InvalidRequestError`."""
        client = authorization.client
        sub = self.id_tokens.sub_of_hint(hint, client.client_id)
        known = None if self.subjects.is_pairwise(client) else sub  # the app knows no other name of the user
        login_hint = authorization.login_hint or known
        return replace(authorization, hinted_sub=sub, login_hint=login_hint, wants_sign_in=True)

    def close(self) -> None:
        """End the threads that tell clients of sign-outs."""
        self.backchannel_logout.close()

"""Makes the parts of an OpenID provider and joins them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .claims import UserClaims
from .id_token import IdTokens
from .subjects import Subjects

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config import Settings
    from ..hooks import Hooks
    from ..stores.clients import ClientStore
    from ..tokens.signing_keys import KeyRing
    from ..web.issuer import Issuer


class OpenidProvider:
    """What an authorization server has where OpenID Connect is on."""

    def __init__(
        self, settings: Settings, hooks: Hooks, issuer: Issuer, clients: ClientStore, key_ring: Callable[[], KeyRing]
    ) -> None:
        self.user_claims = UserClaims(settings, hooks)
        self.subjects = Subjects(settings, clients)
        self.id_tokens = IdTokens(settings, issuer, key_ring, self.user_claims, self.subjects)

"""Which claims of a user leave the server (OIDC Core section 5.4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..permissions.claims import claim_of, claims_by_scope

if TYPE_CHECKING:
    from ..config import Settings
    from ..hooks import Hooks

#: What a token says by itself: the app's `user_claims` can't set it.
PROTOCOL = frozenset(
    {
        "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "nonce", "auth_time", "acr", "amr", "azp", "at_hash", "c_hash",
        "s_hash", "sid", "cnf", "events", "typ", "client_id", "_claim_names", "_claim_sources",
    }
)  # fmt: skip


class UnusableClaims(ValueError):
    """The app's `user_claims` hook gave what can't be sent."""


class UserClaims:
    """One app's claims of its users, as the `user_claims` hook tells them."""

    def __init__(self, settings: Settings, hooks: Hooks) -> None:
        self._hooks = hooks
        self.by_scope = claims_by_scope(settings)
        self._by_scope_alone = frozenset(name for names in self.by_scope.values() for name in names)

    def of(self, user: Any, scopes: tuple[str, ...], asked_for: frozenset[str], *, by_scope: bool) -> dict[str, Any]:
        """The user's claims that may leave the server: those of the scopes (`by_scope`), and those asked for by name.

        What is neither standard nor named in `OAUTH_CLAIMS` leaves as the hook gave it, where the claims of the scopes do.
        Raises `UnusableClaims` where the hook's answer is no JSON object.
        """
        if self._hooks.user_claims is None or user is None or not (by_scope or asked_for):
            return {}
        given = self._hooks.user_claims(user, frozenset(scopes)) or {}
        if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
            kind = "dict with other keys than texts" if isinstance(given, Mapping) else type(given).__name__
            raise UnusableClaims(
                f"The user_claims hook gave a {kind}; it may give a dict of claims by their names, or None."
            )
        allowed = set(asked_for)
        if by_scope:
            allowed.update(name for scope in scopes for name in self.by_scope.get(scope, ()))
            allowed.update(claim for claim in map(claim_of, given) if claim not in self._by_scope_alone)
        found = {
            name: value
            for name, value in given.items()
            if (name in allowed or claim_of(name) in allowed) and value is not None and claim_of(name) not in PROTOCOL
        }
        try:
            json.dumps(found, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UnusableClaims(f"The user_claims hook gave what is no JSON: {error}") from None
        return found

    def names(self) -> list[str]:
        """The names that the server's metadata lists (`claims_supported`)."""
        own = (name for names in self.by_scope.values() for name in names)
        return list(dict.fromkeys(["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", *own]))

"""How long an approval and its tokens last, and whether a refresh token comes with it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Row

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..config import Settings
    from ..permissions.resources import Resources
    from ..stores.registered_client import Client


class Lifetimes:
    """Lifetimes, by the settings, the client's registration and the resources. Times are seconds since 1970."""

    def __init__(self, settings: Settings, resources: Resources) -> None:
        self._settings = settings
        self._resources = resources
        self._by_grant = settings.access_token_lifetime

    def access_token_seconds(self, client: Client, grant_type: str, audience: Collection[str] = ()) -> int:
        """The lifetime of a client's access token of this grant, in seconds; its approval may end sooner.

        `audience`: the resources that were asked for, if any were.
        """
        if self._resources.have_terms:
            usual = self._settings.access_token_lifetime_of(grant_type)
            return self._resources.seconds_for(audience, client.access_token_lifetime, usual)
        seconds = client.access_token_lifetime or self._by_grant
        return seconds if isinstance(seconds, int) else self._settings.access_token_lifetime_of(grant_type)

    def gives_refresh_tokens(self, client: Client) -> bool:
        """Whether a user's approval gives this client a refresh token: the grant is on, and the client registered for it."""
        return "refresh_token" in self._settings.grant_types and client.check_grant_type("refresh_token")

    def refresh_token_ends(self, client: Client, lasts_until: int | None = None) -> int | None:
        """When a refresh token for this client ends; `None` where it gets none."""
        if not self.gives_refresh_tokens(client):
            return None
        ends = int(time.time()) + (client.refresh_token_lifetime or self._settings.refresh_token_lifetime)
        return ends if lasts_until is None else min(ends, lasts_until)

    def approval_ends(
        self,
        client: Client,
        grant_type: str,
        refresh_ends: int | None,
        lasts_until: int | None = None,
        audience: Collection[str] = (),
    ) -> int:
        """When an approval ends: with its refresh token or its access token, whichever ends later."""
        access = int(time.time()) + self.access_token_seconds(client, grant_type, audience)
        ends = access if refresh_ends is None else max(access, refresh_ends)
        return ends if lasts_until is None else min(ends, lasts_until)

    def is_live(self, row: Row[Any]) -> bool:
        """Whether a stored refresh token and its approval still last. Whether it was spent is checked elsewhere."""
        return bool(row.revoked_at is None and self.refresh_token_dies_at(row) > time.time())

    def refresh_token_dies_at(self, row: Row[Any]) -> int:
        """When a stored refresh token ends: with its approval, or after `OAUTH_REFRESH_TOKEN_IDLE` without use."""
        ends: int = min(row.expires_at, row.approval_expires_at)
        idle = self._settings.refresh_token_idle
        if idle is None or row.spent_at is not None:
            return ends
        last_used: int = row.last_used_at or row.issued_at
        return min(ends, last_used + idle)

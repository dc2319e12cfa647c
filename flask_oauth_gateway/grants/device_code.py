"""`urn:ietf:params:oauth:grant-type:device_code`: a device without a browser asks until its user answers (RFC 8628)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy.engine import Row

from ..authorization.request import AuthorizationError
from ..crypto.hashing import token_key
from ..errors import InvalidGrantError, InvalidRequestError
from ..features.grants import DEVICE_CODE
from ..permissions.scopes import stays_offline, still_allowed
from ..tokens.issue import Issue
from .base import TokenGrant

if TYPE_CHECKING:
    from ..config import Settings
    from ..stores.devices import DeviceStore
    from ..stores.registered_client import Client
    from ..web.request import OAuthRequest

SLOW_DOWN_SECONDS = 5  # RFC 8628 section 3.5


@dataclass(eq=False)
class DeviceCodeGrant(TokenGrant):
    """Gives tokens for a device code, once. A device that asks too often has to wait longer."""

    GRANT_TYPE = DEVICE_CODE
    REFUSED = "The device code is unknown, used, or was given to another client."

    settings: Settings
    devices: DeviceStore

    def decide(self, request: OAuthRequest, client: Client) -> Issue:
        """Every check, in the order of RFC 8628 section 3.5."""
        device_code = request.form.get("device_code")
        if device_code is None:
            raise InvalidRequestError("The parameter 'device_code' is missing.")
        row = self.devices.find(token_key(device_code))
        if row is None or not self.steps.is_its_own(client, row.client) or row.spent_at is not None:
            raise InvalidGrantError(self.REFUSED)
        if row.expires_at <= time.time():
            raise AuthorizationError("expired_token", "The device code has expired: start anew.")
        if row.decision == "deny":
            raise AuthorizationError("access_denied", "The user refused.")
        if row.decision is None:
            self._wait(row)
        scope = row.granted_scope or ""
        return Issue(
            client=client,
            grant_type=self.GRANT_TYPE,
            scopes=still_allowed(scope, client, self.settings),
            subject=row.subject,
            user=self.steps.user(row.subject, "device code"),
            audience=self.steps.approved_audience(request, row.audience),
            claims=row.claims,
            authorization_details=self.steps.approved_details(request, client, row.claims),
            spend=self.devices.spending(bytes(row.device_code_hash)),
            **self.steps.approval(
                client,
                self.GRANT_TYPE,
                scope,
                row.audience,
                key=bytes(row.family),
                refreshable=stays_offline(row.scope.split(), scope.split()),
            ),
        )

    def _wait(self, row: Row[Any]) -> NoReturn:
        """Tell the device to ask again, as the user hasn't answered; and to wait longer where it asks too often."""
        too_soon = row.last_polled_at is not None and time.time() - row.last_polled_at < row.poll_interval
        interval = row.poll_interval + (SLOW_DOWN_SECONDS if too_soon else 0)
        self.devices.polled(bytes(row.device_code_hash), interval)
        if too_soon:
            raise AuthorizationError("slow_down", f"Wait for {interval} seconds between two requests.")
        raise AuthorizationError("authorization_pending", "The user has not answered yet.")

"""`urn:ietf:params:oauth:grant-type:device_code`: a device without a browser asks until its user has answered (RFC 8628)."""

from __future__ import annotations

import time
from typing import Any, NoReturn

from authlib.oauth2.rfc8628 import DeviceCodeGrant as AuthlibGrant
from sqlalchemy.engine import Row

from ..authorization.request import AuthorizationError
from ..crypto.hashing import sha256
from ..errors import InvalidGrantError, InvalidRequestError, UnauthorizedClientError
from ..stores.devices import DeviceStore
from ..tokens.issuing import AlreadySpent, Approval, Issue, issue
from ..tokens.lifetimes import approval_ends, refresh_token_ends
from ..users.accounts import is_gone, load_user

REFUSED = "The device code is unknown, used, or was given to another client."
SLOW_DOWN_SECONDS = 5  # RFC 8628 section 3.5


class DeviceCodeGrant(AuthlibGrant):
    """Authlib's, with a device code that is spent once, and an interval that grows."""

    TOKEN_ENDPOINT_AUTH_METHODS = None

    def validate_token_request(self) -> None:
        """Every check, in the order of RFC 8628 section 3.5."""
        request, state = self.request, self.server.state
        client = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("This client is not registered for device_code.")
        device_code = request.form.get("device_code")
        if device_code is None:
            raise InvalidRequestError("The parameter 'device_code' is missing.")
        row = state.devices.find(sha256(device_code))
        if row is None or row.client != client.key or row.spent_at is not None:
            raise InvalidGrantError(REFUSED)
        if row.expires_at <= time.time():
            raise AuthorizationError("expired_token", "The device code has expired: start anew.")
        if row.decision == "deny":
            raise AuthorizationError("access_denied", "The user refused.")
        if row.decision is None:
            self._wait(row)
        if is_gone(state, row.subject):
            raise InvalidGrantError("The user of this device code is gone.")
        self.audience = state.resources.resolve(request.payload.datalist.get("resource", ()), row.audience)
        self.row = row

    def create_token_response(self) -> tuple[int, dict[str, Any], None]:
        state, row, client = self.server.state, self.row, self.request.client
        refresh_ends = refresh_token_ends(state, client)
        scope = row.granted_scope or ""
        request = Issue(
            client=client,
            grant_type=self.GRANT_TYPE,
            scopes=tuple(scope.split()),
            subject=row.subject,
            user=load_user(state, row.subject),
            audience=self.audience,
            claims=row.claims,
            approval=Approval(
                key=bytes(row.family),
                scope=scope,
                audience=row.audience,
                expires_at=approval_ends(state, client, self.GRANT_TYPE, refresh_ends),
            ),
            refresh_token_expires_at=refresh_ends,
        )
        try:
            return 200, issue(state, request, DeviceStore.spending(bytes(row.device_code_hash))), None
        except AlreadySpent:
            raise InvalidGrantError(REFUSED) from None

    def _wait(self, row: Row[Any]) -> NoReturn:
        """The user hasn't answered: come again, and later where the device asks too often."""
        devices: DeviceStore = self.server.state.devices
        too_soon = row.last_polled_at is not None and time.time() - row.last_polled_at < row.poll_interval
        interval = row.poll_interval + (SLOW_DOWN_SECONDS if too_soon else 0)
        devices.polled(bytes(row.device_code_hash), interval)
        if too_soon:
            raise AuthorizationError("slow_down", f"Wait for {interval} seconds between two requests.")
        raise AuthorizationError("authorization_pending", "The user has not answered yet.")

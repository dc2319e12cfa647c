"""Ends a token that somebody found where it isn't safe: an access token, or a refresh token with all that its approval gave."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ...crypto.hashing import token_key
from ...errors.texts import clean
from ..access_token import MAX_TOKEN
from ..reading import is_jwt

if TYPE_CHECKING:
    from ...stores.approvals import ApprovalStore
    from ...stores.clients import ClientStore
    from ...stores.tokens import TokenStore
    from ..reading import OwnTokens
    from ..revoking import Revoking

LEAKED = "leaked"  # the reason that the signal and the audit trail tell
BY = "a report of a leak"
MAX_PLACE = 500
#: What may be a token or a secret in the address of a page: longer than the id of a commit.
_LONG = re.compile(r"[A-Za-z0-9_~.-]{43,}")
_LOGIN = re.compile(r"(?<=://)[^/\s@]*@")


class Leaks:
    """Ends the tokens of one server that have leaked."""

    def __init__(
        self,
        tokens: TokenStore,
        approvals: ApprovalStore,
        clients: ClientStore,
        own_tokens: OwnTokens,
        revoking: Revoking,
        count: Callable[[str], None],
    ) -> None:
        """`count` counts what every process has to remember of a client (`client_id`), and raises `TooManyRequests`."""
        self._tokens = tokens
        self._approvals = approvals
        self._clients = clients
        self._own_tokens = own_tokens
        self._revoking = revoking
        self._count = count

    def end(self, token: str, place: str = "") -> None:
        """End a token, if it is one of this server's. `place`: where it was found, in the finder's words.

        Raises `TooManyRequests`.
        """
        if not token or len(token) > MAX_TOKEN:
            return
        why = {"reason": LEAKED}
        if place:
            why["found_at"] = place_without(token, place)
        if is_jwt(token):
            self._end_jwt(token, why)
            return
        token_hash = token_key(token)
        row = self._tokens.find(token_hash)
        if row is not None:
            client = None if row.client_id is None else self._clients.load(row.client_id)
            self._revoking.matching(
                token_hash=token_hash, client=client, subject=row.subject, by=BY, actor=None, why=why
            )
            return
        refresh = self._approvals.find_refresh_token(token_hash)
        if refresh is not None and refresh.revoked_at is None:
            self._count(refresh.client_id)
            self._revoking.approval(bytes(refresh.family), refresh.client_id, refresh.subject, by=BY, why=why)

    def _end_jwt(self, token: str, why: Mapping[str, str]) -> None:
        found = self._own_tokens.find_jwt(token)
        if found is None or found.exp <= time.time():
            return
        if found.refusal is not None:  # it may only wait for its client to be switched on again
            client = self._clients.load(found.client_id)
            if client is None or client.enabled:
                return
        self._count(found.client_id)
        self._revoking.stateless_token(found, by=BY, actor=None, why=why)


def place_without(token: str, place: str) -> str:
    """Where a token was found, without the token, and without what else may be a secret there."""
    return clean(_LONG.sub("...", _LOGIN.sub("...@", place.replace(token, "..."))), MAX_PLACE)

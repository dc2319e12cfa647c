"""A form that makes something makes it once, however often it is sent: by a double click, or where its answer is loaded again."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from ..stores.once import once_key
from ..web.csrf import MAX_AGE

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer


def new_nonce() -> str:
    """What the form's token carries, by which the form is known again."""
    return secrets.token_hex(8)


def is_sent_first(server: AuthorizationServer, nonce: str) -> bool:
    """Whether the form with this nonce is sent for the first time: of two senders at once, exactly one hears so."""
    return server.once.claim(once_key("form", nonce), int(time.time()) + 2 * MAX_AGE)

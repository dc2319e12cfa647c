"""The `sub` by which a client knows a user (OIDC Core section 8). Whatever tells a client of a user asks here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..stores.registered_client import Client


class Subjects:
    """The names of one server's users, as its clients know them."""

    def of(self, client: Client, subject: str) -> str:
        """The `sub` of a user for a client; `subject` is the app's own name for the user."""
        return subject

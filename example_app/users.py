"""The demo's users. A real app has a table of users, and stores passwords as hashes."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class User:
    username: str
    name: str
    password: str = field(repr=False)
    is_admin: bool = False

    def get_id(self) -> str:
        """Return the user's subject, by which the gateway knows them in tokens."""
        return self.username

    def claims(self) -> dict[str, Any]:
        """Return what the app may tell others of this user, by the names of OpenID Connect (Core section 5.1)."""
        given_name, _, family_name = self.name.partition(" ")
        return {
            "name": self.name,
            "given_name": given_name,
            "family_name": family_name,
            "preferred_username": self.username,
            "locale": "en",
            "email": f"{self.username}@example.com",
            "email_verified": True,
        }


#: By username. The password is the username, and the sign-in page says so.
USERS = {
    user.username: user
    for user in (
        User("alice", "Alice Archer", password="alice"),
        User("bob", "Bob Baker", password="bob"),
        User("admin", "Ada Minister", password="admin", is_admin=True),
    )
}


def check_password(username: str, password: str) -> User | None:
    """Return the user if the password is right, else `None`."""
    user = USERS.get(username)
    if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
        return None
    return user

"""The demo's users. An app of yours has a table of them, and passwords that nobody can read."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True)
class User:
    username: str
    name: str
    password: str = field(repr=False)
    is_admin: bool = False

    def get_id(self) -> str:
        """What the gateway calls the user by: the subject of their tokens."""
        return self.username


#: By username. The password is the username, and the page to sign in at says so.
USERS = {
    user.username: user
    for user in (
        User("alice", "Alice Archer", password="alice"),
        User("bob", "Bob Baker", password="bob"),
        User("admin", "Ada Minister", password="admin", is_admin=True),
    )
}


def check_password(username: str, password: str) -> User | None:
    """The user, where the password is theirs."""
    user = USERS.get(username)
    if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
        return None
    return user

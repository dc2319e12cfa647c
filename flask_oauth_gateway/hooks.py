"""What an app may tell the gateway: functions that the decorators on `OAuthGateway` fill in, each optional."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

LoadUser = Callable[[str], Any]
TokenAttributes = Callable[[Any, Any, frozenset[str], str], Mapping[str, Any] | None]


@dataclass(slots=True)
class Hooks:
    """The app's functions; `None` where it has none. One gateway's hooks serve every app it is on."""

    load_user: LoadUser | None = None
    token_attributes: TokenAttributes | None = None


def subject_of(user: Any) -> str:
    """A user's subject: `str(user.get_id())` where the method is there, else `str(user.id)`."""
    get_id = getattr(user, "get_id", None)
    return str(get_id() if callable(get_id) else user.id)

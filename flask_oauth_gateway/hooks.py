"""The app's own functions that the gateway calls. The decorators on `OAuthGateway` set them; each is optional."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

CurrentUser = Callable[[], Any]
Login = Callable[[Any], Any]
LoginDetails = Callable[[Any], Mapping[str, Any] | None]
LoadUser = Callable[[str], Any]
CheckPassword = Callable[[str, str], Any]
TokenAttributes = Callable[[Any, Any, frozenset[str], str], Mapping[str, Any] | None]
Approve = Callable[[Any], bool]
IsAdmin = Callable[[Any], bool]
MapAssertion = Callable[[Any], str | None]


@dataclass(slots=True)
class Hooks:
    """The app's functions; `None` for each that it doesn't have. One gateway's hooks serve every app that it is on."""

    current_user: CurrentUser | None = None
    login: Login | None = None
    login_details: LoginDetails | None = None
    load_user: LoadUser | None = None
    check_password: CheckPassword | None = None
    token_attributes: TokenAttributes | None = None
    approve: Approve | None = None
    map_assertion: MapAssertion | None = None
    is_admin: IsAdmin | None = None


def subject_of(user: Any) -> str:
    """A user's subject: `str(user.get_id())` where the user has that method, else `str(user.id)`."""
    get_id = getattr(user, "get_id", None)
    return str(get_id() if callable(get_id) else user.id)

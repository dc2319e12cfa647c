"""Who is signed in, and who a subject is: through the app's hooks, or Flask-Login where the app has that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Response, redirect, url_for
from werkzeug.routing import BuildError

from ..config.checks import ConfigurationError

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from ..authorization.request import SignInRequest
    from ..resource_server import Checker


# Flask-Login keeps its user loader in an attribute of its own, without another way to it.
# ruff: noqa: SLF001


def signed_in_user(state: Checker) -> Any:
    """The user who is signed in to the app, or `None`."""
    if state.hooks.current_user is not None:
        return state.hooks.current_user()
    if _login_manager(state) is None:
        return None
    from flask_login import current_user

    return current_user._get_current_object() if current_user.is_authenticated else None


def knows_users(state: Checker) -> bool:
    """Whether the app can say who a subject is."""
    manager = _login_manager(state)
    return state.hooks.load_user is not None or (manager is not None and manager._user_callback is not None)


def load_user(state: Checker, subject: str) -> Any:
    """The user of a subject, or `None` where there is none, or no way to tell."""
    if state.hooks.load_user is not None:
        return state.hooks.load_user(subject)
    manager = _login_manager(state)
    return manager._user_callback(subject) if manager is not None and manager._user_callback else None


def is_gone(state: Checker, subject: str) -> bool:
    """Whether the app knows its users, and this one not any more."""
    return knows_users(state) and load_user(state, subject) is None


def login_details(state: Checker, user: Any) -> dict[str, Any]:
    """`auth_time`, `acr` and `amr` of the user's sign-in, as far as the app knows them."""
    found = state.hooks.login_details(user) if state.hooks.login_details is not None else None
    return {name: value for name, value in (found or {}).items() if name in ("auth_time", "acr", "amr") and value}


def send_to_login(state: Checker, wanted: SignInRequest) -> Response | BaseResponse:
    """A response that signs somebody in and comes back to `wanted.return_to`.

    Raises `ConfigurationError` where the app says neither how nor where.
    """
    if state.hooks.login is not None:
        return state.app.make_response(state.hooks.login(wanted))
    manager = _login_manager(state)
    target = state.settings.login_url or (manager.login_view if manager is not None else None)
    if not target:
        raise ConfigurationError("OAUTH_LOGIN_URL", None, "the URL or endpoint of the app's sign-in page")
    if "/" not in target:
        try:
            target = url_for(target)
        except BuildError as error:
            raise ConfigurationError("OAUTH_LOGIN_URL", target, "a URL, or an endpoint of this app") from error
    separator = "&" if "?" in target else "?"
    return redirect(target + separator + urlencode({"next": wanted.return_to}))


def _login_manager(state: Checker) -> Any:
    return getattr(state.app, "login_manager", None)

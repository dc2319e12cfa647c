"""Who is signed in, and who a subject is: through the app's hooks, or Flask-Login where the app has that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Response, redirect, url_for
from werkzeug.routing import BuildError

from ..config.checks import ConfigurationError

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response as BaseResponse

    from ..hooks import Hooks
    from ..stores.clients import Client

# Flask-Login keeps its user loader in an attribute of its own, without another way to it.
# ruff: noqa: SLF001


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """What the app's login is told: why somebody must sign in, and where to come back to, a path on this site."""

    return_to: str
    prompt: tuple[str, ...] = ()
    login_hint: str | None = None
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    client: Client | None = None


class Users:
    """One app's users, as the app knows them.

    `issuer`: whose subjects `load_user` knows; `None`: this server's own. Two servers' "42" are two people.
    """

    def __init__(self, app: Flask, hooks: Hooks, login_url: str | None, issuer: str | None = None) -> None:
        self._app = app
        self._hooks = hooks
        self._login_url = login_url
        self.issuer = issuer

    def signed_in(self) -> Any:
        """The user who is signed in to the app, or `None`."""
        if self._hooks.current_user is not None:
            return self._hooks.current_user()
        if self._login_manager is None:
            return None
        from flask_login import current_user

        return current_user._get_current_object() if current_user.is_authenticated else None

    def are_known(self) -> bool:
        """Whether the app can say who a subject is."""
        manager = self._login_manager
        return self._hooks.load_user is not None or (manager is not None and manager._user_callback is not None)

    def load(self, subject: str) -> Any:
        """The user of a subject, or `None` where there is none, or no way to tell."""
        if self._hooks.load_user is not None:
            return self._hooks.load_user(subject)
        manager = self._login_manager
        return manager._user_callback(subject) if manager is not None and manager._user_callback else None

    def login_details(self, user: Any) -> dict[str, Any]:
        """`auth_time`, `acr` and `amr` of the user's sign-in, as far as the app knows them."""
        found = self._hooks.login_details(user) if self._hooks.login_details is not None else None
        return {name: value for name, value in (found or {}).items() if name in ("auth_time", "acr", "amr") and value}

    def send_to_login(self, wanted: SignInRequest) -> Response | BaseResponse:
        """A response that signs somebody in and comes back to `wanted.return_to`.

        Raises `ConfigurationError` where the app says neither how nor where.
        """
        if self._hooks.login is not None:
            return self._app.make_response(self._hooks.login(wanted))
        manager = self._login_manager
        target = self._login_url or (manager.login_view if manager is not None else None)
        if not target:
            raise ConfigurationError("OAUTH_LOGIN_URL", None, "the URL or endpoint of the app's sign-in page")
        if "/" not in target:
            try:
                target = url_for(target)
            except BuildError as error:
                raise ConfigurationError("OAUTH_LOGIN_URL", target, "a URL, or an endpoint of this app") from error
        separator = "&" if "?" in target else "?"
        return redirect(target + separator + urlencode({"next": wanted.return_to}))

    @property
    def _login_manager(self) -> Any:
        return getattr(self._app, "login_manager", None)

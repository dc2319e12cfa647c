"""Asks the app who is signed in and which user a subject is: by the app's hooks, or Flask-Login where the app has it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Response, current_app, has_app_context, redirect, url_for
from sqlalchemy.exc import DataError, DBAPIError, StatementError
from werkzeug.routing import BuildError

from ..config.checks import ConfigurationError
from ..errors import clean, shown, without_secrets
from ..web.environ import SERVER
from ..web.logs import logger

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response as BaseResponse

    from ..hooks import Hooks
    from ..stores.registered_client import Client

# Flask-Login keeps its user loader in an attribute of its own, without another way to it.
# ruff: noqa: SLF001


CURRENT_USER = "gateway.current_user"
LOGIN_URL = "OAUTH_LOGIN_URL"
LOGOUT = "gateway.logout"
POST_LOGOUT_URL = "OAUTH_POST_LOGOUT_URL"
SIGNUP_URL = "OAUTH_SIGNUP_URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """What the app's login needs to know: why the user must sign in, and the path on this site to come back to.

    `acr_values`: what the client asked for. `strong_enough`: those of `OAUTH_ACR_VALUES` that will do; a weaker sign-in gives
    no token. Empty where any will do.
    """

    return_to: str
    prompt: tuple[str, ...] = ()
    login_hint: str | None = None
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    strong_enough: frozenset[str] = frozenset()
    client: Client | None = None


class UnreadableSubject(Exception):
    """The app's `load_user` hook can't read a subject, or what it asked for it."""


class Users:
    """One app's users, as the app knows them.

    `issuer`: the server whose subjects `load_user` knows; `None`: this one. The subject "42" is another person
    elsewhere.
    """

    def __init__(
        self,
        app: Flask,
        hooks: Hooks,
        login_url: str | None,
        issuer: str | None = None,
        signup_url: str | None = None,
    ) -> None:
        self._app = app
        self._hooks = hooks
        self._login_url = login_url
        self._signup_url = signup_url
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
        """Whether the app can find the user of a subject."""
        manager = self._login_manager
        return self._hooks.load_user is not None or (manager is not None and manager._user_callback is not None)

    def load(self, subject: str) -> Any:
        """The user of a subject; `None` where there is no such user, or where the app can't find users.

        An app whose users have numbers tries `int("alice")`: a subject that the app can't read is nobody's.
        """
        try:
            return self.load_known(subject)
        except UnreadableSubject:
            return None

    def load_known(self, subject: str) -> Any:
        """What `load` returns. Raises `UnreadableSubject` where the app can't read it: that isn't to say that nobody is it."""
        manager = self._login_manager
        loader = self._hooks.load_user or (None if manager is None else manager._user_callback)
        try:
            return None if loader is None else loader(subject)
        except (ValueError, OverflowError, StatementError) as error:
            if isinstance(error, DBAPIError) and not isinstance(error, DataError):
                raise  # the app's database is away: nobody knows who is whose
            why = clean(without_secrets(error))
            logger.warning(
                "load_user can't read the subject %s: %s (%s)", shown(subject, 60), type(error).__name__, why
            )
            raise UnreadableSubject from error

    def login_details(self, user: Any) -> dict[str, Any]:
        """`auth_time`, `acr` and `amr` of the user's sign-in, as far as the app knows them (OIDC Core section 2)."""
        found = self._hooks.login_details(user) if self._hooks.login_details is not None else None
        return _usable_details(found) if found else {}

    def lacking_for_sign_in(self) -> list[str]:
        """What the app lacks for its users to sign in: a hook, the setting of the sign-in page, both or neither."""
        knows_user = self._hooks.current_user is not None or self._login_manager is not None
        has_page = self._hooks.login is not None or self._login_url or self._found_login()
        return [*([] if knows_user else [CURRENT_USER]), *([] if has_page else [LOGIN_URL])]

    def can_sign_out(self) -> bool:
        """Whether the app's own session can be ended: by the `logout` hook, or by Flask-Login."""
        return self._hooks.logout is not None or self._login_manager is not None

    def sign_out(self) -> None:
        """End the app's own session."""
        if self._hooks.logout is not None:
            self._hooks.logout()
            return
        from flask_login import logout_user

        logout_user()

    def wrong_login_endpoint(self) -> tuple[str, str, str] | None:
        """The endpoint of the sign-in page that can't be one: the setting that names it, its name, and what is wrong with it."""
        target = self._login_url or self._found_login()
        if self._hooks.login is not None or not target:
            return None
        why = wrong_with(self._app, target)
        return None if why is None else (LOGIN_URL if self._login_url else "login_manager.login_view", target, why)

    def send_to_login(self, wanted: SignInRequest) -> Response | BaseResponse:
        """A response that signs the user in and leads back to `wanted.return_to`.

        Raises `ConfigurationError` where the app has neither a `login` hook nor a sign-in page, or can't say who is signed
        in: everybody would be sent in circles.
        """
        if CURRENT_USER in self.lacking_for_sign_in():
            raise ConfigurationError(
                CURRENT_USER,
                None,
                "a function that returns who is signed in, beside OAUTH_LOGIN_URL or gateway.login; or Flask-Login's",
            )
        setting = LOGIN_URL
        if "create" in wanted.prompt and self._signup_url:
            setting, target = SIGNUP_URL, self._signup_url
        elif self._hooks.login is not None:
            return self._app.make_response(self._hooks.login(wanted))
        else:
            target = self._login_url or self._found_login() or ""
        if not target:
            raise ConfigurationError(LOGIN_URL, None, "the URL or endpoint of the app's sign-in page")
        target = url_of(setting, target)
        separator = "&" if "?" in target else "?"
        return redirect(target + separator + urlencode({"next": wanted.return_to}))

    def _found_login(self) -> str | None:
        """Flask-Login's sign-in page; Flask-Security, which tells Flask-Login of none, has its own."""
        manager = self._login_manager
        if manager is None:
            return None
        blueprint = self._app.config.get(
            "SECURITY_BLUEPRINT_NAME"
        )  # an extension of the app's own may be called so too
        if manager.login_view or blueprint is None or "security" not in self._app.extensions:
            return manager.login_view  # type: ignore[no-any-return]
        return f"{blueprint}.login"

    @property
    def _login_manager(self) -> Any:
        return getattr(self._app, "login_manager", None)


def _usable_details(found: Any) -> dict[str, Any]:
    """What a token can say of a user's sign-in. The rest is left out, with a line in the log: the mistake is the app's."""
    details: dict[str, Any] = {}
    wrong = [] if isinstance(found, Mapping) else [f"a {type(found).__name__}"]
    for name in ("auth_time", "acr", "amr") if not wrong else ():
        value = found.get(name)
        if not value:
            continue
        if name == "auth_time" and isinstance(value, int | float) and value is not True and math.isfinite(value):
            details[name] = int(value)
        elif name == "acr" and isinstance(value, str):
            details[name] = str(value)
        elif name == "amr" and isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
            details[name] = list(value)
        else:
            wrong.append(f"{name}: a {type(value).__name__}")
    if wrong:
        logger.warning(
            "The login_details hook gave what no token can say, which is left out (%s). It may give a dict with auth_time"
            " (seconds since 1970), acr (a text) and amr (a list of texts).",
            ", ".join(wrong),
        )
    return details


def wrong_with(app: Flask, target: str) -> str | None:
    """Why a page can't be at the endpoint that a setting names; `None` where it can, or where the setting holds a URL."""
    if "/" in target:
        return None
    try:
        rules = list(app.url_map.iter_rules(target))
    except KeyError:
        return None if app.url_build_error_handlers else "is no endpoint of this app"  # the handlers may know it
    if not any("GET" in (rule.methods or ("GET",)) for rule in rules):
        return "takes no GET"
    if not app.url_default_functions and all(rule.arguments - set(rule.defaults or ()) for rule in rules):
        return "has an address with variables"
    return None


def url_of(setting: str, target: str) -> str:
    """The URL that a setting names: it holds one, or an endpoint of this app. Raises `ConfigurationError`."""
    if "/" in target:
        return target
    try:
        return url_for(target)
    except BuildError as error:
        raise ConfigurationError(setting, target, "a URL, or an endpoint of this app") from error


def users_of_current_app() -> Users | None:
    """The users of the current app; `None` without one."""
    server = current_app.extensions.get(SERVER) if has_app_context() else None
    return None if server is None else server.users

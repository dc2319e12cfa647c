"""The app's own functions that the gateway calls. The decorators on `OAuthGateway` set them; each is optional."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

CurrentUser = Callable[[], Any]
Login = Callable[[Any], Any]
Logout = Callable[[], Any]
LoginDetails = Callable[[Any], Mapping[str, Any] | None]
LoadUser = Callable[[str], Any]
CheckPassword = Callable[[str, str], Any]
UserClaims = Callable[[Any, frozenset[str]], Mapping[str, Any] | None]
TokenAttributes = Callable[[Any, Any, frozenset[str], str], Mapping[str, Any] | None]
Approve = Callable[[Any], bool]
IsAdmin = Callable[[Any], bool]
MapAssertion = Callable[[Any], str | None]
TrustClient = Callable[[str, Mapping[str, Any]], bool]
AuthorizationDetail = Callable[[dict[str, Any], Any, Any], Mapping[str, Any] | None]
TokenCreated = Callable[[Any], Any]
OnRegistration = Callable[[dict[str, Any], Any], Mapping[str, Any] | None]

Hook = TypeVar("Hook", bound=Callable[..., Any])

_SUBJECT = re.compile(r"[^\0\ud800-\udfff]{1,255}")


@dataclass(slots=True)
class Hooks:
    """The app's functions; `None` for each that it doesn't have. One gateway's hooks serve every app that it is on."""

    current_user: CurrentUser | None = None
    login: Login | None = None
    logout: Logout | None = None
    login_details: LoginDetails | None = None
    load_user: LoadUser | None = None
    check_password: CheckPassword | None = None
    user_claims: UserClaims | None = None
    token_attributes: TokenAttributes | None = None
    token_created: TokenCreated | None = None
    approve: Approve | None = None
    map_assertion: MapAssertion | None = None
    is_admin: IsAdmin | None = None
    on_registration: OnRegistration | None = None
    trust_client: TrustClient | None = None
    authorization_detail: dict[str, AuthorizationDetail] = field(default_factory=dict)  # by type


class HookDecorators:
    """The decorators that set the hooks, on `OAuthGateway`."""

    hooks: Hooks

    def current_user(self, function: Hook) -> Hook:
        """Hook, called without arguments: returns the signed-in user, or `None`. The default is Flask-Login's user, if any."""
        self.hooks.current_user = function
        return function

    def login(self, function: Hook) -> Hook:
        """Hook, called with a `SignInRequest`: returns a response that signs the user in and leads back to `return_to`."""
        self.hooks.login = function
        return function

    def logout(self, function: Hook) -> Hook:
        """Hook, called without arguments: ends the app's own session. The default is Flask-Login's `logout_user`, if any.

        It is called where a user signs out at `/oauth/logout`, after the sessions at the clients have ended.
        """
        self.hooks.logout = function
        return function

    def login_details(self, function: Hook) -> Hook:
        """Hook, called with a user: returns `auth_time` (seconds since 1970), `acr` and `amr`, as far as they are known."""
        self.hooks.login_details = function
        return function

    def check_password(self, function: Hook) -> Hook:
        """Hook for the password grant, called with `username, password`: returns the user, or `None`."""
        self.hooks.check_password = function
        return function

    def approve(self, function: Hook) -> Hook:
        """Hook, called with the authorization request: returns `True` to skip the consent page."""
        self.hooks.approve = function
        return function

    def map_assertion(self, function: Hook) -> Hook:
        """Hook, called with a verified `Assertion`: returns the subject that it stands for, or `None` to refuse it."""
        self.hooks.map_assertion = function
        return function

    def load_user(self, function: Hook) -> Hook:
        """Hook, called with a subject: returns the user, or `None` where no user has that subject."""
        self.hooks.load_user = function
        return function

    def is_admin(self, function: Hook) -> Hook:
        """Hook, called with a user: returns `True` to let them into `/oauth/admin/`. Without this hook nobody enters."""
        self.hooks.is_admin = function
        return function

    def on_registration(self, function: Hook) -> Hook:
        """Hook, called with `metadata, request` where a program registers a client, or replaces its registration.

        Returns the metadata, which it may change, or raises `ClientMetadataError` to refuse. It may add the gateway's own
        members, such as `plan` and `attributes`; scopes and grants beyond the ceilings are left out afterwards too.
        """
        self.hooks.on_registration = function
        return function

    def trust_client(self, function: Hook) -> Hook:
        """Hook, called with `client_id, metadata` where a client's metadata document was read: returns `True` to let it in.

        `metadata` is what the document says. The hook is called each time when the document was read: a client that it let in
        before, and lets in no longer, gets neither codes nor tokens any more.
        """
        self.hooks.trust_client = function
        return function

    def authorization_detail(self, type: str) -> Callable[[Hook], Hook]:  # noqa: A002 (the RFC's name)
        """Hook for one type of authorization details (RFC 9396), called with `detail, client, user`.

        Returns the detail, which it may narrow or add to, or `None` to refuse it. It is called when a page is about to show
        the detail, and in grants without a page when the token is asked for; `user` is `None` where none takes part.
        """

        def decorator(function: Hook) -> Hook:
            self.hooks.authorization_detail[type] = function
            return function

        return decorator

    def token_attributes(self, function: Hook) -> Hook:
        """Hook, called with `client, user, scopes, grant_type`: returns custom attributes, which are kept with the token.

        Clients see them, except those whose names begin with an underscore.
        """
        self.hooks.token_attributes = function
        return function

    def token_created(self, function: Hook) -> Hook:
        """Hook, called with a `PersonalToken` where a user has made one for themselves, so that the app can tell them by mail.

        It has `token_id`, `subject`, `name`, `scopes`, `audience`, `issued_at`, `expires_at` and `network`, never the token.
        The token is made by then: what the hook raises goes to the log.
        """
        self.hooks.token_created = function
        return function

    def user_claims(self, function: Hook) -> Hook:
        """Hook, called with `user, scopes`: returns the user's claims for ID tokens and userinfo, all that it knows.

        Standard claims (OIDC Core section 5.1) leave the server only by their scopes, or where a client asks for them.
        """
        self.hooks.user_claims = function
        return function


class UnusableSubject(ValueError):
    """A hook gave a user whose subject can't be one. It is the app's mistake, which the log tells; the user isn't told."""


def subject_of(user: Any) -> str:
    """A user's subject: `str(user.get_id())` where the user has that method, else `str(user.id)`.

    Raises `UnusableSubject` for what no database stores, and for what stands for several users at once.
    """
    get_id = getattr(user, "get_id", None)
    try:
        return checked_subject(get_id() if callable(get_id) else user.id)
    except (AttributeError, NotImplementedError) as error:  # the second is Flask-Login's
        raise UnusableSubject(
            f"A user of the type {type(user).__name__} has neither get_id() nor id ({error})."
        ) from None


def checked_subject(found: Any) -> str:
    """What a hook calls a user, as a subject. Raises `UnusableSubject`."""
    if found is None or isinstance(found, (bool, bytes, bytearray, Mapping, list, tuple, set, frozenset)):
        raise UnusableSubject(f"A user's id is of the type {type(found).__name__}, where it is a text or a number.")
    subject = str(found)
    if not is_subject(subject):
        about = (
            f"{len(subject)} characters" if len(subject) > 255 else "a NUL or a lone surrogate" if subject else "empty"
        )
        raise UnusableSubject(f"A user's id is {about}, where it has 1 to 255 characters that a database can store.")
    return subject


def check_subject(subject: object) -> None:
    """Raise `ValueError` where what the app's code gives as a subject is no text: what is stored is one, never a number."""
    if subject is not None and not isinstance(subject, str):
        raise ValueError(f"The subject is of type {type(subject).__name__}; it may be a text: str(...) of it.")


def is_subject(text: str) -> bool:
    """Whether a text can be a subject: every database stores it, and it is neither empty nor too long."""
    return _SUBJECT.fullmatch(text) is not None

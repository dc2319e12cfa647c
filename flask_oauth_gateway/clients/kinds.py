"""Kinds of clients: what an app is, in words, and the registration that follows from it.

One table for the administrator's form, the developers' own pages and `flask oauth client create --type`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..config.openid import OPENID
from ..features import SECRET_METHODS
from ..features.grants import DEVICE_CODE
from .members import ClientMetadataError

if TYPE_CHECKING:
    from ..config import Settings

BY_KEY = ("private_key_jwt",)  # after secrets; for a certificate or an assertion somebody fills in the whole form
USUAL_SCOPES = (OPENID, "profile", "email")  # of who signs users in, where nobody says which


class Kind(NamedTuple):
    """A kind of client. `title`, `sentence` and `hint` are English texts, which pages translate.

    `grant_types`: what it uses, as far as it is on; it can't do without the first. `keeps_secret`: whether it runs where
    nobody else reads what it keeps. `redirects`: users come back to it, so it needs redirect URIs; `example` is one, and
    `hint` says which it may have. A public client has to use PKCE without a member that says so.
    """

    title: str
    sentence: str
    grant_types: tuple[str, ...]
    keeps_secret: bool
    redirects: bool = False
    application_type: str | None = None
    example: str = ""
    hint: str = ""

    @property
    def has_users(self) -> bool:
        """Whether it acts for users; a machine acts for itself."""
        return self.grant_types[0] != "client_credentials"


KINDS: Mapping[str, Kind] = {
    "web": Kind(
        "Web app on a server",
        "Users sign in with it or allow it something. Its server keeps a secret.",
        ("authorization_code", "refresh_token"),
        keeps_secret=True,
        redirects=True,
        application_type="web",
        example="https://app.example.com/callback",
        hint="Where it gets users back: https, or http on 127.0.0.1 or localhost while you build it.",
    ),
    "browser": Kind(
        "App in the browser",
        "JavaScript in a page, without a server of its own. It has no secret: PKCE takes its place.",
        ("authorization_code", "refresh_token"),
        keeps_secret=False,
        redirects=True,
        application_type="web",
        example="https://app.example.com/callback",
        hint="Where it gets users back: https, or http on 127.0.0.1 or localhost while you build it.",
    ),
    "native": Kind(
        "App on a phone or a computer",
        "Users install it; a command line program counts too. It opens the browser, and has no secret: PKCE takes its place.",
        ("authorization_code", "refresh_token"),
        keeps_secret=False,
        redirects=True,
        application_type="native",
        example="com.example.app:/callback",
        hint="A scheme of its own such as com.example.app:/callback, http://127.0.0.1/callback (any port will do), or https.",
    ),
    "machine": Kind(
        "Machine",
        "A service or a script that acts for itself. No user takes part.",
        ("client_credentials",),
        keeps_secret=True,
    ),
    "device": Kind(
        "Device without a keyboard",
        "A television, a console or a printer. Its user allows it on a phone, with a short code.",
        (DEVICE_CODE, "refresh_token"),
        keeps_secret=False,
    ),
}


def why_not(name: str, settings: Settings) -> str | None:
    """Why this server has no clients of a kind, and which setting changes that; `None` where it has."""
    kind = KINDS[name]
    needed = kind.grant_types[0]
    if needed not in settings.grant_types:
        short = needed.rpartition(":")[2]
        return f"A client of the kind {name} needs the grant {short}: add {short!r} to OAUTH_GRANT_TYPES."
    if _method(kind, settings) is None:
        lacking = "'client_secret_basic' or 'private_key_jwt'" if kind.keeps_secret else "'none', as it has no secret"
        return f"A client of the kind {name} needs {lacking}, in OAUTH_CLIENT_AUTH_METHODS."
    return None


def kinds_of(settings: Settings) -> dict[str, Kind]:
    """The kinds that this server can have."""
    return {name: kind for name, kind in KINDS.items() if why_not(name, settings) is None}


def registration_of(name: str, settings: Settings) -> dict[str, Any]:
    """What a client of a kind is registered with, by RFC 7591's names, beside its name and what `fields_of` asks for.

    Where users sign in, `scope` names OpenID Connect's usual scopes: a proposal, as every member that this returns.
    Raises `ClientMetadataError` for a kind that there isn't, or not here.
    """
    if name not in KINDS:
        raise ClientMetadataError(f"There is no kind {name!r} of clients; there are {', '.join(KINDS)}.")
    problem = why_not(name, settings)
    if problem is not None:
        raise ClientMetadataError(problem)
    kind = KINDS[name]
    found: dict[str, Any] = {
        "grant_types": [grant for grant in kind.grant_types if grant in settings.grant_types],
        "token_endpoint_auth_method": _method(kind, settings),
    }
    if kind.application_type is not None:
        found["application_type"] = kind.application_type
    if kind.redirects:
        found["response_types"] = ["code"]
    if settings.oidc and kind.has_users:
        found["scope"] = " ".join(each for each in USUAL_SCOPES if each in settings.scopes)
    return found


def has_secret(name: str, settings: Settings) -> bool:
    """Whether a client of a kind gets a secret; where this server takes none, it proves who it is with a key."""
    return _method(KINDS[name], settings) in SECRET_METHODS


def fields_of(name: str, settings: Settings) -> tuple[str, ...]:
    """The members of a registration that somebody fills in for a client of a kind."""
    kind = KINDS[name]
    by_key = kind.keeps_secret and not has_secret(name, settings)
    signs_out = kind.redirects and settings.oidc
    return (
        "client_name",
        *(("redirect_uris",) if kind.redirects else ()),
        "scope",
        *(("jwks_uri", "jwks") if by_key else ()),
        *(("post_logout_redirect_uris",) if signs_out else ()),
    )


def _method(kind: Kind, settings: Settings) -> str | None:
    """How it proves who it is: the first way that this server takes; `None` where there is none."""
    wanted = (*SECRET_METHODS, *BY_KEY) if kind.keeps_secret else ("none",)
    return next((method for method in wanted if method in settings.client_auth_methods), None)

"""Settings of OpenID Connect: whether users sign in to other programs here, and what those learn of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..features import RESPONSE_TYPES
from .checks import (
    SCOPE_NAME,
    ConfigurationError,
    boolean,
    one_of,
    one_or_more_of,
    optional_text,
    positive,
    seconds,
    secret_text,
)
from .setting import setting

OPENID = "openid"
PUBLIC, PAIRWISE = "public", "pairwise"
MAX_ID_TOKEN_LIFETIME = 31 * 86400
MAX_BACKCHANNEL_TIMEOUT = 60  # a sign-out that comes later helps nobody
#: The scopes that exist by themselves where OpenID Connect is on (OIDC Core section 5.4), and what they mean.
OPENID_SCOPES: Mapping[str, str] = {
    OPENID: "Sign you in",
    "profile": "See your profile: name, picture, language and the like",
    "email": "See your email address",
    "address": "See your postal address",
    "phone": "See your phone number",
}


#: The response types of OpenID Connect, each with the grants that it needs. The order of their words has no meaning.
OPENID_RESPONSE_TYPES: Mapping[str, tuple[str, ...]] = {
    "id_token": ("implicit",),
    "id_token token": ("implicit",),
    "code id_token": ("authorization_code", "implicit"),
    "code token": ("authorization_code", "implicit"),
    "code id_token token": ("authorization_code", "implicit"),
}


def in_order(response_type: str) -> str:
    """A response type with its words in the order in which it is listed here."""
    return " ".join(sorted(response_type.split(" ")))


def response_types_of(settings: Any) -> dict[str, tuple[str, ...]]:
    """The response types that an app has, each with the grants that it needs."""
    single = {name: (grant_type,) for name, grant_type in RESPONSE_TYPES.items()}
    known = single | dict(OPENID_RESPONSE_TYPES) if settings.oidc else single
    return {name: needed for name, needed in known.items() if all(each in settings.grant_types for each in needed)}


def read_id_token_lifetime(key: str, value: Any) -> int:
    """A number of seconds, for which the key that signed is published (`tokens/signing_keys.py`)."""
    found = positive(key, value)
    if found > MAX_ID_TOKEN_LIFETIME:
        raise ConfigurationError(
            key, value, f"a number of 1 or more seconds, at most {MAX_ID_TOKEN_LIFETIME} (31 days)"
        )
    return found


def read_backchannel_timeout(key: str, value: Any) -> int:
    found = positive(key, value)
    if found > MAX_BACKCHANNEL_TIMEOUT:
        raise ConfigurationError(key, value, f"a number of seconds from 1 to {MAX_BACKCHANNEL_TIMEOUT}")
    return found


def read_claims(key: str, value: Any) -> Mapping[str, tuple[str, ...]]:
    """A dict of scope to the names of claims."""
    allowed = 'a dict of scope to names of claims, such as {"groups": ["groups"]}'
    if not isinstance(value, Mapping):
        raise ConfigurationError(key, value, allowed)
    for scope, names in value.items():
        is_scope = isinstance(scope, str) and SCOPE_NAME.fullmatch(scope)
        if not is_scope or isinstance(names, str) or not all(isinstance(name, str) and name for name in names):
            raise ConfigurationError(key, value, allowed)
    return {scope: tuple(names) for scope, names in value.items()}


@dataclass(frozen=True, init=False, repr=False, eq=False)
class OpenidSettings:
    """A group of `Settings`."""

    __slots__ = ()

    oidc: bool = setting(
        False,
        boolean,
        "Whether the server is an OpenID provider: other programs sign their users in here (OpenID Connect). The scopes"
        " `openid`, `profile`, `email`, `address` and `phone` then exist by themselves.",
    )
    signup_url: str | None = setting(
        None,
        optional_text,
        "Where somebody makes an account: a URL of this site or an endpoint, called with `next`. Clients then may ask for"
        " it with `prompt=create`.",
    )
    post_logout_url: str | None = setting(
        None,
        optional_text,
        "Where a sign-out ends that names no address of its client's: a URL or an endpoint. Where it is left out, a page"
        " says that the user is signed out.",
    )
    id_token_lifetime: int = setting(
        3600, read_id_token_lifetime, "How many seconds an ID token lives, 31 days at most: a number or a `timedelta`."
    )
    id_token_claims: str = setting(
        "requested",
        one_of("requested", "all"),
        'Which claims of a user are in an ID token. `"requested"`: those that the client asks for with the `claims`'
        ' parameter; the others are at the userinfo endpoint. `"all"`: those of the scopes too, for clients that read'
        " nothing but the ID token. A client may have its own choice.",
    )
    logout_ends_tokens: bool = setting(
        True,
        boolean,
        "Whether a session's tokens end with it, where the user didn't allow `offline_access`: refresh tokens and access"
        " tokens.",
    )
    backchannel_timeout: int = setting(
        5,
        read_backchannel_timeout,
        "How many seconds a client has, in all, to answer when it is told that a session has ended: a number or a"
        f" `timedelta`, {MAX_BACKCHANNEL_TIMEOUT} at most.",
    )
    backchannel_retry: int = setting(
        600,
        seconds,
        "For how many seconds a client that can't be told that a session has ended is told again, with growing waits: a"
        " number or a `timedelta`.",
    )
    claims: Mapping[str, tuple[str, ...]] = setting(
        {},
        read_claims,
        "Scopes of the app's own and the names of the claims that they let out, beside the standard ones (OIDC Core"
        " section 5.4). The scopes stand in `OAUTH_SCOPES` too.",
    )
    subject_types: tuple[str, ...] = setting(
        (PUBLIC,),
        one_or_more_of(PUBLIC, PAIRWISE),
        'By which names clients know users. `"public"`: by the app\'s own, the same for every client. `"pairwise"`: by names'
        " that no two sites can compare. A client has one `subject_type` of these; where it names none, the first.",
    )
    pairwise_salt: str | None = setting(
        None,
        secret_text,
        "A long random text, from which pairwise names are made. Keep it for good, and apart from `SECRET_KEY`: with"
        " another one, every user is somebody new to these clients.",
    )

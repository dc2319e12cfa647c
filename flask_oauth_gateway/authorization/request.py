"""An authorization request whose client and redirect URI are right, and what a user allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import InvalidRequestError, OAuth2Error, clean

if TYPE_CHECKING:
    from ..stores.pushed_requests import PushedRequest
    from ..stores.registered_client import Client
    from .one_time import OneTime


class PageError(Exception):
    """An error before the redirect URI is known to be the client's: the user sees it, and is not redirected."""

    def __init__(self, error: str, description: str, *, reason: str = "", detail: str = "") -> None:
        """`reason`: what the operator learns beyond the description. `detail`: what the program's author learns."""
        super().__init__(description)
        self.error = error
        self.description = description
        self.reason = reason
        self.detail = detail


class NoSuchRequest(PageError):
    """A signed request that was used, or a `request_uri` that is unknown, expired, used or another client's.

    Nobody learns which (RFC 9126 section 4).
    """

    SENTENCE = (
        "The request with which the application sent you here is not known, has expired, or was answered already. Go back"
        " to the application, and start again."
    )

    def __init__(self, reason: str, error: str = "invalid_request_uri") -> None:
        super().__init__(error, self.SENTENCE, reason=reason)


class NotAccepted(PageError):
    """A signed request that isn't accepted (RFC 9101 section 7)."""

    SENTENCE = (
        "The request with which the application sent you here can't be accepted, or has expired. Go back to the application,"
        " and start again."
    )

    def __init__(self, error: str, detail: str, reason: str = "") -> None:
        super().__init__(error, self.SENTENCE, reason=f"{detail} {reason}".rstrip(), detail=detail)


class StillOnTrial(PageError):
    """A user's own app waits for an administrator, and somebody else than its owner was sent here: it gets no answer."""

    SENTENCE = "The application that sent you here waits for approval: until then only the person who registered it can try it."

    def __init__(self, detail: str = "") -> None:
        super().__init__("access_denied", self.SENTENCE, detail=detail)


class AuthorizationError(OAuth2Error):
    """An error that the client gets, at its redirect URI (RFC 6749 section 4.1.2.1)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(clean(description), error=error)


class UnmetAuthenticationRequirements(AuthorizationError):
    """The user's sign-in is not what the client needs (OpenID Connect Core Error Code unmet_authentication_requirements)."""

    def __init__(self, description: str) -> None:
        super().__init__("unmet_authentication_requirements", description)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """An authorization request, with what it asks for. The `approve` hook and the consent page get it."""

    client: Client
    redirect_uri: str
    redirect_uri_sent: bool
    state: str | None
    response_mode: str = "query"
    response_type: str = ""
    scopes: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()  # the resources that the client asks for (RFC 8707); none: the default
    authorization_details: tuple[
        Mapping[str, Any], ...
    ] = ()  # RFC 9396; once the user is known, as the hooks return them
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    prompt: tuple[str, ...] = ()
    login_hint: str | None = None
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    strong_enough: frozenset[str] = frozenset()  # the sign-in's `acr` must be one of them; none: any will do
    claims: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # asked for by name (OIDC Core section 5.5)
    wants_sign_in: bool = False  # whether the request says anything of how its user should have signed in
    beyond_scopes: tuple[str, ...] = ()  # claims that are asked for by name alone (`permissions/claims.py`)
    hinted_sub: str | None = None  # whom the `id_token_hint` is about, by the name that this client knows
    ui_locales: tuple[str, ...] = ()  # the languages in which the user wants to read, the preferred one first
    openid: Mapping[str, Any] = field(default_factory=dict)  # what is kept for ID tokens (`tokens/sign_in.py`)
    confirmation: Mapping[str, str] = field(
        default_factory=dict
    )  # the key that the code is bound to (RFC 9449 section 10)
    pushed: PushedRequest | OneTime | None = (
        None  # the client has pushed it, or signed it for once: the answer uses it up
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a user allowed: who, which scopes, until when, and how they signed in."""

    subject: str
    scopes: tuple[str, ...]
    lasts_until: int | None = None
    refreshable: bool = True
    claims: Mapping[str, Any] = field(default_factory=dict)
    sid: str | None = None  # the session at the client to which it belongs; the claims hold it for ID tokens


def checked_thumbprint(dpop_jkt: str | None) -> str | None:
    """The thumbprint of the key to which a code is to be bound, if any. Raises `InvalidRequestError` where it is none."""
    if dpop_jkt is not None and not re.fullmatch(r"[A-Za-z0-9_-]{43}", dpop_jkt):
        raise InvalidRequestError("The parameter 'dpop_jkt' is the SHA-256 of a key in base64url: 43 characters.")
    return dpop_jkt

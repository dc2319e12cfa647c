"""The OAuth errors: our own, and those of Authlib that we raise. `web/answers.py` turns them into responses.

An error tells the client `error` and `error_description`. Some errors also have a `reason`, which goes to the log and
is never sent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)

__all__ = [
    "AssertionNotAccepted",
    "BearerError",
    "InsufficientScope",
    "InsufficientUserAuthentication",
    "InvalidClient",
    "InvalidGrantError",
    "InvalidRequestError",
    "InvalidScopeError",
    "InvalidTarget",
    "InvalidToken",
    "MissingToken",
    "NotConfigured",
    "NotFound",
    "OAuth2Error",
    "RequestTooLarge",
    "TemporarilyUnavailable",
    "TooManyRequests",
    "UnauthorizedClientError",
    "UnknownToken",
    "UnsupportedGrantType",
    "clean",
    "shown",
    "without_secrets",
]

if TYPE_CHECKING:
    from collections.abc import Callable

REALM = "oauth"


def clean(text: object, limit: int = 200) -> str:
    """A text fit for `error_description`: cut at `limit` characters, with `?` for what RFC 6749 section 5.2 forbids."""
    characters = str(text)
    if len(characters) > limit:
        characters = characters[:limit] + "..."
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in characters)


#: PEM private keys, also cut off; what stands before the `@` of a URL, save `<user>`; what is named as a secret, in a query,
#: an object or its repr; and lines of base64 as long as those of a key.
_SECRETS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----.*?(-----END [A-Z ]*PRIVATE KEY( BLOCK)?-----|$)", re.DOTALL
        ),
        "(a private key)",
    ),
    (re.compile(r"(?<=://)(?!<)\S{0,400}@"), "...@"),
    (re.compile(r"(?i)((?:client_secret|secret|password|passwd|assertion|token)=)[^&\s'\"]+"), r"\1..."),
    (
        re.compile(
            r"""(\\?['"](?:client_secret|secret|password|d|k|p|q|dp|dq|qi|oth)\\?['"]\s*:\s*)b?(\\?['"]).*?\2"""
        ),
        r"\1'...'",
    ),
    (re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/=_-]{48,}"), lambda found: _long_text(found.group())),
)


def _long_text(text: str) -> str:
    """What stands for a long text without spaces: nothing of it, unless it looks like the path of a file."""
    is_path = text.startswith("/") and (text.count("/") > 4 or not re.search("[A-Z].*[0-9]|[0-9].*[A-Z]", text))
    return text if is_path else "(a long text without spaces)"


def holds_private_key(text: str) -> bool:
    """Whether a text holds a PEM private key, or an object with a secret member such as those of a private JWK."""
    return any(_SECRETS[which][0].search(text) for which in (0, 3))


def without_secrets(text: object) -> str:
    """A text, as of an error of another library, without what may be a secret in it."""
    found = str(text)
    for secret, instead in _SECRETS:
        found = secret.sub(instead, found)
    return found


def shown(value: object, limit: int = 200) -> str:
    """What an error repeats of a value that it refuses: at most `limit` characters, and nothing that may be a secret."""
    text = without_secrets(repr(value))
    return text if len(text) <= limit else text[:limit] + "..."


class InvalidClient(InvalidClientError):
    """Client authentication failed (RFC 6749 section 5.2): the answer is the same for an unknown client and a wrong secret."""

    status_code = 401
    description = "Client authentication failed: the client is unknown, disabled, or did not prove who it is."

    def __init__(
        self, reason: str, client_id: str | None = None, *, is_counted: bool = False, description: str | None = None
    ) -> None:
        """`is_counted`: the failure was counted before the secret was looked at. `description`: what the caller is told."""
        super().__init__(description)
        self.reason = reason
        self.client_id = client_id
        self.is_counted = is_counted

    def extra_headers(self) -> list[tuple[str, str]]:
        return [("WWW-Authenticate", f'Basic realm="{REALM}", charset="UTF-8"')]


class AssertionNotAccepted(InvalidGrantError):
    """An assertion was refused (RFC 7521 section 4.1.1): the client isn't told what was wrong with it."""

    description = "The assertion was not accepted."

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class UnsupportedGrantType(OAuth2Error):
    """The token endpoint doesn't take this grant (RFC 6749 section 5.2)."""

    error = "unsupported_grant_type"


class InvalidTarget(OAuth2Error):
    """A resource that is not known here, or was not approved (RFC 8707 section 2)."""

    error = "invalid_target"


class RequestTooLarge(OAuth2Error):
    """The body is larger than `OAUTH_MAX_BODY`."""

    error = "invalid_request"
    status_code = 413
    description = "The body of the request is too large."


class NotFound(OAuth2Error):
    """There is nothing at this address, or nothing that takes this method."""

    error = "not_found"
    status_code = 404


class TemporarilyUnavailable(OAuth2Error):
    """The database, or another server, is out of reach: 503 with `Retry-After`, in seconds."""

    error = "temporarily_unavailable"
    status_code = 503
    description = "The server can't do this at the moment. Please try again."
    retry_after = 2

    def extra_headers(self) -> list[tuple[str, str]]:
        return [("Retry-After", str(self.retry_after))]


class NotConfigured(OAuth2Error):
    """The app's configuration, or one of its hooks, doesn't let the server answer: trying again is no use before it is mended."""

    error = "server_error"
    status_code = 503
    description = "The server is not configured for this."


class TooManyRequests(OAuth2Error):
    """A limit is used up: 429 with `Retry-After`, in seconds."""

    error = "temporarily_unavailable"
    status_code = 429
    description = "Too many attempts. Please wait a while."

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after

    def extra_headers(self) -> list[tuple[str, str]]:
        return [("Retry-After", str(self.retry_after))]


class BearerError(OAuth2Error):
    """An error of a protected view, with its challenge (RFC 6750 section 3).

    `needed`: the scopes that the view asks for; `resource_metadata`: the URL of the resource's metadata (RFC 9728
    section 5.1).
    """

    status_code = 401
    reason = ""
    client_id: str | None = None
    needed = ""
    resource_metadata: str | None = None

    def challenge(self) -> list[str]:
        return [f'error="{self.error}"', f'error_description="{self.description}"']

    def extra_headers(self) -> list[tuple[str, str]]:
        parts = [f'Bearer realm="{REALM}"', *self.challenge()]
        if self.needed:
            parts.append(f'scope="{self.needed}"')
        if self.resource_metadata is not None:
            parts.append(f'resource_metadata="{self.resource_metadata}"')
        return [("WWW-Authenticate", ", ".join(parts))]


class MissingToken(BearerError):
    """The request carries no token. The challenge names no error (RFC 6750 section 3.1)."""

    error = "unauthorized"
    description = "This needs an access token: send it as 'Authorization: Bearer <token>'."

    def challenge(self) -> list[str]:
        return []


class InvalidToken(BearerError):
    """The token is unknown, expired, revoked or malformed (RFC 6750 section 3.1)."""

    error = "invalid_token"

    def __init__(self, description: str, client_id: str | None = None) -> None:
        super().__init__(description)
        self.client_id = client_id


class UnknownToken(InvalidToken):
    """The token is not one of this server's. It may be that of another issuer, where others are trusted."""


class InvalidBearerRequest(BearerError):
    """The request carries a token in two ways at once, or a malformed header (RFC 6750 section 3.1)."""

    error = "invalid_request"
    status_code = 400


class InsufficientScope(BearerError):
    """The token is valid, but lacks a scope that the view asks for (RFC 6750 section 3.1)."""

    error = "insufficient_scope"
    status_code = 403

    def __init__(self, needed: str, description: str, client_id: str | None = None) -> None:
        super().__init__(description)
        self.needed = needed
        self.client_id = client_id


class InsufficientUserAuthentication(BearerError):
    """The user signed in too long ago, or too weakly, for this view (RFC 9470 section 3)."""

    error = "insufficient_user_authentication"

    def __init__(self, description: str, *, acr: str | None = None, max_age: int | None = None) -> None:
        super().__init__(description)
        self.acr = acr
        self.max_age = max_age

    def challenge(self) -> list[str]:
        wanted = [] if self.acr is None else [f'acr_values="{self.acr}"']
        wanted += [] if self.max_age is None else [f'max_age="{self.max_age}"']
        return super().challenge() + wanted

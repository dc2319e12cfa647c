"""The OAuth errors: our own, and those of Authlib that we raise. `web/answers.py` turns them into responses.

An error tells the client `error` and `error_description`. Some errors also have a `reason`, which goes to the log and
is never sent.
"""

from __future__ import annotations

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)

from .bearer import (
    REALM,
    BearerError,
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidBearerRequest,
    InvalidToken,
    MissingToken,
    UnknownToken,
)
from .texts import clean, holds_private_key, shown, without_secrets

__all__ = [
    "AssertionNotAccepted",
    "BearerError",
    "InsufficientScope",
    "InsufficientUserAuthentication",
    "InvalidAuthorizationDetails",
    "InvalidBearerRequest",
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
    "holds_private_key",
    "shown",
    "without_secrets",
]


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


class InvalidAuthorizationDetails(OAuth2Error):
    """Authorization details that can't be read, aren't known here, or aren't this client's (RFC 9396 section 5)."""

    error = "invalid_authorization_details"


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

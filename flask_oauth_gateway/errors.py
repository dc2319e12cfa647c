"""Our OAuth errors beside Authlib's, and `render_error`: the one way an error becomes a response.

An error says one thing to the client (`error`, `error_description`) and, where that helps, another to the log
(`reason`, an attribute that is never sent).
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from flask import Response, has_request_context, request

from .web.logs import refused

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
    "NotFound",
    "OAuth2Error",
    "RequestTooLarge",
    "TemporarilyUnavailable",
    "TooManyRequests",
    "UnauthorizedClientError",
    "UnknownToken",
    "UnsupportedGrantType",
    "clean",
    "error_response",
    "json_response",
    "render_error",
]

NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
REALM = "oauth"


def clean(text: object, limit: int = 200) -> str:
    """A text fit for `error_description`: cut at `limit` characters, whatever RFC 6749 section 5.2 forbids as `?`."""
    characters = str(text)
    if len(characters) > limit:
        characters = characters[:limit] + "..."
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in characters)


class InvalidClient(InvalidClientError):
    """Client authentication failed (RFC 6749 section 5.2): one answer, whether the client is unknown or its secret wrong."""

    status_code = 401
    description = "Client authentication failed: the client is unknown, disabled, or did not prove who it is."

    def __init__(self, reason: str, client_id: str | None = None) -> None:
        super().__init__()
        self.reason = reason
        self.client_id = client_id

    def extra_headers(self) -> list[tuple[str, str]]:
        return [("WWW-Authenticate", f'Basic realm="{REALM}", charset="UTF-8"')]


class AssertionNotAccepted(InvalidGrantError):
    """An assertion was refused (RFC 7521 section 4.1.1): one short answer, whatever was wrong."""

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
    """There is nothing at this address, or not for this method."""

    error = "not_found"
    status_code = 404


class TemporarilyUnavailable(OAuth2Error):
    """The database is out of reach, or a setting that the answer needs is missing: 503 with `Retry-After`, in seconds."""

    error = "temporarily_unavailable"
    status_code = 503
    description = "The server can't do this at the moment. Please try again."
    retry_after = 2

    def extra_headers(self) -> list[tuple[str, str]]:
        return [("Retry-After", str(self.retry_after))]


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

    `needed`: the scopes that the view asks for; `resource_metadata`: the URL of what describes it (RFC 9728 section 5.1).
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
    """No token came: the challenge then names no error (RFC 6750 section 3.1)."""

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
    """The token is not one of ours: where others are trusted, it may be theirs."""


class InvalidBearerRequest(BearerError):
    """The token was sent in two ways at once, or in a malformed header (RFC 6750 section 3.1)."""

    error = "invalid_request"
    status_code = 400


class InsufficientScope(BearerError):
    """The token is good and lacks a scope that the view asks for (RFC 6750 section 3.1)."""

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


def json_response(status: int, body: dict[str, Any], headers: list[tuple[str, str]] | None = None) -> Response:
    """A JSON answer that no cache keeps."""
    response = Response(json.dumps(body, separators=(",", ":")).encode(), status, mimetype="application/json")
    response.headers.extend([*NO_STORE, *(headers or ())])
    return response


class Noted(NamedTuple):
    """What is kept of an error that was answered. Not the error itself: its traceback holds the request, which would live on."""

    error: str
    description: str
    reason: str
    needed: str


def noted(error: Any) -> Noted:
    """What there is to say of an error, to whoever runs the server."""
    needed = getattr(error, "needed", "")
    return Noted(error.error or "error", error.description or "", getattr(error, "reason", ""), needed)


def render_error(error: OAuth2Error) -> Response:
    """A refusal, written to the log, as a response."""
    if has_request_context():
        refused(error, request.environ)
    return error_response(error)


def error_response(error: OAuth2Error) -> Response:
    """The one way an error becomes a response: JSON `{"error", "error_description"}` with the RFC's status."""
    headers = error.extra_headers() if hasattr(error, "extra_headers") else []
    body = {"error": error.error, "error_description": error.description or clean(error.get_error_description())}
    return json_response(error.status_code, body, headers)

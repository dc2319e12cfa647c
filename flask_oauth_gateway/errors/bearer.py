"""The errors of protected views (RFC 6750 section 3), each with its challenge."""

from __future__ import annotations

from authlib.oauth2 import OAuth2Error

REALM = "oauth"


class BearerError(OAuth2Error):
    """An error of a protected view, with its challenge (RFC 6750 section 3).

    `needed`: the scopes that the view asks for; `resource_metadata`: the URL of the resource's metadata (RFC 9728
    section 5.1); `algs`: the algorithms of DPoP's proofs, with spaces, where DPoP is on; `is_of_dpop`: only a request with
    another proof can do better, so no other scheme is named; `bearer_first`: the clients read none but that first scheme.
    """

    status_code = 401
    reason = ""
    client_id: str | None = None
    needed = ""
    resource_metadata: str | None = None
    algs = ""
    is_of_dpop = False
    bearer_first = False

    def challenge(self) -> list[str]:
        return [f'error="{self.error}"', f'error_description="{self.description}"']

    def extra_headers(self) -> list[tuple[str, str]]:
        parts = [f'realm="{REALM}"', *self.challenge()]
        if self.needed:
            parts.append(f'scope="{self.needed}"')
        if self.resource_metadata is not None:
            parts.append(f'resource_metadata="{self.resource_metadata}"')
        told = ", ".join(parts)
        if not self.algs:
            return [("WWW-Authenticate", f"Bearer {told}")]
        # DPoP first, or alone where its proof is what is wrong: some clients look only at the first scheme. One header, as
        # nginx before 1.23 hands on no second one.
        dpop = f'DPoP {told}, algs="{self.algs}"'
        schemes = [dpop] if self.is_of_dpop else [dpop, f"Bearer {told}"]
        return [("WWW-Authenticate", ", ".join(reversed(schemes) if self.bearer_first else schemes))]


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

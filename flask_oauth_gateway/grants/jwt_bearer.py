"""`urn:ietf:params:oauth:grant-type:jwt-bearer`: a signed JWT is traded for a token (RFC 7521, RFC 7523 section 2.1)."""

from __future__ import annotations

from ..assertions.assertion import Assertion
from ..assertions.jwt import JwtIssuer, verify_jwt
from .assertion import AssertionGrant


class JwtBearerGrant(AssertionGrant):
    """Whose assertion it is, its signature, its claims; the rest is common to all assertions."""

    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    KIND = "JWT"

    def verify(self, assertion: str) -> tuple[Assertion, JwtIssuer]:
        return verify_jwt(self.server.state, assertion, self.audiences())

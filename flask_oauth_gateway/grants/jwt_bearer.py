"""`urn:ietf:params:oauth:grant-type:jwt-bearer`: a signed JWT is exchanged for a token (RFC 7521, RFC 7523 section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..features.grants import JWT_BEARER
from .assertion import AssertionGrant

if TYPE_CHECKING:
    from ..assertions.assertion import Assertion
    from ..assertions.jwt import JwtAssertions, JwtIssuer


@dataclass(eq=False)
class JwtBearerGrant(AssertionGrant):
    """Verifies a JWT's issuer, signature and claims; the other rules are those of all assertions."""

    GRANT_TYPE = JWT_BEARER
    KIND = "JWT"

    jwt_assertions: JwtAssertions

    def verify(self, assertion: str, audience: frozenset[str]) -> tuple[Assertion, JwtIssuer]:
        return self.jwt_assertions.verify(assertion, audience)

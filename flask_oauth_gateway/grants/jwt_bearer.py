"""`urn:ietf:params:oauth:grant-type:jwt-bearer`: a signed JWT is traded for a token (RFC 7521, RFC 7523 section 2.1)."""

from __future__ import annotations

from typing import Any

from ..assertions import Assertion, AssertionRefused, check_jwt
from ..jose import JwtError, read, verify
from .assertion import AssertionGrant
from .issuers import JwtIssuer, issuer_of_client


class JwtBearerGrant(AssertionGrant):
    """Whose assertion it is, its signature, its claims; the rest is common to all assertions."""

    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    KIND = "JWT"

    def verify(self, assertion: str) -> tuple[Assertion, JwtIssuer]:
        state = self.server.state
        try:
            unverified = read(assertion)
            trusted = self._issuer(unverified.claims.get("iss"))
            kid = unverified.header.get("kid")
            keys = trusted.source.keys(kid if isinstance(kid, str) else None)
            jwt = verify(assertion, keys, trusted.algorithms)
        except JwtError as error:
            raise AssertionRefused(str(error)) from error
        checked = check_jwt(
            jwt,
            audience=trusted.audience or self.audiences(),
            skew=state.settings.clock_skew,
            max_lifetime=trusted.max_lifetime,
            numeric_strings=trusted.numeric_strings,
        )
        return checked, trusted

    def _issuer(self, name: Any) -> JwtIssuer:
        """An issuer of the configuration, or a client that signs for itself."""
        state = self.server.state
        if not isinstance(name, str) or not name:
            raise AssertionRefused("it names no issuer (iss)")
        trusted: JwtIssuer | None = state.jwt_issuers.get(name)
        if trusted is None:
            client = state.clients.get(name)
            trusted = None if client is None else issuer_of_client(state, client)
        if trusted is None:
            raise AssertionRefused(f"its issuer {name[:200]!r} is not trusted here")
        return trusted

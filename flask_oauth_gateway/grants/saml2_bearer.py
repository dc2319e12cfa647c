"""`urn:ietf:params:oauth:grant-type:saml2-bearer`: a signed SAML assertion is traded for a token (RFC 7521, RFC 7522)."""

from __future__ import annotations

from typing import Any

from ..assertions.assertion import Assertion
from ..assertions.saml_issuers import SamlIssuer, verify_saml
from .assertion import AssertionGrant


class Saml2BearerGrant(AssertionGrant):
    """Whose assertion it is, its signature, its rules; the rest is common to all assertions."""

    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:saml2-bearer"
    KIND = "SAML"

    def verify(self, assertion: str) -> tuple[Assertion, SamlIssuer]:
        checked, self.trusted = verify_saml(self.server.state, assertion, self.audiences(), self.audiences())
        return checked, self.trusted

    def token_attributes(self) -> dict[str, Any] | None:
        """The assertion's attributes that the issuer's entry names, kept with the token."""
        kept = {name: values for name, values in self.assertion.attributes.items() if name in self.trusted.attributes}
        return {name: values[0] if len(values) == 1 else values for name, values in kept.items()} or None

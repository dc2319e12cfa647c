"""`urn:ietf:params:oauth:grant-type:saml2-bearer`: a signed SAML assertion is exchanged for a token (RFC 7521, RFC 7522)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..features.grants import SAML2_BEARER
from .assertion import AssertionGrant

if TYPE_CHECKING:
    from ..assertions.assertion import Assertion
    from ..assertions.saml_issuers import SamlAssertions, SamlIssuer
    from .assertion import Checked


@dataclass(eq=False)
class Saml2BearerGrant(AssertionGrant):
    """Verifies a SAML assertion's issuer, signature and conditions; the other rules are those of all assertions."""

    GRANT_TYPE = SAML2_BEARER
    KIND = "SAML"

    saml_assertions: SamlAssertions

    def verify(self, assertion: str, audience: frozenset[str]) -> tuple[Assertion, SamlIssuer]:
        return self.saml_assertions.verify(assertion, audience, audience)

    def attributes(self, checked: Checked) -> dict[str, Any] | None:
        """The attributes of the assertion that the issuer's entry names: they are kept with the token."""
        named: frozenset[str] = getattr(checked.trusted, "attributes", frozenset())
        kept = {name: values for name, values in checked.assertion.attributes.items() if name in named}
        return {name: values[0] if len(values) == 1 else values for name, values in kept.items()} or None

"""`urn:ietf:params:oauth:grant-type:saml2-bearer`: a signed SAML assertion is traded for a token (RFC 7521, RFC 7522)."""

from __future__ import annotations

from typing import Any

from flask import url_for

from ..assertions import Assertion, AssertionRefused
from ..issuer import absolute_url
from ..saml import check_saml
from ..saml_xml import decode, parse, signed_assertion
from .assertion import AssertionGrant
from .saml_issuers import SamlIssuer, issuer_of_client


class Saml2BearerGrant(AssertionGrant):
    """Whose assertion it is, its signature, its rules; the rest is common to all assertions."""

    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:saml2-bearer"
    KIND = "SAML"

    def verify(self, assertion: str) -> tuple[Assertion, SamlIssuer]:
        state = self.server.state
        document = parse(decode(assertion))
        self.trusted = trusted = self._issuer(document.issuer)
        element = signed_assertion(document, trusted.certificates, allow_sha1=trusted.allow_sha1)
        checked = check_saml(
            element,
            issuer=trusted.issuer,
            audience=trusted.audience or self.audiences(),
            recipient=trusted.recipient or frozenset((absolute_url(state, url_for("oauth.token")),)),
            skew=state.settings.clock_skew,
            max_lifetime=trusted.max_lifetime,
        )
        return checked, trusted

    def token_attributes(self) -> dict[str, Any] | None:
        """The assertion's attributes that the issuer's entry names, kept with the token."""
        kept = {name: values for name, values in self.assertion.attributes.items() if name in self.trusted.attributes}
        return {name: values[0] if len(values) == 1 else values for name, values in kept.items()} or None

    def _issuer(self, name: str) -> SamlIssuer:
        """An issuer of the configuration, or a client that signs for itself with its certificate."""
        state = self.server.state
        trusted: SamlIssuer | None = state.saml_issuers.get(name)
        if trusted is None and name:
            client = state.clients.get(name)
            trusted = None if client is None else issuer_of_client(client)
        if trusted is None:
            raise AssertionRefused(f"its issuer {name[:200]!r} is not trusted here")
        return trusted

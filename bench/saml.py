"""Signed SAML assertions of 3 KB: each is good once, so that as many are made ahead as there are calls."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLSigner

NAME = "https://idp.example"
SERVER = "http://127.0.0.1:5000"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
SIZE = 3000


class IdentityProvider:
    """A key, its certificate, and what it asserts."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        self.certificate = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    @property
    def entry(self) -> dict[str, object]:
        """Its entry in OAUTH_SAML_ISSUERS."""
        return {"certificates": [self.certificate], "client_id": "partner", "max_lifetime": 3600}

    def bodies(self, number: int) -> list[bytes]:
        """So many bodies of token requests."""
        return [
            b"grant_type=urn:ietf:params:oauth:grant-type:saml2-bearer&assertion=" + self._assertion()
            for _ in range(number)
        ]

    def _assertion(self) -> bytes:
        identity, now = f"_{secrets.token_hex(16)}", datetime.now(UTC)
        since, until = (f"{now + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}" for seconds in (0, 3000))
        text = (
            f'<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{identity}" Version="2.0"'
            f' IssueInstant="{since}"><saml:Issuer>{NAME}</saml:Issuer><saml:Subject><saml:NameID>alice</saml:NameID>'
            '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData'
            f' Recipient="{SERVER}/oauth/token" NotOnOrAfter="{until}"/></saml:SubjectConfirmation></saml:Subject>'
            f'<saml:Conditions NotBefore="{since}" NotOnOrAfter="{until}"><saml:AudienceRestriction><saml:Audience>{SERVER}'
            "</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AttributeStatement>{}"
            "</saml:AttributeStatement></saml:Assertion>"
        )
        attribute = (
            '<saml:Attribute Name="group"><saml:AttributeValue>people who look at the sky</saml:AttributeValue>'
            "</saml:Attribute>"
        )
        root = etree.fromstring(text.format(attribute * 5))
        signer = XMLSigner(signature_algorithm="rsa-sha256", digest_algorithm="sha256", c14n_algorithm=EXCLUSIVE)
        signed = signer.sign(
            root, key=self._key, cert=self.certificate, reference_uri=f"#{identity}", id_attribute="ID"
        )
        data = etree.tostring(signed)
        assert len(data) > SIZE, len(data)
        return urlsafe_b64encode(data).rstrip(b"=")

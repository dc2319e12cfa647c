"""Makes signed SAML assertions of 3 KB. Each is good once, so it makes one for each call ahead."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
    """A key, its certificate, and its assertions. `file`: where key and certificate are kept, for processes that share them."""

    def __init__(self, file: Path | None = None) -> None:
        text = _new_pair() if file is None or not file.exists() else file.read_text()
        if file is not None:
            file.write_text(text)
        self._key = serialization.load_pem_private_key(text.encode(), None)
        self.certificate = text[text.index("-----BEGIN CERTIFICATE") :]

    @property
    def entry(self) -> dict[str, object]:
        """Return its entry in OAUTH_SAML_ISSUERS."""
        return {"certificates": [self.certificate], "client_id": "partner", "max_lifetime": 3600}

    def bodies(self, number: int) -> list[bytes]:
        """Make so many bodies of token requests."""
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


def _new_pair() -> str:
    """Make a private key and its certificate, in PEM."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(encoding, form, serialization.NoEncryption())
    return (private + builder.sign(key, hashes.SHA256()).public_bytes(encoding)).decode()

"""The demo's identity provider: it knows the users, has a key of its own, and signs what it says about them.

A real one is another server, such as Keycloak or Entra ID; the app knows only its name and its certificate.
"""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Blueprint, request, url_for
from joserfc import jwt
from joserfc.jwk import ECKey
from lxml import etree
from lxml.builder import ElementMaker
from signxml import XMLSigner

from .users import check_password

NAME = "https://idp.example/saml"
JWT_NAME = "https://idp.example"
#: The client that gets the tokens for its assertions.
CLIENT_ID = "weather-partner"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
LIFETIME = timedelta(minutes=5)  # the longest that the app accepts: time to read in the playground


@dataclass
class IdentityProvider:
    """A key and its certificate, which the app knows. Both are made at each start."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")]), datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=365))
        certificate = builder.sign(self.key, hashes.SHA256())
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def entry(self) -> dict[str, Any]:
        """Return the app's entry in OAUTH_SAML_ISSUERS."""
        return {"certificates": [self.certificate], "client_id": CLIENT_ID, "attributes": ["department"]}

    @property
    def jwt_entry(self) -> dict[str, Any]:
        """Return the app's entry in OAUTH_JWT_ISSUERS."""
        return {"key": self.certificate, "client_id": CLIENT_ID}

    def blueprint(self) -> Blueprint:
        """`POST /idp/saml` and `POST /idp/jwt` give an assertion for a user's name and password."""
        blueprint = Blueprint("idp", __name__, url_prefix="/idp")
        blueprint.add_url_rule("/saml", view_func=self.saml, methods=["POST"])
        blueprint.add_url_rule("/jwt", view_func=self.jwt, methods=["POST"])
        return blueprint

    def jwt(self) -> Any:
        """Return an assertion for the token endpoint about the user who signs in, as a JWT (RFC 7523 section 3)."""
        user = check_password(request.form.get("username", ""), request.form.get("password", ""))
        if user is None:
            return {"error": "The user name or the password is wrong."}, 401
        now = int(time.time())
        claims = {
            "iss": JWT_NAME,
            "sub": user.get_id(),
            "aud": url_for("oauth.token", _external=True),
            "iat": now,
            "exp": now + int(LIFETIME.total_seconds()),
            "jti": secrets.token_hex(16),
        }
        return {"assertion": jwt.encode({"alg": "ES256"}, claims, ECKey.import_key(self.key))}

    def saml(self) -> Any:
        """Return a SAML assertion for the token endpoint about the user who signs in."""
        user = check_password(request.form.get("username", ""), request.form.get("password", ""))
        if user is None:
            return {"error": "The user name or the password is wrong."}, 401
        assertion = self.assertion(user.get_id(), url_for("oauth.token", _external=True))
        return {"assertion": urlsafe_b64encode(assertion).rstrip(b"=").decode()}

    def assertion(self, subject: str, token_endpoint: str) -> bytes:
        """A signed SAML assertion about a user (RFC 7522 section 3)."""
        saml = ElementMaker(namespace=SAML, nsmap={"saml": SAML})
        identity, now, until = f"_{secrets.token_hex(16)}", instant(), instant(LIFETIME)
        confirmation = saml.SubjectConfirmation(
            saml.SubjectConfirmationData(Recipient=token_endpoint, NotOnOrAfter=until),
            Method="urn:oasis:names:tc:SAML:2.0:cm:bearer",
        )
        audience = saml.AudienceRestriction(saml.Audience(token_endpoint))
        attribute = saml.Attribute(saml.AttributeValue("Meteorology"), Name="department")
        root = saml.Assertion(
            saml.Issuer(NAME),
            saml.Subject(saml.NameID(subject), confirmation),
            saml.Conditions(audience, NotBefore=now, NotOnOrAfter=until),
            saml.AttributeStatement(attribute),
            ID=identity,
            Version="2.0",
            IssueInstant=now,
        )
        signer = XMLSigner(signature_algorithm="ecdsa-sha256", digest_algorithm="sha256", c14n_algorithm=EXCLUSIVE)
        signed = signer.sign(root, key=self.key, cert=self.certificate, reference_uri=f"#{identity}", id_attribute="ID")
        text: bytes = etree.tostring(signed)
        return text


def instant(later: timedelta = timedelta()) -> str:
    """Write a time in SAML's format."""
    return f"{datetime.now(UTC) + later:%Y-%m-%dT%H:%M:%SZ}"

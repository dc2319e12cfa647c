"""The demo's certificate authority, a throw-away one: it is made at each start, and signs for whoever asks.

A real one is a company's own, or a bank's directory, and looks at whom it signs for.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from flask import Blueprint, request

LIFETIME = timedelta(days=1)


class CertificateAuthority:
    """A key and its certificate, which the app trusts (`OAUTH_MTLS_CA`)."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Throw-away authority")])
        builder = between(x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number()))
        self._certificate = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def certificate(self) -> str:
        """Return its own certificate, in PEM."""
        return pem(self._certificate)

    def blueprint(self) -> Blueprint:
        """`POST /ca/sign` gives a certificate for a request of PKCS #10."""
        blueprint = Blueprint("ca", __name__, url_prefix="/ca")
        blueprint.add_url_rule("/sign", view_func=self.sign, methods=["POST"])
        return blueprint

    def sign(self) -> Any:
        """Return a certificate for the key and the names in a request."""
        try:
            asked = x509.load_pem_x509_csr(request.form.get("csr", "").encode())
            names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except (ValueError, x509.ExtensionNotFound):
            return {"error": "This is no request for a certificate, or has no names in it."}, 400
        if not asked.is_signature_valid:
            return {"error": "Whoever asks doesn't have the key."}, 400
        builder = between(
            x509.CertificateBuilder(
                self._certificate.subject, asked.subject, asked.public_key(), x509.random_serial_number()
            )
        )
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            builder.add_extension(names.value, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return {"certificate": pem(certificate)}


def between(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    """Set the days on which a certificate is good."""
    now = datetime.now(UTC)
    return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + LIFETIME)


def usage(*, signs_certificates: bool = False) -> x509.KeyUsage:
    """Return what a key may be used for."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=False,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def asking_for(name: str) -> str:
    """Make a key, and return a request for its certificate with this name: what a client does."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder(subject)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    asked = builder.sign(key, hashes.SHA256())
    return asked.public_bytes(serialization.Encoding.PEM).decode()

"""Clients' certificates, and a throw-away CA that signs them: by cryptography alone."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
Extensions = Sequence[tuple[x509.ExtensionType, bool]]


class Held:
    """A certificate with its private key, in every form that a test may want."""

    def __init__(self, certificate: x509.Certificate, key: Any) -> None:
        self.certificate = certificate
        self.key = key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def private_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def escaped(self) -> str:
        """As nginx's `$ssl_client_escaped_cert` has it."""
        return quote(self.pem, safe="")

    @property
    def base64(self) -> str:
        return b64encode(self.der).decode()

    @property
    def thumbprint(self) -> str:
        """`x5t#S256`."""
        return urlsafe_b64encode(sha256(self.der).digest()).rstrip(b"=").decode()

    @property
    def hash(self) -> str:
        """As Envoy's `Hash` has it."""
        return sha256(self.der).hexdigest()

    def xfcc(self, *before: str, after: str = "") -> str:
        """As Envoy writes it: pairs before and after the certificate."""
        return ";".join([*before, f"Hash={self.hash}", f'Cert="{self.escaped}"']) + after


class Ca(Held):
    """Signs clients' certificates, and further CAs below it."""

    def __init__(
        self,
        name: str = "Throw-away CA",
        *,
        above: Ca | None = None,
        usage: bool = True,
        extensions: Extensions = (),
        **more: Any,
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        wanted = [(x509.BasicConstraints(ca=True, path_length=None), True), *extensions]
        if usage:
            wanted.append((_SIGNS, True))
        super().__init__(certify(distinguished(CN=name), key, above, extensions=wanted, **more), key)

    def client(self, name: x509.Name | str = "client", *, san: Sequence[x509.GeneralName] = (), **more: Any) -> Held:
        """A client's certificate, for `clientAuth` where nothing else is said."""
        return client_certificate(self, name, san=san, **more)


def self_signed(name: x509.Name | str = "client", **more: Any) -> Held:
    """A client's certificate that only its own key has signed."""
    return client_certificate(None, name, **more)


def client_certificate(
    ca: Held | None,
    name: x509.Name | str,
    *,
    san: Sequence[x509.GeneralName] = (),
    usages: Sequence[x509.ObjectIdentifier] = (CLIENT,),
    key: Any = None,
    extensions: Extensions = (),
    **more: Any,
) -> Held:
    """A certificate as it is asked for; `since` and `until` are days from now."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = distinguished(CN=name) if isinstance(name, str) else name
    wanted = [*extensions]
    if san:
        wanted.append((x509.SubjectAlternativeName(san), False))
    if usages:
        wanted.append((x509.ExtendedKeyUsage(usages), False))
    return Held(certify(subject, key, ca, extensions=wanted, **more), key)


def certify(
    subject: x509.Name, key: Any, by: Held | None, *, extensions: Extensions = (), since: float = -1, until: float = 90
) -> x509.Certificate:
    """A certificate for a key, by a CA or by the key itself."""
    now = datetime.now(UTC)
    issuer = subject if by is None else by.certificate.subject
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now + timedelta(days=since)).not_valid_after(now + timedelta(days=until))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signs = key if by is None else by.key
    return builder.sign(signs, None if isinstance(signs, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def distinguished(**values: str) -> x509.Name:
    """A name of these attributes, from the most general to the most particular, as it stands in a certificate."""
    return x509.Name([x509.NameAttribute(_TYPES[name], value) for name, value in values.items()])


_TYPES = {
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "ID": NameOID.ORGANIZATION_IDENTIFIER,
    "EMAIL": NameOID.EMAIL_ADDRESS,
}
_SIGNS = x509.KeyUsage(
    digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip

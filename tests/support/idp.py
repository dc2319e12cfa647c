"""An identity provider made at run time: its keys and certificates, and what it asserts, signed by signxml or by hand."""

import re
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLSigner, methods

NAME = "https://idp.example/saml"
SERVER = "http://localhost"
TOKEN_ENDPOINT = f"{SERVER}/oauth/token"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = f"{DS}enveloped-signature"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
NS = {
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "ds": DS,
}
Key = Any


@cache
def rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    """One of this run's RSA keys: each takes a while to make."""
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key(curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


def certificate_of(key: Key, *, since: float = -1, until: float = 30) -> x509.Certificate:
    """A self-signed certificate, valid from and to so many days from now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now + timedelta(days=since)).not_valid_after(now + timedelta(days=until))
    return builder.sign(key, hashes.SHA256())


def pem(thing: Any) -> str:
    """A certificate or a private key as PEM."""
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM).decode()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return thing.private_bytes(*form).decode()


def at(seconds: float) -> str:
    """A time so many seconds from now, as SAML writes it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def timed(xml: str, name: str, seconds: float, which: int = 0) -> str:
    """`xml` with the first (0) or the last (-1) of its times of that name moved to so many seconds from now."""
    found = list(re.finditer(f' {name}="([^"]*)"', xml))[which]
    return xml[: found.start(1)] + at(seconds) + xml[found.end(1) :]


def new_id() -> str:
    return f"_{secrets.token_hex(16)}"


def encode(xml: str | bytes) -> str:
    """As the grant takes it: base64url without padding."""
    return urlsafe_b64encode(xml if isinstance(xml, bytes) else xml.encode()).rstrip(b"=").decode()


def tree(xml: str | bytes) -> etree._Element:
    return etree.fromstring(xml if isinstance(xml, bytes) else xml.encode())


def text(element: etree._Element) -> str:
    return etree.tostring(element, encoding="unicode")


def assertion(
    *,
    identity: str | None = None,
    issuer: str = NAME,
    subject: str = "alice",
    audience: str = SERVER,
    recipient: str = TOKEN_ENDPOINT,
    lifetime: float = 120,
    attributes: dict[str, Sequence[str]] | None = None,
) -> str:
    """An assertion that lacks nothing but its signature."""
    statements = "".join(
        f'<saml:Attribute Name="{name}">'
        + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
        + "</saml:Attribute>"
        for name, values in (attributes or {}).items()
    )
    return (
        f'<saml:Assertion xmlns:saml="{NS["saml"]}" ID="{identity or new_id()}" Version="2.0" IssueInstant="{at(0)}">'
        f"<saml:Issuer>{issuer}</saml:Issuer>"
        f'<saml:Subject><saml:NameID Format="{EMAIL}">{subject}</saml:NameID>'
        '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
        f'<saml:SubjectConfirmationData Recipient="{recipient}" NotOnOrAfter="{at(lifetime)}"/>'
        "</saml:SubjectConfirmation></saml:Subject>"
        f'<saml:Conditions NotBefore="{at(-5)}" NotOnOrAfter="{at(lifetime)}">'
        f"<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>"
        "</saml:Conditions>"
        f'<saml:AuthnStatement AuthnInstant="{at(-5)}"><saml:AuthnContext><saml:AuthnContextClassRef>'
        "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
        "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
        + (f"<saml:AttributeStatement>{statements}</saml:AttributeStatement>" if statements else "")
        + "</saml:Assertion>"
    )


def response(within: str, *, issuer: str = NAME, status: str = "Success") -> str:
    """A Response, not signed, around an assertion."""
    return (
        f'<samlp:Response xmlns:samlp="{NS["samlp"]}" ID="{new_id()}" Version="2.0" IssueInstant="{at(0)}">'
        f'<saml:Issuer xmlns:saml="{NS["saml"]}">{issuer}</saml:Issuer><samlp:Status>'
        f'<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status>{within}</samlp:Response>'
    )


def metadata(*entities: tuple[str, str, x509.Certificate], role: str = "IDPSSODescriptor") -> str:
    """Metadata of entities: name, `use` of the key (empty: not said) and certificate of each."""
    described = "".join(
        f'<md:EntityDescriptor entityID="{name}"><md:{role} protocolSupportEnumeration="{NS["samlp"]}"><md:KeyDescriptor'
        f'{use and f" use={use!r}"}><ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data><ds:X509Certificate>'
        f"{b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()}</ds:X509Certificate></ds:X509Data>"
        f"</ds:KeyInfo></md:KeyDescriptor></md:{role}></md:EntityDescriptor>"
        for name, use, certificate in entities
    )
    return f'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{described}</md:EntitiesDescriptor>'


def metadata_of(
    *descriptors: Sequence[x509.Certificate | bytes], name: str = NAME, about: str = "", about_role: str = ""
) -> str:
    """Metadata of one identity provider, with a KeyDescriptor for each list of certificates (bytes: as they are).

    `about` and `about_role` are further attributes.
    """
    data = (
        "".join(f"<ds:X509Certificate>{b64encode(each).decode()}</ds:X509Certificate>" for each in map(_der, listed))
        for listed in descriptors
    )
    described = "".join(
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data>{each}</ds:X509Data></ds:KeyInfo>'
        "</md:KeyDescriptor>"
        for each in data
    )
    role = f'<md:IDPSSODescriptor protocolSupportEnumeration="{NS["samlp"]}" {about_role}>{described}</md:IDPSSODescriptor>'
    start = f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{name}" {about}>'
    return f"{start}{role}</md:EntityDescriptor>"


def _der(thing: x509.Certificate | bytes) -> bytes:
    return thing if isinstance(thing, bytes) else thing.public_bytes(serialization.Encoding.DER)


@dataclass
class Idp:
    """A key with its certificate, and how it signs."""

    name: str = NAME
    key: Key = field(default_factory=rsa_key)
    certificate: x509.Certificate = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.certificate is None:
            self.certificate = certificate_of(self.key)

    @property
    def entry(self) -> dict[str, Any]:
        """Its entry in OAUTH_SAML_ISSUERS."""
        return {"certificates": [pem(self.certificate)], "client_id": "partner"}

    def sign(self, xml: str, **how: str) -> str:
        """The root of `xml`, signed by signxml."""
        root = tree(xml)
        kind = "ecdsa" if isinstance(self.key, ec.EllipticCurvePrivateKey) else "rsa"
        signer = XMLSigner(
            method=methods.enveloped,
            signature_algorithm=how.get("algorithm", f"{kind}-sha256"),
            digest_algorithm=how.get("digest", "sha256"),
            c14n_algorithm=how.get("c14n", EXCLUSIVE),
        )
        reference = f"#{root.get('ID')}"
        signed = signer.sign(root, key=self.key, cert=pem(self.certificate), reference_uri=reference, id_attribute="ID")
        return text(signed)

    def signed(self, **about: Any) -> str:
        """A signed assertion of this identity provider."""
        return self.sign(assertion(**{"issuer": self.name} | about))


def reference(
    uri: str,
    digest: bytes,
    *,
    transforms: Sequence[str] = (ENVELOPED, EXCLUSIVE),
    digest_method: str = SHA256,
    inside: str = "",
) -> str:
    """A ds:Reference; `inside` stands in each of its transforms."""
    listed = "".join(f'<ds:Transform Algorithm="{each}">{inside}</ds:Transform>' for each in transforms)
    return (
        f'<ds:Reference URI="{uri}">{f"<ds:Transforms>{listed}</ds:Transforms>" if listed else ""}'
        f'<ds:DigestMethod Algorithm="{digest_method}"/><ds:DigestValue>{b64encode(digest).decode()}</ds:DigestValue>'
        "</ds:Reference>"
    )


def digest_of(element: etree._Element, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    """The digest of an element in exclusive canonical form."""
    made = hashes.Hash(algorithm or hashes.SHA256())
    made.update(etree.tostring(element, method="c14n", exclusive=True))
    return made.finalize()


def by_rsa(key: rsa.RSAPrivateKey, algorithm: hashes.HashAlgorithm | None = None) -> Callable[[bytes], bytes]:
    return lambda data: key.sign(data, padding.PKCS1v15(), algorithm or hashes.SHA256())


def sign_by_hand(
    xml: str,
    sign: Callable[[bytes], bytes],
    *,
    references: Sequence[str] | None = None,
    method: str = RSA_SHA256,
    canonical: str = EXCLUSIVE,
    key_info: str = "",
    more: str = "",
) -> str:
    """The root of `xml` with a signature in which everything can be what it shouldn't; `more` follows its KeyInfo."""
    root = tree(xml)
    if references is None:
        references = [reference(f"#{root.get('ID')}", digest_of(root))]
    signature = tree(
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{canonical}"/>'
        f'<ds:SignatureMethod Algorithm="{method}"/>{"".join(references)}</ds:SignedInfo><ds:SignatureValue/>'
        f"{f'<ds:KeyInfo>{key_info}</ds:KeyInfo>' if key_info else ''}{more}</ds:Signature>"
    )
    exclusive = canonical.startswith(EXCLUSIVE)
    signed_info = etree.tostring(signature[0], method="c14n", exclusive=exclusive)
    signature[1].text = b64encode(sign(signed_info)).decode()
    root.insert(1, signature)
    return text(root)


def signed_with_sha1(idp: Idp, *, method: bool = True, digest: bool = True) -> str:
    """An assertion whose signature, or digest, is by SHA-1; signxml would make none."""
    sha1 = hashes.SHA1()  # noqa: S303
    root = tree(assertion(issuer=idp.name))
    made, digest_method = (digest_of(root, sha1), f"{DS}sha1") if digest else (digest_of(root), SHA256)
    listed = [reference(f"#{root.get('ID')}", made, digest_method=digest_method)]
    sign = by_rsa(idp.key, sha1 if method else None)
    return sign_by_hand(text(root), sign, references=listed, method=f"{DS}rsa-sha1" if method else RSA_SHA256)

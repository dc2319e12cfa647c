"""Verifies SAML assertions of the issuers of `OAUTH_SAML_ISSUERS`, and of clients with a certificate."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from lxml import etree

from ..config.checks import ConfigurationError, boolean, names, optional_text, positive
from ..crypto.certificates import certificate_of, certificates_of, pem_bytes, private_key_of
from ..errors import shown
from .assertion import MAX_LIFETIME, Assertion, AssertionRefused
from .certificate_chains import of_one_key, without_issuers
from .jwt import TrustedIssuer
from .saml import check_saml
from .saml_encryption import decrypt
from .saml_xml import SIGNATURE, Document, decode, parse, signed_assertion

if TYPE_CHECKING:
    from ..stores.clients import ClientStore
    from ..stores.registered_client import Client

METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
KEYS = (
    "certificates", "metadata", "audience", "recipient", "scopes", "max_lifetime", "client_id", "decryption_key",
    "allow_sha1", "attributes",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlIssuer(TrustedIssuer):
    """An issuer of SAML assertions, with its certificates: several while they roll over.

    `decryption_keys` are our own private keys, for whose certificates the issuer encrypts.
    """

    certificates: tuple[x509.Certificate, ...]
    recipient: frozenset[str] | None = None
    decryption_keys: tuple[RSAPrivateKey, ...] = ()
    allow_sha1: bool = False
    attributes: frozenset[str] = frozenset()


def load_saml_issuers(
    configured: Mapping[str, Any], scopes: Container[str], reserved: Container[str]
) -> dict[str, SamlIssuer]:
    """Load the issuers of `OAUTH_SAML_ISSUERS`, and parse their certificates. `scopes` are all scopes of the server.

    `reserved` are names that no attribute of a token can have. Raises `ConfigurationError`.
    """
    issuers = {}
    for name, entry in configured.items():
        key = f"OAUTH_SAML_ISSUERS[{name!r}]"
        issuers[name] = issuer = _load(key, name, entry)
        for scope in issuer.scopes or ():
            if scope not in scopes:
                raise ConfigurationError(f"{key}['scopes']", scope, "names from OAUTH_SCOPES")
        for attribute in issuer.attributes:
            if attribute in reserved:
                raise ConfigurationError(
                    f"{key}['attributes']", attribute, "names that the protocol doesn't use itself"
                )
    return issuers


def issuer_of_client(client: Client) -> SamlIssuer | None:
    """A client as the issuer of its own assertions, with its registered certificate; `None` where it has none."""
    if client.certificate is None:
        return None
    try:
        certificate = _parse(client.certificate)
    except ValueError:
        return None
    return SamlIssuer(issuer=client.client_id, certificates=(certificate,), client_id=client.client_id, is_client=True)


class SamlAssertions:
    """Verifies SAML assertions of the configured issuers, and of clients with a certificate. `skew` is in seconds."""

    def __init__(self, issuers: Mapping[str, SamlIssuer], clients: ClientStore, *, skew: int) -> None:
        self.issuers = issuers
        self._clients = clients
        self._skew = skew

    def verify(self, text: str, audience: frozenset[str], recipient: frozenset[str]) -> tuple[Assertion, SamlIssuer]:
        """Verify the signature and the rules of a trusted issuer's SAML assertion. Raises `AssertionRefused`."""
        document = parse(decode(text))
        element, trusted = (self._decrypted if document.is_encrypted else self._signed)(document)
        checked = check_saml(
            element,
            issuer=trusted.issuer,
            audience=trusted.audience or audience,
            recipient=trusted.recipient or recipient,
            skew=self._skew,
            max_lifetime=trusted.max_lifetime,
            decryption_keys=trusted.decryption_keys,
        )
        return checked, trusted

    def _signed(self, document: Document) -> tuple[etree._Element, SamlIssuer]:
        """The element that the document's issuer has signed, and this issuer."""
        trusted = self._issuer_named(document.issuer)
        try:
            return signed_assertion(document, trusted.certificates, allow_sha1=trusted.allow_sha1), trusted
        except AssertionRefused:
            if not trusted.is_client:
                raise
        self._clients.forget(trusted.issuer)  # another process may have given the client a new certificate
        trusted = self._issuer_named(document.issuer)
        return signed_assertion(document, trusted.certificates), trusted

    def _decrypted(self, document: Document) -> tuple[etree._Element, SamlIssuer]:
        """The signed element of an encrypted assertion, and its issuer.

        The signature is in the encrypted text, or it is that of the Response around it, which is checked before
        decryption.
        """
        if not document.is_signed:
            keys = dict.fromkeys(key for each in self.issuers.values() for key in each.decryption_keys)
            encrypted = document.assertion
            return self._signed(parse(decrypt(encrypted, keys, is_verified=False), within=encrypted))
        encrypted, trusted = self._signed(document)
        within = parse(decrypt(encrypted, trusted.decryption_keys, is_verified=True), within=encrypted)
        if not within.is_signed:
            return within.assertion, trusted
        return signed_assertion(within, trusted.certificates, allow_sha1=trusted.allow_sha1), trusted

    def _issuer_named(self, name: str) -> SamlIssuer:
        """The issuer of this name: a configured one, or a client with a certificate. Raises `AssertionRefused`."""
        trusted = self.issuers.get(name)
        if trusted is None and name:
            client = self._clients.get(name)
            trusted = None if client is None else issuer_of_client(client)
        if trusted is None:
            raise AssertionRefused(f"its issuer {name[:200]!r} is not trusted here")
        return trusted


def _load(key: str, name: str, entry: Any) -> SamlIssuer:
    if not isinstance(entry, Mapping):
        raise ConfigurationError(key, entry, "a dict with certificates or metadata")
    for given in entry:
        if given not in KEYS:
            raise ConfigurationError(key, given, f"a dict with {', '.join(KEYS)}")
    if bool(entry.get("certificates")) == bool(entry.get("metadata")):
        raise ConfigurationError(key, sorted(entry), "a dict with either certificates or metadata")
    return SamlIssuer(
        issuer=name,
        certificates=_from_texts(key, entry) if entry.get("certificates") else _from_metadata(key, name, entry),
        audience=_names(key, entry, "audience"),
        recipient=_names(key, entry, "recipient"),
        scopes=_names(key, entry, "scopes"),
        max_lifetime=positive(f"{key}['max_lifetime']", entry.get("max_lifetime", MAX_LIFETIME)),
        client_id=optional_text(f"{key}['client_id']", entry.get("client_id")),
        allow_sha1=boolean(f"{key}['allow_sha1']", entry.get("allow_sha1", False)),
        decryption_keys=_decryption_keys(key, entry),
        attributes=_names(key, entry, "attributes") or frozenset(),
    )


def _names(key: str, entry: Mapping[str, Any], name: str) -> frozenset[str] | None:
    return frozenset(names(f"{key}[{name!r}]", entry[name])) if name in entry else None


def _from_texts(key: str, entry: Mapping[str, Any]) -> tuple[x509.Certificate, ...]:
    """The configured certificates: PEM texts, or the paths of files with them."""
    given = entry["certificates"]
    try:
        texts = [certificates_of(pem) for pem in _pems(given)]
        return tuple(dict.fromkeys(_usable(each) for text in texts for each in without_issuers(text)))
    except (ValueError, TypeError, OSError) as error:
        raise ConfigurationError(
            f"{key}['certificates']", given, f"PEM texts or their paths ({_reason(error)})"
        ) from None


def _decryption_keys(key: str, entry: Mapping[str, Any]) -> tuple[RSAPrivateKey, ...]:
    """Our private keys, from PEM texts or the paths of files with them. No error message shows them."""
    try:
        found = tuple(private_key_of(pem) for pem in _pems(entry.get("decryption_key") or ()))
    except (ValueError, TypeError, OSError) as error:
        reason = _reason(error) if isinstance(error, OSError) else "not PEM, or with a passphrase"
        raise ConfigurationError(f"{key}['decryption_key']", reason, "a PEM private key, or its path") from None
    usable = tuple(each for each in found if isinstance(each, RSAPrivateKey))
    if len(usable) != len(found):
        raise ConfigurationError(f"{key}['decryption_key']", "a key of another kind", "an RSA private key")
    return usable


def _pems(given: Any) -> list[bytes]:
    texts = [given] if isinstance(given, (str, Path)) else given
    return [str(text).encode() if "-----BEGIN" in str(text) else Path(text).read_bytes() for text in texts]


def _reason(error: Exception) -> str:
    """Why something can't be read, without the file's name: that may be a key which was taken for a path."""
    return str(error.strerror if isinstance(error, OSError) else error)


def _usable(certificate: x509.Certificate) -> x509.Certificate:
    if not isinstance(certificate.public_key(), (RSAPublicKey, EllipticCurvePublicKey)):
        raise ValueError("a certificate's key is neither RSA nor EC")
    return certificate


def _from_metadata(key: str, name: str, entry: Mapping[str, Any]) -> tuple[x509.Certificate, ...]:
    """The signing certificates in an identity provider's metadata, XML or the path of a file (SAML metadata 2.4.1.1).

    Only the certificates of the entity with this name count, in its role as an identity provider: service providers
    sign no assertions. A KeyDescriptor is about one key: of a chain that stands in it, the entity's own certificate counts.
    """
    given = entry["metadata"]
    try:
        text = str(given).lstrip("\ufeff \t\r\n")
        data = text.encode() if text.startswith("<") else Path(given).read_bytes()
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        root = etree.fromstring(data, parser)
        found = [each for each in root.iter(f"{{{METADATA}}}EntityDescriptor") if each.get("entityID") == name]
        chains = [
            [_parse(node.text or "") for node in key_descriptor.iter(f"{{{SIGNATURE}}}X509Certificate")]
            for entity in found
            for key_descriptor in entity.iterfind(f"{{{METADATA}}}IDPSSODescriptor/{{{METADATA}}}KeyDescriptor")
            if key_descriptor.get("use", "signing") == "signing"
        ]
        certificates = [_usable(each) for chain in chains for each in of_one_key(chain)]
    except (ValueError, TypeError, OSError, etree.XMLSyntaxError) as error:
        raise ConfigurationError(
            f"{key}['metadata']", given, f"SAML metadata, or its path ({_reason(error)})"
        ) from None
    if not certificates:
        there = [str(each.get("entityID")) for each in root.iter(f"{{{METADATA}}}EntityDescriptor")]
        what = f"metadata of {', '.join(there[:3]) or 'nobody'}{' and others' if len(there) > 3 else ''}"
        raise ConfigurationError(f"{key}['metadata']", what, f"those of {shown(name)}, with a signing certificate")
    return tuple(dict.fromkeys(certificates))


@lru_cache(maxsize=256)
def _parse(text: str) -> x509.Certificate:
    """A certificate from PEM, or from bare base64 as in metadata."""
    if "BEGIN CERTIFICATE" not in text:
        text = f"-----BEGIN CERTIFICATE-----\n{text.strip()}\n-----END CERTIFICATE-----\n"
    return certificate_of(pem_bytes(text))

"""Who may vouch for a subject by SAML: the issuers of `OAUTH_SAML_ISSUERS`, and clients with a certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from lxml import etree

from .assertions import Assertion, AssertionRefused
from .config_checks import ConfigurationError, names, positive
from .issuers import MAX_LIFETIME, TrustedIssuer
from .saml import check_saml
from .saml_xml import SIGNATURE, decode, parse, signed_assertion

if TYPE_CHECKING:
    from .extension import State
    from .stores.clients import Client

METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
KEYS = (
    "certificates", "metadata", "audience", "recipient", "scopes", "max_lifetime", "client_id", "allow_sha1", "attributes",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlIssuer(TrustedIssuer):
    """An issuer of SAML assertions, and its certificates: several while they roll over."""

    certificates: tuple[x509.Certificate, ...]
    recipient: frozenset[str] | None = None
    allow_sha1: bool = False
    attributes: frozenset[str] = frozenset()


def load_saml_issuers(configured: Mapping[str, Any]) -> dict[str, SamlIssuer]:
    """The issuers of `OAUTH_SAML_ISSUERS`, their certificates parsed once. Raises `ConfigurationError`."""
    return {name: _load(f"OAUTH_SAML_ISSUERS[{name!r}]", name, entry) for name, entry in configured.items()}


def issuer_of_client(client: Client) -> SamlIssuer | None:
    """A registered client that signs for itself with the certificate it registered; `None` where it has none."""
    if client.certificate is None:
        return None
    try:
        certificate = _parse(client.certificate)
    except ValueError:
        return None
    return SamlIssuer(issuer=client.client_id, certificates=(certificate,), client_id=client.client_id, is_client=True)


def verify_saml(
    state: State, text: str, audience: frozenset[str], recipient: frozenset[str]
) -> tuple[Assertion, SamlIssuer]:
    """A SAML assertion of a trusted issuer: its signature and its rules. Raises `AssertionRefused`."""
    document = parse(decode(text))
    trusted = _issuer_named(state, document.issuer)
    element = signed_assertion(document, trusted.certificates, allow_sha1=trusted.allow_sha1)
    checked = check_saml(
        element,
        issuer=trusted.issuer,
        audience=trusted.audience or audience,
        recipient=trusted.recipient or recipient,
        skew=state.settings.clock_skew,
        max_lifetime=trusted.max_lifetime,
    )
    return checked, trusted


def _issuer_named(state: State, name: str) -> SamlIssuer:
    """An issuer of the configuration, or a client that signs for itself with its certificate."""
    trusted: SamlIssuer | None = state.saml_issuers.get(name)
    if trusted is None and name:
        client = state.clients.get(name)
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
        client_id=entry.get("client_id"),
        allow_sha1=bool(entry.get("allow_sha1", False)),
        attributes=_names(key, entry, "attributes") or frozenset(),
    )


def _names(key: str, entry: Mapping[str, Any], name: str) -> frozenset[str] | None:
    return frozenset(names(f"{key}[{name!r}]", entry[name])) if name in entry else None


def _from_texts(key: str, entry: Mapping[str, Any]) -> tuple[x509.Certificate, ...]:
    """PEM texts, or paths of files that hold them."""
    given = entry["certificates"]
    try:
        texts = [
            text if "BEGIN CERTIFICATE" in text else Path(text).read_text(encoding="ascii")
            for text in ([given] if isinstance(given, str) else given)
        ]
        return tuple(certificate for text in texts for certificate in x509.load_pem_x509_certificates(text.encode()))
    except (ValueError, TypeError, OSError) as error:
        raise ConfigurationError(f"{key}['certificates']", given, f"PEM texts or their paths ({error})") from error


def _from_metadata(key: str, name: str, entry: Mapping[str, Any]) -> tuple[x509.Certificate, ...]:
    """The signing certificates of an identity provider's metadata: XML, or the path of a file (SAML metadata 2.4.1.1)."""
    given = entry["metadata"]
    try:
        text = given if given.lstrip().startswith("<") else Path(given).read_text(encoding="utf-8")
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        root = etree.fromstring(text.encode(), parser)
        found = [each for each in root.iter(f"{{{METADATA}}}EntityDescriptor") if each.get("entityID") == name]
        certificates = tuple(
            _parse(node.text or "")
            for entity in found
            for key_descriptor in entity.iter(f"{{{METADATA}}}KeyDescriptor")
            if key_descriptor.get("use", "signing") == "signing"
            for node in key_descriptor.iter(f"{{{SIGNATURE}}}X509Certificate")
        )
    except (ValueError, OSError, AttributeError, etree.XMLSyntaxError) as error:
        raise ConfigurationError(f"{key}['metadata']", given, f"SAML metadata, or its path ({error})") from error
    if not certificates:
        raise ConfigurationError(f"{key}['metadata']", given, f"SAML metadata of {name!r} with a signing certificate")
    return certificates


@lru_cache(maxsize=256)
def _parse(text: str) -> x509.Certificate:
    """A certificate from PEM, or from the bare base64 that metadata has."""
    if "BEGIN CERTIFICATE" not in text:
        text = f"-----BEGIN CERTIFICATE-----\n{text.strip()}\n-----END CERTIFICATE-----\n"
    return x509.load_pem_x509_certificate(text.encode())

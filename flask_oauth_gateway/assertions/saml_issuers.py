"""Verifies SAML assertions of the issuers of `OAUTH_SAML_ISSUERS`, and of clients with a certificate."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from lxml import etree

from ..config.checks import ConfigurationError, boolean, check_keys, names, optional_text, positive
from ..crypto.certificates import certificates_of, private_key_of
from ..errors import shown
from .assertion import MAX_LIFETIME, Assertion, AssertionRefused
from .certificate_chains import signs_assertions, without_issuers
from .jwt import TrustedIssuer
from .saml import check_saml
from .saml_encryption import decrypt
from .saml_metadata import NEITHER, Metadata, NoPath, parse_certificate, path_of, read_metadata, reason_of
from .saml_xml import Document, decode, parse, signed_assertion

if TYPE_CHECKING:
    from ..stores.clients import ClientStore
    from ..stores.registered_client import Client

logger = logging.getLogger(__name__)

KEYS = (
    "certificates", "metadata", "audience", "recipient", "scopes", "max_lifetime", "client_id", "decryption_key",
    "allow_sha1", "attributes",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlIssuer(TrustedIssuer):
    """An issuer of SAML assertions, with its certificates: several while they roll over.

    `decryption_keys` are our own private keys, for whose certificates the issuer encrypts. `metadata` is what was read of
    its metadata, where it has some.
    """

    certificates: tuple[x509.Certificate, ...]
    recipient: frozenset[str] | None = None
    decryption_keys: tuple[RSAPrivateKey, ...] = ()
    allow_sha1: bool = False
    attributes: frozenset[str] = frozenset()
    metadata: Metadata | None = None

    @property
    def problem(self) -> str | None:
        """What is wrong with its metadata, for operators; `None` where nothing is."""
        if self.metadata is None:
            return None
        problems = [f"skipped {each}" for each in self.metadata.skipped]
        if self.has_old_metadata and self.metadata.valid_until is not None:
            problems.insert(0, f"its metadata was to be had anew by {self.metadata.valid_until:%Y-%m-%d} (validUntil)")
        return "; ".join(problems) or None

    @property
    def has_old_metadata(self) -> bool:
        """Whether its metadata is past the time until which it is valid."""
        until = None if self.metadata is None else self.metadata.valid_until
        return until is not None and until < datetime.now(UTC)


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
        if issuer.problem is not None:
            logger.warning("OAUTH_SAML_ISSUERS[%s]['metadata']: %s.", shown(name), issuer.problem)
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
        certificate = parse_certificate(client.certificate)
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
    check_keys(key, entry, KEYS)
    if bool(entry.get("certificates")) == bool(entry.get("metadata")):
        raise ConfigurationError(key, sorted(entry), "a dict with either certificates or metadata")
    metadata = read_metadata(f"{key}['metadata']", name, entry["metadata"]) if entry.get("metadata") else None
    return SamlIssuer(
        issuer=name,
        certificates=_from_texts(key, entry) if metadata is None else metadata.certificates,
        metadata=metadata,
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
    given, which = entry["certificates"], ""
    try:
        texts = []
        for each in _listed(given):
            which = "" if each is given else f"{shown(each, 80)}: "
            texts.append(certificates_of(_pem(each)))
        which = ""
        found = tuple(dict.fromkeys(each for text in texts for each in without_issuers(text)))
        if not all(map(signs_assertions, found)):
            raise ValueError(f"of one of them {NEITHER}")
        return found
    except (ValueError, TypeError, OSError) as error:
        raise ConfigurationError(
            f"{key}['certificates']", given, f"PEM texts or their paths ({which}{reason_of(error)})"
        ) from None


def _decryption_keys(key: str, entry: Mapping[str, Any]) -> tuple[RSAPrivateKey, ...]:
    """Our private keys, from PEM texts or the paths of files with them. No error message shows them."""
    try:
        found = tuple(private_key_of(_pem(each)) for each in _listed(entry.get("decryption_key") or ()))
    except (ValueError, TypeError, OSError) as error:
        is_safe = isinstance(error, (OSError, NoPath))
        reason = reason_of(error) if is_safe else "not PEM, or with a passphrase"
        raise ConfigurationError(f"{key}['decryption_key']", reason, "a PEM private key, or its path") from None
    usable = tuple(each for each in found if isinstance(each, RSAPrivateKey))
    if len(usable) != len(found):
        raise ConfigurationError(f"{key}['decryption_key']", "a key of another kind", "an RSA private key")
    return usable


def _listed(given: Any) -> Iterable[Any]:
    return [given] if isinstance(given, (str, Path)) else given


def _pem(given: Any) -> bytes:
    """A PEM text, or what is in the file at this path."""
    return str(given).encode() if "-----BEGIN" in str(given) else path_of(given).read_bytes()

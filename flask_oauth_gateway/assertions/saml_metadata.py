"""Reads the signing certificates of an identity provider from its metadata (SAML metadata, sections 2.3 and 2.4)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography import x509
from lxml import etree

from ..config.checks import ConfigurationError
from ..crypto.certificates import UnusableKey, certificate_of, pem_bytes
from ..errors import shown
from .certificate_chains import of_one_key, signs_assertions
from .saml_xml import SIGNATURE

METADATA = "urn:oasis:names:tc:SAML:2.0:metadata"
NS = {"md": METADATA, "ds": SIGNATURE}
NEITHER = "its key is neither RSA nor EC"
_ENTITIES = f"{{{METADATA}}}EntityDescriptor"
_IS_URL = re.compile(r"\s*https?://", re.IGNORECASE)
_BLANK = "\ufeff \t\r\n"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What counts of an identity provider's metadata. `skipped`: what can't be used of its certificates, and why.

    `valid_until`: when it is to be had anew (`validUntil`); `None` where it doesn't say.
    """

    certificates: tuple[x509.Certificate, ...]
    skipped: tuple[str, ...]
    valid_until: datetime | None


def read_metadata(key: str, name: str, given: Any) -> Metadata:
    """Read the metadata, XML or the path of a file, of the entity of this name. Raises `ConfigurationError` about `key`.

    Only the certificates of that entity count, in its role as an identity provider: service providers sign no assertions. A
    KeyDescriptor is about one key: of a chain that stands in it, the entity's own certificate counts.
    """
    try:
        root = _parsed(given)
    except (ValueError, TypeError, OSError, etree.XMLSyntaxError) as error:
        raise ConfigurationError(key, given, f"SAML metadata, or its path ({reason_of(error)})") from None
    entities = [each for each in root.iter(_ENTITIES) if each.get("entityID") == name]
    if not entities:
        there = list(dict.fromkeys(str(each.get("entityID")) for each in root.iter(_ENTITIES)))
        near = difflib.get_close_matches(name, there, n=3, cutoff=0)
        what = f"metadata of {', '.join(near) or 'nobody'}{' and others' if len(there) > len(near) else ''}"
        raise ConfigurationError(key, what, f"those of {shown(name)}, with a signing certificate")
    certificates: dict[x509.Certificate, None] = {}
    skipped: list[str] = []
    for number, described in enumerate(_key_descriptors(entities), 1):
        certificates |= dict.fromkeys(_own_certificates(described, f"KeyDescriptor {number}", skipped))
    if not certificates:
        why = "; ".join(skipped) or "an IDPSSODescriptor has none"
        raise ConfigurationError(
            key, f"metadata of {name}", f"those of an identity provider, with a signing certificate ({why})"
        )
    times = [time for entity in entities for time in _ends_of(entity)]
    return Metadata(tuple(certificates), tuple(skipped), min(times, default=None))


class NoPath(ValueError):
    """A URL stands where a file's path belongs."""


def path_of(given: Any) -> Path:
    """The path of a file. Raises `NoPath` for a URL, which is no path, and from which nothing is fetched."""
    if isinstance(given, str) and _IS_URL.match(given):
        raise NoPath("this is a URL, from which nothing is fetched: save what is there, and give the file's path")
    return Path(given)


def reason_of(error: Exception) -> str:
    """Why something can't be read, without the file's name: that may be a key which was taken for a path."""
    return str(error.strerror if isinstance(error, OSError) else error)


@lru_cache(maxsize=256)
def parse_certificate(text: str) -> x509.Certificate:
    """A certificate from PEM, or from bare base64 as in metadata. Raises `UnusableKey`."""
    if "BEGIN CERTIFICATE" not in text:
        text = f"-----BEGIN CERTIFICATE-----\n{text.strip()}\n-----END CERTIFICATE-----\n"
    return certificate_of(pem_bytes(text))


def _parsed(given: Any) -> etree._Element:
    """The root of the XML. A text that Python has read has no encoding any more, whatever its declaration says."""
    text = str(given).lstrip(_BLANK)
    is_text = text.startswith("<")
    data = text.encode() if is_text else path_of(given).read_bytes().removeprefix(b"\xef\xbb\xbf").lstrip()
    parser = etree.XMLParser(
        encoding="utf-8" if is_text else None, resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    return etree.fromstring(data, parser)


def _key_descriptors(entities: list[etree._Element]) -> Iterator[etree._Element]:
    for entity in entities:
        for each in entity.iterfind("md:IDPSSODescriptor/md:KeyDescriptor", NS):
            if each.get("use", "signing") == "signing":
                yield each


def _own_certificates(described: etree._Element, where: str, skipped: list[str]) -> list[x509.Certificate]:
    """The certificates of the one key that a KeyDescriptor is about, with what can't be used added to `skipped`."""
    texts = [node.text or "" for node in described.iter(f"{{{SIGNATURE}}}X509Certificate")]
    chain = []
    for number, text in enumerate(texts, 1):
        try:
            certificate = parse_certificate(text)
            certificate.issuer.rfc4514_string()  # cryptography parses it on first use
            chain.append(certificate)
        except ValueError as error:
            which = (
                f"certificate {number} of {len(texts)} in {where}" if len(texts) > 1 else f"the certificate in {where}"
            )
            skipped.append(f"{which}: {_why(error)}")
    own = of_one_key(chain, is_whole=len(chain) == len(texts))
    if chain and not own:
        skipped.append(f"{where}: which of its {len(texts)} certificates is the provider's own can't be told")
    usable = [each for each in own if signs_assertions(each)]
    if own and not usable:
        skipped.append(f"the certificate of {shown(own[0].subject.rfc4514_string())} in {where}: {NEITHER}")
    return usable


def _why(error: ValueError) -> str:
    return str(error) if isinstance(error, UnusableKey) else "its issuer's name can't be read"


def _ends_of(entity: etree._Element) -> Iterator[datetime]:
    """When the metadata of an entity end: its own, its role's, and those of every group that it stands in."""
    for each in (entity, *entity.iterancestors(), *entity.iterfind("md:IDPSSODescriptor", NS)):
        try:
            found = datetime.fromisoformat(each.get("validUntil") or "")
            yield found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            continue

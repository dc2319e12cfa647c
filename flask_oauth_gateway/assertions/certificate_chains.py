"""Finds an entity's own certificate in a chain. Its CA's key signs certificates, and must never vouch for a user itself."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

#: What `cryptography` raises for keys and signatures of kinds that it doesn't know.
_UNREADABLE = (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm)


def without_issuers(certificates: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The certificates that have issued none of the others."""
    return [each for each in certificates if not any(_has_issued(each, other) for other in certificates)]


def of_one_key(chain: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The certificates of the entity's own key in a chain: the last that was issued, or the first where that isn't clear.

    The order says nothing (XML signatures, section 4.5.4). A chain may lack what is between the root and the entity.
    """
    ends = without_issuers(chain) or list(chain)
    own = next((each for each in ends if not _is_authority(each)), ends[0] if ends else None)
    return [] if own is None else [each for each in chain if each == own or _have_one_key(each, own)]


def _has_issued(issuer: x509.Certificate, other: x509.Certificate) -> bool:
    """Whether one certificate has signed another one; not where both are of one key, as a renewed one is."""
    if issuer == other or issuer.subject != other.issuer or _have_one_key(issuer, other):
        return False
    try:
        other.verify_directly_issued_by(issuer)
    except _UNREADABLE:
        return False
    return True


def _have_one_key(one: x509.Certificate, other: x509.Certificate) -> bool:
    try:
        return bool(one.public_key() == other.public_key())
    except _UNREADABLE:
        return False


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (*_UNREADABLE, x509.ExtensionNotFound, x509.DuplicateExtension):
        return False

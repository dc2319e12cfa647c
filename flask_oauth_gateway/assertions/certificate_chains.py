"""Finds an entity's own certificate in a chain. Its CA's key signs certificates, and must never vouch for a user itself."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ..crypto.certificates import NO_EXTENSIONS

#: What `cryptography` raises for keys and signatures of kinds that it doesn't know.
_UNREADABLE = (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm)


def without_issuers(certificates: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The certificates that have issued none of the others."""
    return [each for each in certificates if not any(_has_issued(each, other) for other in certificates)]


def of_one_key(chain: Sequence[x509.Certificate], *, is_whole: bool = True) -> list[x509.Certificate]:
    """The certificates of the entity's own key in a chain: the last that was issued. None where it can't be told which it is.

    The order says nothing (XML signatures, section 4.5.4), and what is between the root and the entity may be missing.
    `is_whole`: all that stood in the chain is here. Otherwise the entity's own may be what is missing, and one counts only
    if it says that it is no authority.
    """
    ends = without_issuers(chain)
    found = [each for each in ends if _is_authority(each) is False]
    if not found and is_whole:
        found = [each for each in ends if _is_authority(each) is None] or ends
        # What signed itself is a root, where another one was issued by somebody who is not here.
        issued = [each for each in found if not _is_self_issued(each)]
        if len({each.issuer.public_bytes() for each in issued}) > 1:  # one of them may be on the way to another one
            return []
        found = issued or sorted(found, key=lambda each: not signs_assertions(each))
    return [each for each in chain if each == found[0] or _have_one_key(each, found[0])] if found else []


def signs_assertions(certificate: x509.Certificate) -> bool:
    """Whether a certificate's key is of a kind that assertions are signed with."""
    return isinstance(certificate.public_key(), (RSAPublicKey, EllipticCurvePublicKey))


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


def _is_self_issued(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer


def _is_authority(certificate: x509.Certificate) -> bool | None:
    """Whether a certificate says that it is an authority's; `None` where it doesn't say (RFC 5280 section 4.2.1.9)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return None
    except (*_UNREADABLE, *NO_EXTENSIONS):
        return True

"""Reads the certificates and PEM keys that others chose. Whatever is wrong with one is an `UnusableKey`."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

#: What cryptography raises for a key or certificate of a kind, curve or version that it doesn't know, or that is broken.
UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)
#: What it raises for extensions that it doesn't know or that are broken, and for one that isn't there.
NO_EXTENSIONS = (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.ExtensionNotFound)


class UnusableKey(ValueError):
    """The key can't be used. The message says why, and repeats nothing of it: it may be a private one."""


def pem_bytes(text: str) -> bytes:
    """A PEM text as bytes; empty where it is no text at all, which every reader refuses."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return b""


def certificate_of(pem: bytes) -> x509.Certificate:
    """The first certificate of a PEM text. Raises `UnusableKey`."""
    try:
        return _whole(x509.load_pem_x509_certificate(pem))
    except UNREADABLE as error:
        raise UnusableKey(_why(pem, "certificate")) from error


def certificate_of_der(der: bytes) -> x509.Certificate:
    """A certificate in DER, and nothing after it. Raises `UnusableKey`."""
    try:
        return _whole(x509.load_der_x509_certificate(der))
    except UNREADABLE as error:
        raise UnusableKey("it is no certificate, or its kind of key or version is unknown") from error


def certificates_of(pem: bytes) -> list[x509.Certificate]:
    """All certificates of a PEM text. Raises `UnusableKey`."""
    try:
        return [_whole(each) for each in x509.load_pem_x509_certificates(pem)]
    except UNREADABLE as error:
        raise UnusableKey(_why(pem, "certificate")) from error


def public_key_of(pem: bytes) -> Any:
    """The key of a PEM public key or X.509 certificate, of any kind. Raises `UnusableKey`."""
    if b"BEGIN CERTIFICATE" in pem:
        return certificate_of(pem).public_key()
    try:
        return load_pem_public_key(pem)
    except UNREADABLE as error:
        raise UnusableKey(_why(pem, "public key or certificate")) from error


def private_key_of(pem: bytes) -> Any:
    """A PEM private key without a passphrase, of any kind. Raises `UnusableKey`."""
    try:
        return load_pem_private_key(pem, None)
    except UNREADABLE as error:
        raise UnusableKey("it is not PEM, has a passphrase, or is of an unknown kind") from error


def _whole(certificate: x509.Certificate) -> x509.Certificate:
    """The certificate, with all that is ever read of it read once, as cryptography parses most of it on first use."""
    _ = certificate.public_key(), certificate.not_valid_before_utc, certificate.not_valid_after_utc
    certificate.subject.rfc4514_string()
    return certificate


def _why(pem: bytes, what: str) -> str:
    if b"PRIVATE KEY" in pem:
        return f"the PEM text is no {what}, but a private key"
    if b"-----BEGIN" in pem:
        return f"the PEM text is no {what}, or its kind of key or version is unknown"
    return f"the PEM text is no {what}"

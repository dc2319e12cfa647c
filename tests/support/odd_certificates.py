"""Certificates and keys that nobody can use here: of unknown kinds, versions and dates. They are changed from sound ones."""

import base64
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from tests.support.signing import dsa_key, rsa_key

RSA_OID = bytes.fromhex("06092a864886f70d010101")
UNKNOWN_OID = bytes.fromhex("06092a864886f70d010107")
P256_OID = bytes.fromhex("06082a8648ce3d030107")
SM2_OID = bytes.fromhex("06082a811ccf5501822d")
ML_DSA_OID = bytes.fromhex("0609608648016503040312")


@cache
def odd_certificates() -> dict[str, str]:
    """PEM certificates, each with what is odd about it."""
    rsa_der = _signed(_RSA.public_key())
    ec_der = _signed(ec.generate_private_key(ec.SECP256R1()).public_key())
    return {
        "X25519": _pem(_signed(x25519.X25519PrivateKey.generate().public_key())),
        "X448": _pem(_signed(x448.X448PrivateKey.generate().public_key())),
        "DSA": _pem(_signed(dsa_key().public_key())),
        "secp256k1": _pem(_signed(ec.generate_private_key(ec.SECP256K1()).public_key())),
        "RSA of 1024 bits": _pem(_signed(rsa_key(1024).public_key())),
        "SM2": _pem(_changed(ec_der, P256_OID, SM2_OID)),
        "unknown curve": _pem(_changed(ec_der, P256_OID, bytes.fromhex("06082a8648ce3d030163"))),
        "unknown kind": _pem(_changed(rsa_der, RSA_OID, UNKNOWN_OID)),
        "ML-DSA": _pem(_changed(rsa_der, RSA_OID, ML_DSA_OID)),
        "version 4": _pem(_changed(rsa_der, bytes.fromhex("a003020102"), bytes.fromhex("a003020103"))),
        "version 200": _pem(_changed(rsa_der, bytes.fromhex("a003020102"), bytes.fromhex("a003020148"))),
        "a 13th month": _pem(_changed(rsa_der, _UNTIL, _UNTIL[:2] + b"13" + _UNTIL[4:])),
        "a date of letters": _pem(_changed(rsa_der, _UNTIL, b"ABCDEFGHIJKLZ")),
        "a name that is no text": _pem(_changed(rsa_der, b"signer.example", b"signer.exampl\xff")),
        "cut off": _pem(rsa_der[:-20]),
        "nothing": _pem(b""),
        "no base64": "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        "no text": "-----BEGIN CERTIFICATE-----\n\ud800\n-----END CERTIFICATE-----\n",
    }


@cache
def odd_public_keys() -> dict[str, str]:
    """PEM public keys, each with what is odd about it."""
    rsa_der, ec_der = _public(_RSA), _public(ec.generate_private_key(ec.SECP256R1()))
    return {
        "X25519": _pem(_public(x25519.X25519PrivateKey.generate()), "PUBLIC KEY"),
        "DSA": _pem(_public(dsa_key()), "PUBLIC KEY"),
        "secp256k1": _pem(_public(ec.generate_private_key(ec.SECP256K1())), "PUBLIC KEY"),
        "SM2": _pem(_changed(ec_der, P256_OID, SM2_OID), "PUBLIC KEY"),
        "unknown kind": _pem(_changed(rsa_der, RSA_OID, UNKNOWN_OID), "PUBLIC KEY"),
        "ML-DSA": _pem(_changed(rsa_der, RSA_OID, ML_DSA_OID), "PUBLIC KEY"),
        "cut off": _pem(rsa_der[:-20], "PUBLIC KEY"),
    }


@cache
def odd_private_keys() -> dict[str, str]:
    """PEM private keys, each with what is odd about it."""
    der = _RSA.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    x25519_key = x25519.X25519PrivateKey.generate()
    return {
        "unknown kind": _pem(_changed(der, RSA_OID, UNKNOWN_OID), "PRIVATE KEY"),
        "X25519": _pem(x25519_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "PRIVATE KEY"),
        "cut off": _pem(der[:-20], "PRIVATE KEY"),
        "a passphrase": _pem(b"\x30\x03\x02\x01\x00", "ENCRYPTED PRIVATE KEY"),
    }


def bare(pem: str) -> str:
    """A certificate's base64, as SAML metadata have it."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


_RSA = rsa_key()
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_UNTIL = b"491231235959Z"


def _signed(public_key: object) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer.example")])
    until = datetime.strptime("491231235959", "%y%m%d%H%M%S").replace(tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, public_key, 1).not_valid_before(_NOW - timedelta(days=1))  # type: ignore[arg-type]
    return builder.not_valid_after(until).sign(_RSA, hashes.SHA256()).public_bytes(Encoding.DER)


def _public(key: object) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined, no-any-return]


def _changed(der: bytes, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new), (old, new)
    assert old in der
    return der.replace(old, new)


def _pem(der: bytes, kind: str = "CERTIFICATE") -> str:
    return f"-----BEGIN {kind}-----\n{base64.encodebytes(der).decode()}-----END {kind}-----\n"

"""Keys made at run time, and JWTs that they sign: by cryptography alone, so that any header and any payload is possible."""

import hmac
import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES: dict[str, tuple[str, ec.EllipticCurve, int]] = {
    "ES256": ("P-256", ec.SECP256R1(), 32),
    "ES384": ("P-384", ec.SECP384R1(), 48),
    "ES512": ("P-521", ec.SECP521R1(), 66),
    "ES256K": ("secp256k1", ec.SECP256K1(), 32),
}


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value: int, size: int | None = None) -> str:
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8))


@cache
def rsa_key(bits: int = 2048, which: int = 0) -> rsa.RSAPrivateKey:
    """One of this run's RSA keys: each takes a while to make."""
    return rsa.generate_private_key(65537, bits)


@cache
def dsa_key() -> dsa.DSAPrivateKey:
    """A key of a kind that is taken nowhere. Of 2048 bits it would take half a second to make."""
    return dsa.generate_private_key(1024)  # noqa: S505


class Signer:
    """A key, and the algorithm that it signs with."""

    def __init__(self, algorithm: str = "ES256", kid: str | None = "k1", key: Any = None) -> None:
        self.algorithm = algorithm
        self.kid = kid
        self.key = key if key is not None else new_key(algorithm)

    def jwk(self, **more: Any) -> dict[str, Any]:
        """The public key as a JWK (of HS256 the secret itself)."""
        found = {**public_jwk(self.key), **({} if self.kid is None else {"kid": self.kid}), **more}
        return {name: value for name, value in found.items() if value is not None}

    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.jwk()]}

    def pem(self) -> str:
        """The public key."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def private_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def certificate(self, *, since: float = -1, until: float = 30) -> str:
        """A self-signed certificate, valid from and to so many days from now."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signer.example")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now + timedelta(days=since)).not_valid_after(now + timedelta(days=until))
        digest = None if isinstance(self.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        return builder.sign(self.key, digest).public_bytes(Encoding.PEM).decode()

    def sign(self, claims: dict[str, Any] | bytes, /, **header: Any) -> str:
        """A JWT; a member of the header that is `None` is left out."""
        said = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid, **header}
        return token({name: value for name, value in said.items() if value is not None}, claims, self.signature)

    def signature(self, signed: bytes) -> bytes:
        return signature_of(self.key, self.algorithm, signed)


def token(header: dict[str, Any] | bytes, claims: dict[str, Any] | bytes, sign: Callable[[bytes], bytes]) -> str:
    """A JWT of whatever stands in it."""
    parts = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims))
    signed = ".".join(map(b64, parts))
    return f"{signed}.{b64(sign(signed.encode()))}"


def new_key(algorithm: str) -> Any:
    if algorithm.startswith("ES"):
        return ec.generate_private_key(CURVES[algorithm][1])
    if algorithm.startswith("HS"):
        return secrets.token_bytes(64)
    if algorithm == "Ed448":
        return ed448.Ed448PrivateKey.generate()
    return ed25519.Ed25519PrivateKey.generate() if algorithm.startswith("Ed") else rsa_key()


def signature_of(key: Any, algorithm: str, signed: bytes) -> bytes:
    digest = HASHES.get(algorithm[2:5], hashes.SHA256())
    if algorithm.startswith("HS"):
        return hmac.digest(key, signed, digest.name)
    if algorithm.startswith("ES"):
        r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(digest)))
        size = CURVES[algorithm][2]
        return r.to_bytes(size) + s.to_bytes(size)
    if algorithm.startswith("Ed"):
        return bytes(key.sign(signed))
    pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
    return bytes(key.sign(signed, pss if algorithm.startswith("PS") else padding.PKCS1v15(), digest))


def public_jwk(key: Any) -> dict[str, Any]:
    if isinstance(key, bytes):
        return {"kty": "oct", "k": b64(key)}
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    if isinstance(public, ec.EllipticCurvePublicKey):
        name, size = next((name, size) for name, curve, size in CURVES.values() if curve.name == public.curve.name)
        point = public.public_numbers()
        return {"kty": "EC", "crv": name, "x": number(point.x, size), "y": number(point.y, size)}
    curve = "Ed25519" if isinstance(public, ed25519.Ed25519PublicKey) else "Ed448"
    return {"kty": "OKP", "crv": curve, "x": b64(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}


def claims_of(issuer: str, audience: Any = "http://localhost/oauth/token", /, **changes: Any) -> dict[str, Any]:
    """What an assertion says, by default all that it should; a claim that is `None` is left out."""
    now = int(time.time())
    said = {
        "iss": issuer,
        "sub": "alice",
        "aud": audience,
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_hex(8),
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def kid_of(token: str) -> str:
    header = token.split(".", maxsplit=1)[0]
    return str(json.loads(unb64(header))["kid"])

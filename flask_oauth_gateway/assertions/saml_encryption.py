"""Decrypts SAML assertions and names (SAML core sections 2.2.4 and 2.3.4, XML Encryption 1.1): RSA-OAEP and AES.

AES-GCM detects a changed text. AES-CBC doesn't: an attacker who can tell, if only by the time it takes, whether a text
decrypts to XML, can read the text byte by byte (Jager, Somorovsky 2011). So CBC is decrypted only where the signature
of the Response around it was checked before. RSA with PKCS#1 v1.5 padding has the same weakness, and is never accepted.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from lxml import etree

from .assertion import AssertionRefused
from .saml_xml import SIGNATURE

XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
NS = {"xenc": XENC, "xenc11": XENC11, "ds": SIGNATURE}
MAX_KEYS = 8  # one for each of several recipients

#: The algorithms, each with the length of its key in bytes.
AUTHENTICATED = {f"{XENC11}aes128-gcm": 16, f"{XENC11}aes192-gcm": 24, f"{XENC11}aes256-gcm": 32}
UNAUTHENTICATED = {f"{XENC}aes128-cbc": 16, f"{XENC}aes192-cbc": 24, f"{XENC}aes256-cbc": 32}
KEY_ALGORITHMS = (f"{XENC}rsa-oaep-mgf1p", f"{XENC11}rsa-oaep")
_SHA1 = hashes.SHA1()  # noqa: S303  # XML Encryption's default; in OAEP it is no weakness
_DIGESTS: dict[str | None, hashes.HashAlgorithm] = {
    None: _SHA1,
    f"{SIGNATURE}sha1": _SHA1,
    f"{XENC}sha256": hashes.SHA256(),
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384(),
    f"{XENC}sha512": hashes.SHA512(),
}
_MASKS: dict[str | None, hashes.HashAlgorithm] = {
    None: _SHA1,
    f"{XENC11}mgf1sha1": _SHA1,
    f"{XENC11}mgf1sha256": hashes.SHA256(),
    f"{XENC11}mgf1sha384": hashes.SHA384(),
    f"{XENC11}mgf1sha512": hashes.SHA512(),
}


def decrypt(encrypted: etree._Element, keys: Iterable[RSAPrivateKey], *, is_verified: bool) -> bytes:
    """The text in an EncryptedAssertion or EncryptedID. Raises `AssertionRefused`.

    `is_verified`: a signature around it was checked. Of several recipients' keys, the one that is for us is used.
    """
    data = encrypted.findall("xenc:EncryptedData", NS)
    if len(data) != 1:
        raise AssertionRefused("it does not hold exactly one EncryptedData")
    algorithm = _algorithm(data[0])
    size = (AUTHENTICATED | UNAUTHENTICATED if is_verified else AUTHENTICATED).get(algorithm)
    if size is None:
        where = "" if is_verified else " outside of a signed Response"
        raise AssertionRefused(f"it is encrypted by {algorithm[:100]!r}, which is not taken{where}")
    sealed = _cipher_value(data[0])
    wrapped = encrypted.findall(".//xenc:EncryptedKey", NS)
    if not 1 <= len(wrapped) <= MAX_KEYS:
        raise AssertionRefused(f"it does not hold one to {MAX_KEYS} EncryptedKeys")
    privates, reasons = list(keys), []
    if not privates:
        raise AssertionRefused("it can't be decrypted: its issuer's entry has no decryption_key")
    for each in wrapped:
        try:
            padding, sealed_key = _oaep(each), _cipher_value(each)
        except AssertionRefused as error:  # another recipient's may be encrypted in a way that isn't taken here
            reasons.append(str(error))
            continue
        for private in privates:
            key = _unwrap(sealed_key, private, padding)
            if key is None or len(key) != size:
                continue
            text = _gcm(key, sealed) if algorithm in AUTHENTICATED else _cbc(key, sealed)
            if text is not None:
                return text
    why = f" ({reasons[0]})" if reasons else ""
    raise AssertionRefused(f"it can't be decrypted by the decryption_key of its issuer{why}")


def _oaep(wrapped: etree._Element) -> OAEP:
    """How an EncryptedKey is encrypted. Raises `AssertionRefused` for a way that isn't taken."""
    algorithm = _algorithm(wrapped)
    method = wrapped.find("xenc:EncryptionMethod", NS)
    if algorithm not in KEY_ALGORITHMS:
        raise AssertionRefused(f"its key is encrypted by {algorithm[:100]!r}, which is not taken")
    digest = _DIGESTS.get(_named(method, "ds:DigestMethod"))
    mask = _MASKS.get(_named(method, "xenc11:MGF") if algorithm.startswith(XENC11) else None)
    if digest is None or mask is None:
        raise AssertionRefused("its key is encrypted by a variant of OAEP that is not taken")
    return OAEP(MGF1(mask), digest, _decode(method.findtext("xenc:OAEPparams", namespaces=NS)) or None)


def _unwrap(sealed: bytes, private: RSAPrivateKey, padding: OAEP) -> bytes | None:
    """The AES key; `None` where it is for another recipient."""
    try:
        return private.decrypt(sealed, padding)
    except ValueError:
        return None


def _gcm(key: bytes, sealed: bytes) -> bytes | None:
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], None)
    except (InvalidTag, ValueError):
        return None


def _cbc(key: bytes, sealed: bytes) -> bytes | None:
    if len(sealed) < 32 or len(sealed) % 16:
        return None
    decryptor = Cipher(AES(key), CBC(sealed[:16])).decryptor()
    text = decryptor.update(sealed[16:]) + decryptor.finalize()
    return text[: -text[-1]] if 1 <= text[-1] <= 16 else None


def _algorithm(element: etree._Element) -> str:
    return _named(element, "xenc:EncryptionMethod") or ""


def _named(element: etree._Element, path: str) -> str | None:
    found = element.find(path, NS)
    return None if found is None else str(found.get("Algorithm") or "")


def _cipher_value(element: etree._Element) -> bytes:
    return _decode(element.findtext("xenc:CipherData/xenc:CipherValue", namespaces=NS))


def _decode(text: str | None) -> bytes:
    try:
        return b64decode("".join((text or "").split()), validate=True)
    except ValueError:
        raise AssertionRefused("what is encrypted in it is not base64") from None

"""Assertions and names that are encrypted for the server: by xmlsec1, and by hand where something is to be wrong."""

import os
import subprocess
from base64 import b64encode
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, AsymmetricPadding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tests.support.idp import DS, NS, rsa_key

XENC, XENC11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
GCM, CBC256, OAEP_MGF1P = f"{XENC11}aes256-gcm", f"{XENC}aes256-cbc", f"{XENC}rsa-oaep-mgf1p"
OURS = 3  # which of the run's keys is the server's own
SHA1 = hashes.SHA1()  # noqa: S303


def encrypt(
    xml: str,
    *,
    algorithm: str = GCM,
    transport: str = OAEP_MGF1P,
    about_key: str = "",
    padding: AsymmetricPadding | None = None,
    size: int = 32,
    recipient: int = OURS,
    spoil: bool = False,
    element: str = "EncryptedAssertion",
) -> str:
    """An EncryptedAssertion, or another element that holds an EncryptedData."""
    key, plain = os.urandom(size), xml.encode()
    if "gcm" in algorithm:
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(key).encrypt(nonce, plain, None)
    else:
        vector, missing = os.urandom(16), 16 - len(plain) % 16
        encryptor = Cipher(AES(key), CBC(vector)).encryptor()
        sealed = vector + encryptor.update(plain + bytes(missing - 1) + bytes([missing])) + encryptor.finalize()
    if spoil:
        sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    wrapped = rsa_key(recipient).public_key().encrypt(key, padding or OAEP(MGF1(SHA1), SHA1, None))
    texts = (b64encode(part).decode() for part in (wrapped, sealed))
    return held_in(element, encrypted_data(algorithm, transport, about_key, *texts))


def held_in(element: str, xml: str) -> str:
    return f'<saml:{element} xmlns:saml="{NS["saml"]}">{xml}</saml:{element}>'


def encrypted_data(algorithm: str, transport: str, about_key: str = "", wrapped: str = "", sealed: str = "") -> str:
    def cipher(value: str) -> str:
        return f"<xenc:CipherData><xenc:CipherValue>{value}</xenc:CipherValue></xenc:CipherData>"

    return (
        f'<xenc:EncryptedData xmlns:xenc="{XENC}" '
        f'Type="{XENC}Element"><xenc:EncryptionMethod Algorithm="{algorithm}"/><ds:KeyInfo xmlns:ds="{DS}">'
        f'<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{transport}">{about_key}</xenc:EncryptionMethod>'
        f"{cipher(wrapped)}</xenc:EncryptedKey></ds:KeyInfo>{cipher(sealed)}</xenc:EncryptedData>"
    )


def key_of(encrypted: str) -> str:
    """The EncryptedKey in it."""
    return encrypted[encrypted.index("<xenc:EncryptedKey>") : encrypted.index("</ds:KeyInfo>")]


def encrypted_by_xmlsec1(xml: str, algorithm: str, folder: Path, *, node: str = "Assertion") -> str:
    """`xml`, in which the first element of this name has been encrypted by xmlsec1 for the server."""
    document, template, key = folder / "document.xml", folder / "template.xml", folder / "public.pem"
    document.write_text(xml, encoding="utf-8")
    template.write_text(encrypted_data(algorithm, OAEP_MGF1P))
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    key.write_bytes(rsa_key(OURS).public_key().public_bytes(*form))
    size = "".join(digit for digit in algorithm.rpartition("#")[2] if digit.isdigit())
    command = ["xmlsec1", "--encrypt", "--pubkey-pem", str(key), "--session-key", f"aes-{size}", "--xml-data"]
    where = ["--node-name", f"{NS['saml']}:{node}", str(template)]
    done = subprocess.run([*command, str(document), *where], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"<saml:{node} " not in done.stdout
    return done.stdout

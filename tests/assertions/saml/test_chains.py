"""Chains of certificates in an identity provider's metadata or file: its own key counts, never that of its CA."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from tests.support.idp import DS, NAME, Idp, certificate_of, metadata, pem, rsa_key
from tests.support.relying import Relying
from tests.support.signing import dsa_key

Make = Callable[..., Relying]
ROOT, MIDDLE, OWN, OTHER = (rsa_key(number) for number in range(4))


def issued(name: str, key: Any, by: str, signer: Any, *, authority: bool) -> x509.Certificate:
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (by, name)]
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(*names, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(30))
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    return builder.sign(signer, hashes.SHA256())


root = issued("Root", ROOT, "Root", ROOT, authority=True)
middle = issued("Middle", MIDDLE, "Root", ROOT, authority=True)
own = issued("idp.example", OWN, "Middle", MIDDLE, authority=False)


def described(*chains: list[x509.Certificate]) -> str:
    """Metadata with a KeyDescriptor for each chain."""
    plain = metadata((NAME, "signing", certificate_of(OWN)))
    start, end = plain.index("<md:KeyDescriptor"), plain.index("</md:IDPSSODescriptor>")
    data = (
        "".join(
            f"<ds:X509Certificate>{b64encode(each.public_bytes(serialization.Encoding.DER)).decode()}</ds:X509Certificate>"
            for each in chain
        )
        for chain in chains
    )
    described = "".join(
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data>{each}</ds:X509Data></ds:KeyInfo>'
        "</md:KeyDescriptor>"
        for each in data
    )
    return plain[:start] + described + plain[end:]


def relying_on(make_relying: Make, *chains: list[x509.Certificate]) -> Relying:
    return make_relying({NAME: {"metadata": described(*chains), "client_id": "partner"}})


def check(relying: Relying, *, trusted: list[Any], untrusted: list[Any]) -> None:
    for key in trusted:
        assert relying.accepts(Idp(key=key).signed())
    for key in untrusted:
        assert "signature is wrong" in relying.refuses(Idp(key=key).signed())


@pytest.mark.parametrize(
    "chain", [*permutations([root, middle, own]), (root, own), (own, root), (own, middle)], ids=str
)
def test_of_a_chain_the_entity_s_own_key_is_trusted_in_any_order(
    make_relying: Make, chain: tuple[x509.Certificate, ...]
) -> None:
    check(relying_on(make_relying, list(chain)), trusted=[OWN], untrusted=[ROOT, MIDDLE])


def test_each_key_descriptor_has_a_key_of_its_own(make_relying: Make) -> None:
    next_one = issued("idp.example", OTHER, "Middle", MIDDLE, authority=False)
    relying = relying_on(make_relying, [own, middle, root], [middle, next_one])
    check(relying, trusted=[OWN, OTHER], untrusted=[ROOT, MIDDLE])


def test_of_certificates_that_are_no_chain_the_first_is_the_entity_s(make_relying: Make) -> None:
    both = [certificate_of(OWN), certificate_of(OTHER)]
    check(relying_on(make_relying, both), trusted=[OWN], untrusted=[OTHER])
    check(relying_on(make_relying, [both[0]], [both[1]]), trusted=[OWN, OTHER], untrusted=[])


def test_a_certificate_that_stands_alone_may_call_itself_an_authority(make_relying: Make) -> None:
    check(relying_on(make_relying, [root]), trusted=[ROOT], untrusted=[OWN])


def test_a_renewed_certificate_of_the_same_key_is_no_issuer_of_the_old_one(make_relying: Make) -> None:
    check(relying_on(make_relying, [certificate_of(OWN, until=0), certificate_of(OWN)]), trusted=[OWN], untrusted=[])


def test_an_authority_s_key_may_be_of_a_kind_that_signs_no_assertion(make_relying: Make) -> None:
    signer = dsa_key()
    authority = issued("Old root", signer, "Old root", signer, authority=True)
    leaf = issued("idp.example", OWN, "Old root", signer, authority=False)
    check(relying_on(make_relying, [authority, leaf]), trusted=[OWN], untrusted=[ROOT])


def test_a_file_with_the_whole_chain_is_that_of_its_last_link(make_relying: Make) -> None:
    for chain in ([own, middle, root], [root, middle, own]):
        text = "".join(map(pem, chain))
        relying = make_relying({NAME: {"certificates": text, "client_id": "partner"}})
        check(relying, trusted=[OWN], untrusted=[ROOT, MIDDLE])
    rolled = "".join(map(pem, [certificate_of(OWN), certificate_of(OTHER), certificate_of(OWN)]))
    relying = make_relying({NAME: {"certificates": rolled, "client_id": "partner"}})
    check(relying, trusted=[OWN, OTHER], untrusted=[ROOT])

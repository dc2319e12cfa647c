"""Chains of certificates in an identity provider's metadata or file: its own key counts, never that of its CA."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from flask_oauth_gateway import ConfigurationError
from tests.support.idp import NAME, Idp, certificate_of, metadata_of, pem, rsa_key
from tests.support.relying import Relying
from tests.support.signing import dsa_key

Make = Callable[..., Relying]
ROOT, MIDDLE, OWN, OTHER = (rsa_key(number) for number in range(4))


def issued(name: str, key: Any, by: str, signer: Any, *, authority: bool | None) -> x509.Certificate:
    """A certificate; `authority`: whether it says that it is one, or `None` where it doesn't say."""
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (by, name)]
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(*names, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(30))
    if authority is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    return builder.sign(signer, hashes.SHA256())


root = issued("Root", ROOT, "Root", ROOT, authority=True)
middle = issued("Middle", MIDDLE, "Root", ROOT, authority=True)
own = issued("idp.example", OWN, "Middle", MIDDLE, authority=False)


def relying_on(make_relying: Make, *chains: list[Any]) -> Relying:
    return make_relying({NAME: {"metadata": metadata_of(*chains), "client_id": "partner"}})


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


@pytest.mark.parametrize("of_root", [None, True])
@pytest.mark.parametrize("of_own", [None, False])
@pytest.mark.parametrize("root_first", [True, False])
def test_a_chain_without_its_middle_is_that_of_what_another_one_issued(
    make_relying: Make, of_root: bool | None, of_own: bool | None, root_first: bool
) -> None:
    chain = [
        issued("Root", ROOT, "Root", ROOT, authority=of_root),
        issued("idp.example", OWN, "Middle", MIDDLE, authority=of_own),
    ]
    check(relying_on(make_relying, chain if root_first else chain[::-1]), trusted=[OWN], untrusted=[ROOT, MIDDLE])


def test_where_it_cannot_be_told_which_is_the_last_none_is_trusted(
    make_relying: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Both were issued by what is missing, and neither says what it is: one may be the other's authority."""
    chain = [
        issued("Middle", MIDDLE, "Root", ROOT, authority=None),
        issued("idp.example", OWN, "Other middle", OTHER, authority=None),
    ]
    for given in (chain, chain[::-1]):
        relying = relying_on(make_relying, given, [certificate_of(OTHER)])
        assert "which of its 2 certificates is the provider's own can't be told" in caplog.text
        check(relying, trusted=[OTHER], untrusted=[MIDDLE, OWN])
        with pytest.raises(ConfigurationError, match="is the provider's own can't be told"):
            relying_on(make_relying, given)


@pytest.mark.parametrize("authority", [None, False, True])
@pytest.mark.parametrize("rest", ["root", "middle"])
def test_beside_one_that_cannot_be_read_only_what_says_that_it_is_no_authority_is_trusted(
    make_relying: Make, authority: bool | None, rest: str
) -> None:
    """What can't be read may be the provider's own."""
    other = issued(rest, ROOT, rest if rest == "root" else "Root", ROOT, authority=authority)
    for chain in ([other, b"0\x82\x01\x00"], [b"0\x82\x01\x00", other]):
        relying = relying_on(make_relying, chain, [certificate_of(OTHER)])
        check(relying, trusted=[OTHER], untrusted=[])
        if authority is False:
            check(relying, trusted=[ROOT], untrusted=[])
        else:
            check(relying, trusted=[], untrusted=[ROOT])


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

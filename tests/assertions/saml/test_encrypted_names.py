"""An EncryptedID: whom a signed assertion is about is told to us alone (SAML core section 2.2.4)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from tests.support.encrypted import CBC256, GCM, OURS, XENC, encrypt, encrypted_by_xmlsec1, key_of
from tests.support.idp import EMAIL, NAME, NS, Idp, assertion, pem, response, rsa_key
from tests.support.relying import Relying

NAME_ID = f'<saml:NameID xmlns:saml="{NS["saml"]}" Format="{EMAIL}">alice</saml:NameID>'
PLAIN = f'<saml:NameID Format="{EMAIL}">alice</saml:NameID>'


@pytest.fixture
def relying(make_relying: Callable[..., Relying], idp: Idp) -> Relying:
    return make_relying({NAME: idp.entry | {"decryption_key": pem(rsa_key(OURS))}})


def about(name: str, **how: object) -> str:
    """An assertion, not signed, about whom only we can read."""
    return assertion().replace(PLAIN, encrypt(name, element="EncryptedID", **how))  # type: ignore[arg-type]


@pytest.mark.xmlsec1
@pytest.mark.parametrize("algorithm", [GCM, CBC256])
@pytest.mark.parametrize("around", [str, response])
def test_by_xmlsec1(relying: Relying, idp: Idp, algorithm: str, around: Callable[[str], str], tmp_path: Path) -> None:
    held = assertion().replace(PLAIN, f"<saml:EncryptedID>{PLAIN}</saml:EncryptedID>")
    made = encrypted_by_xmlsec1(held, algorithm, tmp_path, node="NameID").removeprefix('<?xml version="1.0"?>\n')
    assert relying.accepts(idp.sign(around(made)))["subject"] == "alice"


@pytest.mark.parametrize("name", [NAME_ID, PLAIN, NAME_ID.replace("alice", "ali<!-- -->ce")])
def test_it_is_the_subject(relying: Relying, idp: Idp, name: str) -> None:
    assert relying.accepts(idp.sign(about(name)))["subject"] == "alice"


def test_within_an_encrypted_assertion(relying: Relying, idp: Idp) -> None:
    assert relying.accepts(encrypt(idp.sign(about(NAME_ID))))["subject"] == "alice"


def test_for_several_recipients(relying: Relying, idp: Idp) -> None:
    xml = about(NAME_ID)
    other = key_of(encrypt("x", recipient=2)).replace("rsa-oaep-mgf1p", "rsa-1_5")
    assert relying.accepts(idp.sign(xml.replace(key_of(xml), other + key_of(xml))))["subject"] == "alice"


def test_nothing_is_decrypted_before_the_signature_was_checked(relying: Relying) -> None:
    """Whoever could have texts of their own decrypted would read those of others."""
    for algorithm in (GCM, CBC256):
        assert "Signature verification failed" in relying.refuses(
            Idp(key=rsa_key(1)).sign(about("x", algorithm=algorithm))
        )
        assert "not signed" in relying.refuses(about("x", algorithm=algorithm))


@pytest.mark.parametrize(
    "held",
    [
        "", "alice", "<saml:NameID", NAME_ID * 2, NAME_ID + "x", NAME_ID.replace("alice", "ali<?a?>ce"), f"<!DOCTYPE a>{NAME_ID}",
        NAME_ID.replace("NameID", "BaseID"), f"<saml:Subject>{NAME_ID}</saml:Subject>", assertion(),
        NAME_ID.replace(NS["saml"], "urn:x"), NAME_ID + "</shell><shell>",
    ],
)  # fmt: skip
def test_what_is_no_name_within(relying: Relying, idp: Idp, held: str) -> None:
    assert relying.refuses(idp.sign(about(held))).startswith("its Subject is an EncryptedID: ")


@pytest.mark.parametrize("held", ["alice\u00a0", "ali&#10;ce", "a" * 256, "<b/>", " "])
def test_a_name_within_is_held_to_the_same_rules(relying: Relying, idp: Idp, held: str) -> None:
    assert "NameID is not a text" in relying.refuses(idp.sign(about(NAME_ID.replace("alice", held))))


def test_one_that_is_not_for_us(relying: Relying, make_relying: Callable[..., Relying], idp: Idp) -> None:
    why = "its Subject is an EncryptedID: it can't be decrypted by the decryption_key of its issuer"
    assert relying.refuses(idp.sign(about(NAME_ID, recipient=2))) == why
    assert relying.refuses(idp.sign(about(NAME_ID, spoil=True))) == why
    by_pkcs1 = about(NAME_ID, transport=f"{XENC}rsa-1_5", padding=PKCS1v15())
    assert relying.refuses(idp.sign(by_pkcs1)).endswith("rsa-1_5', which is not taken)")
    without = make_relying({NAME: idp.entry})
    assert without.refuses(idp.sign(about(NAME_ID))).endswith(": its issuer's entry has no decryption_key")


@pytest.mark.parametrize("beside", [NAME_ID, "<saml:BaseID/>", encrypt(NAME_ID, element="EncryptedID")])
def test_a_second_one_beside_it(relying: Relying, idp: Idp, beside: str) -> None:
    xml = about(NAME_ID).replace("</saml:EncryptedID>", f"</saml:EncryptedID>{beside}", 1)
    assert "something else than one NameID or EncryptedID (EncryptedID " in relying.refuses(idp.sign(xml))

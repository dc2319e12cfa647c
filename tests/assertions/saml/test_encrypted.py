"""Encrypted assertions: by Debian's xmlsec1, and by hand where something is to be wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, AsymmetricPadding, PKCS1v15

from tests.support.encrypted import (
    CBC256,
    GCM,
    OAEP_MGF1P,
    OURS,
    SHA1,
    XENC,
    XENC11,
    encrypt,
    encrypted_by_xmlsec1,
    held_in,
    key_of,
)
from tests.support.idp import NAME, NS, SHA256, Idp, assertion, pem, response, rsa_key
from tests.support.relying import Relying

Make = Callable[..., Relying]


@pytest.fixture
def relying(make_relying: Make, idp: Idp) -> Relying:
    return make_relying({NAME: idp.entry | {"decryption_key": pem(rsa_key(OURS))}})


@pytest.mark.xmlsec1
class TestXmlsec1:
    @pytest.mark.parametrize("size", [128, 256])
    def test_alone_and_in_a_response(self, relying: Relying, idp: Idp, size: int, tmp_path: Path) -> None:
        algorithm = f"{XENC11}aes{size}-gcm"
        assert (
            relying.accepts(encrypted_by_xmlsec1(held_in("EncryptedAssertion", idp.signed()), algorithm, tmp_path))[
                "subject"
            ]
            == "alice"
        )
        assert (
            relying.accepts(
                encrypted_by_xmlsec1(response(held_in("EncryptedAssertion", idp.signed())), algorithm, tmp_path)
            )["subject"]
            == "alice"
        )

    @pytest.mark.parametrize("algorithm", [GCM, CBC256, f"{XENC}aes128-cbc"])
    @pytest.mark.parametrize("signed_within", [True, False])
    def test_in_a_signed_response(
        self, relying: Relying, idp: Idp, algorithm: str, signed_within: bool, tmp_path: Path
    ) -> None:
        held = held_in("EncryptedAssertion", idp.signed() if signed_within else assertion())
        assert (
            relying.accepts(idp.sign(encrypted_by_xmlsec1(response(held), algorithm, tmp_path)))["subject"] == "alice"
        )


class TestWhatIsTaken:
    @pytest.mark.parametrize(
        ("transport", "about_key", "padding"),
        [
            (OAEP_MGF1P, f'<ds:DigestMethod Algorithm="{SHA256}"/>', OAEP(MGF1(SHA1), hashes.SHA256(), None)),
            (
                f"{XENC11}rsa-oaep",
                f'<ds:DigestMethod Algorithm="{SHA256}"/><x:MGF xmlns:x="{XENC11}" Algorithm="{XENC11}mgf1sha256"/>',
                OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None),
            ),
            (OAEP_MGF1P, "<xenc:OAEPparams>bGFiZWw=</xenc:OAEPparams>", OAEP(MGF1(SHA1), SHA1, b"label")),
        ],
    )
    def test_oaep(self, relying: Relying, idp: Idp, transport: str, about_key: str, padding: AsymmetricPadding) -> None:
        made = encrypt(idp.signed(), transport=transport, about_key=about_key, padding=padding)
        assert relying.accepts(made)["subject"] == "alice"

    def test_a_key_that_rolls_over_and_comes_from_a_file(self, make_relying: Make, idp: Idp, tmp_path: Path) -> None:
        path = tmp_path / "old.pem"
        path.write_text(pem(rsa_key(2)))
        relying = make_relying({NAME: idp.entry | {"decryption_key": [pem(rsa_key(OURS)), str(path)]}})
        assert relying.accepts(encrypt(idp.signed()))
        assert relying.accepts(encrypt(idp.signed(), recipient=2))

    def test_namespaces_of_what_is_around_it(self, relying: Relying, idp: Idp) -> None:
        bare = idp.signed().replace(f' xmlns:saml="{NS["saml"]}"', "", 1)
        assert relying.accepts(encrypt(bare))

    @pytest.mark.parametrize("ours_first", [True, False])
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("", ""),
            (OAEP_MGF1P, f"{XENC}rsa-1_5"),
            (OAEP_MGF1P, f"{XENC}kw-aes256"),
            (f'Algorithm="{OAEP_MGF1P}">', f'Algorithm="{OAEP_MGF1P}"><ds:DigestMethod Algorithm="urn:none"/>'),
            ("<xenc:CipherValue>", "<xenc:CipherValue>%"),
            ("xenc:CipherData", "xenc:Other"),
            ("xenc:EncryptionMethod", "xenc:Other"),
        ],
    )
    def test_for_several_of_whom_others_have_keys_that_are_not_taken_here(
        self, relying: Relying, idp: Idp, old: str, new: str, ours_first: bool
    ) -> None:
        made = encrypt(idp.signed())
        ours, others = key_of(made), key_of(encrypt("x", recipient=2)).replace(old, new) * 3
        assert relying.accepts(made.replace(ours, ours + others if ours_first else others + ours))

    def test_for_several_whose_keys_stand_beside_the_data(self, relying: Relying, idp: Idp) -> None:
        made = encrypt(idp.signed())
        keys = key_of(encrypt("x", recipient=2)) + key_of(made)
        keys = keys.replace("<xenc:EncryptedKey>", f'<xenc:EncryptedKey xmlns:xenc="{XENC}" Recipient="urn:x">')
        aside = made.replace(key_of(made), "<ds:KeyName>x</ds:KeyName>")
        assert relying.accepts(aside.replace("</saml:EncryptedAssertion>", f"{keys}</saml:EncryptedAssertion>"))


class TestWhatIsRefused:
    def test_without_a_decryption_key(self, make_relying: Make, idp: Idp) -> None:
        relying = make_relying({NAME: idp.entry})
        for made in (encrypt(idp.signed()), idp.sign(response(encrypt(idp.signed())))):
            assert relying.refuses(made) == "it can't be decrypted: its issuer's entry has no decryption_key"

    def test_for_somebody_else(self, relying: Relying, idp: Idp) -> None:
        assert "can't be decrypted" in relying.refuses(encrypt(idp.signed(), recipient=2))

    def test_that_is_not_signed(self, relying: Relying) -> None:
        """Anybody can encrypt for us: the certificate is public."""
        assert "not signed" in relying.refuses(encrypt(assertion()))
        assert "not signed" in relying.refuses(response(encrypt(assertion())))

    def test_signed_by_somebody_else(self, relying: Relying) -> None:
        evil = Idp(key=rsa_key(1))
        assert "Signature verification failed" in relying.refuses(encrypt(evil.signed()))
        assert "Signature verification failed" in relying.refuses(evil.sign(response(encrypt(evil.signed()))))

    def test_cbc_is_not_looked_into_before_a_signature_was_checked(self, relying: Relying, idp: Idp) -> None:
        """Whoever could tell what decrypts to XML from what doesn't would read it."""
        for spoil in (False, True):
            for made in (encrypt(idp.signed(), algorithm=CBC256, spoil=spoil),) * 2:
                assert "outside of a signed Response" in relying.refuses(made)
                assert "outside of a signed Response" in relying.refuses(response(made))
        evil = Idp(key=rsa_key(1))
        made = evil.sign(response(encrypt(idp.signed(), algorithm=CBC256)))
        assert "Signature verification failed" in relying.refuses(made)

    def test_gcm_that_was_changed(self, relying: Relying, idp: Idp) -> None:
        assert "can't be decrypted" in relying.refuses(encrypt(idp.signed(), spoil=True))

    def test_rsa_with_pkcs1_padding(self, relying: Relying, idp: Idp) -> None:
        made = encrypt(idp.signed(), transport=f"{XENC}rsa-1_5", padding=PKCS1v15())
        assert "rsa-1_5', which is not taken" in relying.refuses(made)

    @pytest.mark.parametrize("algorithm", [f"{XENC}tripledes-cbc", "urn:none", "", f"{XENC}aes256-cbc-x"])
    def test_other_algorithms(self, relying: Relying, idp: Idp, algorithm: str) -> None:
        made = encrypt(idp.signed()).replace(GCM, algorithm)
        assert "which is not taken" in relying.refuses(made)
        assert "which is not taken" in relying.refuses(idp.sign(response(made)))

    def test_a_key_of_another_size(self, relying: Relying, idp: Idp) -> None:
        assert "can't be decrypted" in relying.refuses(encrypt(idp.signed(), size=16))

    @pytest.mark.parametrize(
        "held",
        [
            "",
            "no XML",
            lambda idp: idp.signed() * 2,
            lambda idp: idp.signed() + "x",
            lambda idp: "x" + idp.signed(),
            lambda idp: response(idp.signed()),
            lambda idp: encrypt(idp.signed()),
            lambda idp: idp.signed() + "</shell><shell>",
            lambda idp: "</shell>" + idp.signed() + "<shell>",
            lambda idp: idp.signed().replace("alice", "ali<?a?>ce"),
            lambda idp: "<!DOCTYPE a>" + idp.signed(),
            lambda idp: "<?xml version='1.0'?>" + idp.signed(),
            lambda idp: idp.signed().replace("alice", "ali\0ce"),
        ],
    )  # fmt: skip
    def test_what_is_no_assertion_within(self, relying: Relying, idp: Idp, held: Callable[[Idp], str] | str) -> None:
        text = held(idp) if callable(held) else held
        assert relying.refuses(encrypt(text))
        assert relying.refuses(idp.sign(response(encrypt(text, algorithm=CBC256))))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("xenc:EncryptedKey>", "xenc:Else>"),
            ("<xenc:CipherValue>", "<xenc:CipherValue>%"),
            ("<xenc:CipherValue>", "<xenc:CipherReference URI='file:///etc/passwd'/><xenc:CipherValue>A"),
            ("xenc:EncryptedData", "xenc:Other"),
            ("xenc:CipherData", "xenc:Other"),
            ("xenc:EncryptionMethod", "xenc:Other"),
            (OAEP_MGF1P, f"{XENC11}rsa-oaep-none"),
            (f'Algorithm="{OAEP_MGF1P}">', f'Algorithm="{OAEP_MGF1P}"><ds:DigestMethod Algorithm="urn:none"/>'),
        ],
    )
    def test_what_is_malformed(self, relying: Relying, idp: Idp, old: str, new: str) -> None:
        made = encrypt(idp.signed())
        changed = made.replace(old, new)
        assert changed != made
        assert relying.refuses(changed)

    def test_many_keys(self, relying: Relying, idp: Idp) -> None:
        """Each costs an RSA operation."""
        made = encrypt(idp.signed())
        assert "one to 8 EncryptedKeys" in relying.refuses(made.replace(key_of(made), key_of(made) * 9))

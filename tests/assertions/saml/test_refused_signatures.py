"""Signatures that prove nothing, or prove something else than they seem to."""

import hmac
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from signxml.verifier import XMLVerifier

from tests.support.idp import (
    DS,
    ENVELOPED,
    EXCLUSIVE,
    NAME,
    NS,
    SHA256,
    Idp,
    assertion,
    by_rsa,
    certificate_of,
    digest_of,
    ec_key,
    pem,
    reference,
    response,
    rsa_key,
    sign_by_hand,
    signed_with_sha1,
    text,
    tree,
)  # fmt: skip
from tests.support.relying import Relying
from tests.support.signing import dsa_key

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
TRANSFORMS = "other transforms than enveloped-signature"


def test_none(relying: Relying) -> None:
    assert "not signed" in relying.refuses(assertion())
    assert "not signed" in relying.refuses(response(assertion()))


def test_by_hand_is_accepted_where_all_is_well(relying: Relying, idp: Idp) -> None:
    """What the cases below differ from."""
    assert relying.accepts(sign_by_hand(assertion(), by_rsa(idp.key)))


class TestKeys:
    def test_another_key(self, relying: Relying) -> None:
        assert "Signature verification failed" in relying.refuses(Idp(key=rsa_key(1)).signed())

    def test_the_certificate_that_comes_along(self, relying: Relying, idp: Idp) -> None:
        """Whoever writes an assertion can put their own certificate, or ours, into it."""
        evil = Idp(key=rsa_key(1))
        assert "X509Certificate" in evil.signed()
        assert "Signature verification failed" in relying.refuses(evil.signed())
        claimed = Idp(key=evil.key, certificate=idp.certificate)
        assert "Signature verification failed" in relying.refuses(claimed.signed())

    def test_a_key_value(self, relying: Relying) -> None:
        key = rsa_key(1)
        numbers = key.public_key().public_numbers()
        value = (
            f"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{b64encode(numbers.n.to_bytes(256)).decode()}</ds:Modulus>"
            "<ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"
        )
        assert "Signature verification failed" in relying.refuses(
            sign_by_hand(assertion(), by_rsa(key), key_info=value)
        )

    @pytest.mark.parametrize("secret", ["pem", "der", "key", "empty"])
    def test_an_hmac_with_what_everybody_knows(self, relying: Relying, idp: Idp, secret: str) -> None:
        der = serialization.Encoding.DER
        known = {
            "pem": pem(idp.certificate).encode(),
            "der": idp.certificate.public_bytes(der),
            "key": idp.key.public_key().public_bytes(der, serialization.PublicFormat.SubjectPublicKeyInfo),
            "empty": b"",
        }[secret]
        xml = sign_by_hand(assertion(), lambda data: hmac.digest(known, data, "sha256"), method=f"{MORE}hmac-sha256")
        assert "HMAC_SHA256 forbidden" in relying.refuses(xml)

    def test_dsa(self, make_relying: Callable[..., Relying], relying: Relying) -> None:
        key = dsa_key()
        made = sign_by_hand(
            assertion(),
            lambda data: key.sign(data, hashes.SHA256()),
            method="http://www.w3.org/2009/xmldsig11#dsa-sha256",
        )
        assert "DSA_SHA256 forbidden" in relying.refuses(made)

    def test_rsa_said_to_be_ecdsa(self, relying: Relying, idp: Idp) -> None:
        made = sign_by_hand(assertion(), by_rsa(idp.key), method=f"{MORE}ecdsa-sha256")
        assert "signature is wrong" in relying.refuses(made)
        assert "signature is wrong" in relying.refuses(Idp(key=ec_key()).signed())

    @pytest.mark.parametrize(("since", "until", "reason"), [(-9, -1, "has expired"), (1, 9, "is not yet valid")])
    def test_a_certificate_out_of_its_time(
        self, make_relying: Callable[..., Relying], since: float, until: float, reason: str
    ) -> None:
        idp = Idp(certificate=certificate_of(rsa_key(), since=since, until=until))
        assert reason in make_relying({NAME: idp.entry}).refuses(idp.signed())

    def test_of_another_subject_within_one_response(self, relying: Relying, idp: Idp) -> None:
        """Both must hold: a good assertion in a Response that somebody else signed is not what the issuer sent."""
        evil = Idp(key=rsa_key(1))
        assert "Signature verification failed" in relying.refuses(evil.sign(response(idp.signed())))
        assert "Signature verification failed" in relying.refuses(idp.sign(response(evil.signed())))


class TestAlgorithms:
    @pytest.mark.parametrize(("method", "digest"), [(True, True), (True, False), (False, True)])
    def test_sha1_unless_the_entry_lets_it(self, relying: Relying, idp: Idp, method: bool, digest: bool) -> None:
        assert "SHA1 forbidden" in relying.refuses(signed_with_sha1(idp, method=method, digest=digest))

    @pytest.mark.parametrize(
        "method", [f"{MORE}rsa-md5", f"{MORE}rsa-sha224", "urn:none", "", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"]
    )
    def test_other_signature_methods(self, relying: Relying, idp: Idp, method: str) -> None:
        assert "signature is wrong" in relying.refuses(sign_by_hand(assertion(), by_rsa(idp.key), method=method))

    @pytest.mark.parametrize("digest", [f"{MORE}md5", f"{MORE}sha224", "urn:none", ""])
    def test_other_digests(self, relying: Relying, idp: Idp, digest: str) -> None:
        assert "signature is wrong" in relying.refuses(signed(idp, digest_method=digest))

    @pytest.mark.parametrize("canonical", ["http://www.w3.org/2010/xml-c14n2", "urn:none", "", f"{ENVELOPED}#c14n"])
    def test_other_canonicalisations(self, relying: Relying, idp: Idp, canonical: str) -> None:
        made = sign_by_hand(assertion(), by_rsa(idp.key), canonical=canonical)
        assert "another canonicalisation" in relying.refuses(made)
        assert TRANSFORMS in relying.refuses(signed(idp, transforms=[ENVELOPED, canonical]))


def signed(idp: Idp, uri: str | None = None, **how: Any) -> str:
    """An assertion signed by the right key, with one reference that is made as said."""
    xml = assertion()
    root = tree(xml)
    target = f"#{root.get('ID')}" if uri is None else uri
    return sign_by_hand(xml, by_rsa(idp.key), references=[reference(target, digest_of(root), **how)])


class TestReferences:
    @pytest.mark.parametrize(
        "transforms",
        [
            [],
            [EXCLUSIVE],
            [EXCLUSIVE, ENVELOPED],
            [ENVELOPED, EXCLUSIVE, EXCLUSIVE],
            [ENVELOPED, ENVELOPED, EXCLUSIVE],
            [ENVELOPED, EXCLUSIVE, "urn:none"],
            [ENVELOPED, f"{DS}base64", EXCLUSIVE],
            [ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116", EXCLUSIVE],
            [ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116", EXCLUSIVE],
            [ENVELOPED, "http://www.w3.org/2002/06/xmldsig-filter2", EXCLUSIVE],
        ],
    )
    def test_transforms_that_are_not_samls(self, relying: Relying, idp: Idp, transforms: list[str]) -> None:
        assert TRANSFORMS in relying.refuses(signed(idp, transforms=transforms))

    def test_an_xpath_inside_a_transform_that_is_samls(self, relying: Relying, idp: Idp) -> None:
        assert TRANSFORMS in relying.refuses(signed(idp, inside="<ds:XPath>not(ancestor::saml:Subject)</ds:XPath>"))

    @pytest.mark.parametrize(
        "uri",
        ["", "#", "#other", "other", "https://idp.example/assertion.xml", "file:///etc/passwd", "#xpointer(/)",
         "#xpointer(id('_1'))", "##_1"],
    )  # fmt: skip
    def test_a_reference_to_something_else(self, relying: Relying, idp: Idp, uri: str) -> None:
        assert "does not refer to the element" in relying.refuses(signed(idp, uri))

    def test_two_references(self, relying: Relying, idp: Idp) -> None:
        xml = assertion()
        both = [reference(f"#{tree(xml).get('ID')}", digest_of(tree(xml)))] * 2
        assert "exactly one reference" in relying.refuses(sign_by_hand(xml, by_rsa(idp.key), references=both))

    def test_no_reference(self, relying: Relying, idp: Idp) -> None:
        assert "exactly one reference" in relying.refuses(sign_by_hand(assertion(), by_rsa(idp.key), references=[]))

    def test_a_reference_to_a_part(self, relying: Relying, idp: Idp) -> None:
        root = tree(assertion().replace("<saml:Issuer>", '<saml:Issuer ID="part">'))
        listed = [reference("#part", digest_of(root[0]))]
        made = sign_by_hand(text(root), by_rsa(idp.key), references=listed)
        assert "does not refer to the element" in relying.refuses(made)

    @pytest.mark.parametrize("identity", ["", "#x", "a b", "a'b", "a/b", "é" * 300])
    def test_an_id_that_is_none(self, relying: Relying, idp: Idp, identity: str) -> None:
        xml = assertion(identity="placeholder").replace('ID="placeholder"', f'ID="{identity}"')
        root = tree(xml)
        made = sign_by_hand(xml, by_rsa(idp.key), references=[reference(f"#{identity}", digest_of(root))])
        assert "does not refer to the element" in relying.refuses(made)

    def test_an_object(self, relying: Relying, idp: Idp) -> None:
        made = sign_by_hand(assertion(), by_rsa(idp.key), more="<ds:Object>anything</ds:Object>")
        assert "holds an Object" in relying.refuses(made)

    def test_a_manifest(self, relying: Relying, idp: Idp) -> None:
        listed = reference("#other", bytes(32), digest_method=SHA256)
        made = sign_by_hand(
            assertion(), by_rsa(idp.key), more=f"<ds:Object><ds:Manifest>{listed}</ds:Manifest></ds:Object>"
        )
        assert "exactly one reference" in relying.refuses(made)


class TestWhereItStands:
    @pytest.mark.parametrize("path", ["saml:Subject", "saml:Conditions", "saml:Issuer", "saml:Subject/saml:NameID"])
    def test_a_signature_deeper_down(self, relying: Relying, idp: Idp, path: str) -> None:
        root = tree(idp.signed())
        root.find(path, NS).append(root.find("ds:Signature", NS))
        assert "where none belongs" in relying.refuses(text(root))

    def test_two_signatures(self, relying: Relying, idp: Idp) -> None:
        assert "more than one signature" in relying.refuses(idp.sign(idp.signed()))

    def test_a_signature_that_is_empty(self, relying: Relying) -> None:
        empty = f'<ds:Signature xmlns:ds="{DS}"/></saml:Assertion>'
        assert "exactly one reference" in relying.refuses(assertion().replace("</saml:Assertion>", empty))


class TestCanonicalForm:
    """A library whose canonicalisation fails and gives nothing must not take the digest of nothing for a proof."""

    def test_nothing(self, relying: Relying, idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
        xml = assertion()
        nothing = hashes.Hash(hashes.SHA256()).finalize()
        listed = [reference(f"#{tree(xml).get('ID')}", nothing)]
        made = sign_by_hand(xml, by_rsa(idp.key), references=listed)
        assert "Digest mismatch" in relying.refuses(made)
        monkeypatch.setattr(XMLVerifier, "_apply_transforms", Mock(return_value=b""))
        assert "covers nothing" in relying.refuses(made)

    def test_another_element(self, relying: Relying, idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
        xml = assertion()
        other = hashes.Hash(hashes.SHA256())
        other.update(b"<a/>")
        listed = [reference(f"#{tree(xml).get('ID')}", other.finalize())]
        made = sign_by_hand(xml, by_rsa(idp.key), references=listed)
        monkeypatch.setattr(XMLVerifier, "_apply_transforms", Mock(return_value=b"<a/>"))
        assert "covers another element" in relying.refuses(made)

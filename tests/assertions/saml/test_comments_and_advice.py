"""What an assertion may hold beside what is read: comments and Advice. Neither makes anybody else of its subject."""

import pytest

from tests.support.idp import DS, EXCLUSIVE, NS, Idp, assertion, at, by_rsa, new_id, response, sign_by_hand, text, tree
from tests.support.relying import Relying

WITH_COMMENTS = f"{EXCLUSIVE}WithComments"
END = "</saml:Conditions>"
COVERED = "it holds a comment, and a signature that covers comments (c14n WithComments)"


class TestComments:
    """XML signatures leave them out, so anybody may put one in or take one out."""

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("admin@x.example", "admin<!---->@x.example"),
            ("admin@x.example", "<!-- a -->admin@x.example<!-- b -->"),
            ("admin@x.example", "admin@x<!-- > < & -->.exam<!-- -->ple"),
            ("<saml:Subject>", "<!-- about --><saml:Subject>"),
            ("https://idp.example", "https://<!-- -->idp.example"),
            ("http://localhost<", "http://local<!-- -->host<"),
            ("<saml:Assertion ", "<!-- before --><saml:Assertion "),
            ("</saml:Assertion>", "</saml:Assertion><!-- behind -->"),
            ("<ds:DigestValue>", "<ds:DigestValue><!-- AAAA -->"),
            ("<ds:SignatureValue>", "<ds:SignatureValue><!-- AAAA -->"),
            ("<ds:SignedInfo>", "<ds:SignedInfo><!-- <ds:Reference/> -->"),
        ],
    )
    def test_one_that_somebody_puts_in_changes_nothing(self, relying: Relying, idp: Idp, old: str, new: str) -> None:
        xml = idp.signed(subject="admin@x.example")
        assert old in xml
        assert relying.accepts(xml.replace(old, new, 1))["subject"] == "admin@x.example"

    @pytest.mark.parametrize("comment", ["<!---->", "<!-- a -->", "<!-- ]]> -->", "<!--<saml:NameID>-->"])
    def test_a_name_is_read_as_a_whole(self, relying: Relying, idp: Idp, comment: str) -> None:
        """Nobody who may call themselves `admin<!---->.evil.example` is admin here."""
        for made in (idp.signed, lambda **about: idp.sign(response(assertion(**about)))):
            told = relying.accepts(made(subject=f"admin{comment}.evil.example"))
            assert told["subject"] == "admin.evil.example"

    def test_an_issuer_is_read_as_a_whole(self, relying: Relying, idp: Idp) -> None:
        assert "saml.evil.example' is not trusted" in relying.refuses(
            idp.signed(issuer="https://idp.example/saml<!---->.evil.example")
        )

    def test_where_the_signature_covers_comments_there_are_none(self, relying: Relying, idp: Idp) -> None:
        signed = idp.sign(assertion(), c14n=WITH_COMMENTS)
        assert relying.accepts(signed)
        for where in (">alice", "<saml:Subject>"):
            signed = idp.sign(assertion(), c14n=WITH_COMMENTS)
            assert relying.refuses(signed.replace(where, f"{where}<!-- x -->")) == COVERED
        assert relying.refuses(idp.sign(assertion(subject="admin<!---->.evil"), c14n=WITH_COMMENTS)) == COVERED
        by_hand = sign_by_hand(assertion(subject="ali<!---->ce"), by_rsa(idp.key), canonical=WITH_COMMENTS)
        assert relying.refuses(by_hand) == COVERED

    def test_an_attribute_is_read_as_a_whole(self, relying: Relying, idp: Idp) -> None:
        """No processing instruction is passed over: it is signed, and would cut the text as well."""
        assert "it holds a processing instruction" in relying.refuses(idp.signed(subject="admin<?a?>.evil.example"))


class TestAdvice:
    """Who signs may remark on where the assertion comes from, by another one. It is no second one that counts."""

    @pytest.mark.parametrize("kind", ["signed", "not signed", "encrypted"])
    @pytest.mark.parametrize("signed", ["the assertion", "the assertion in a response", "the response"])
    def test_an_assertion_within_it_counts_for_nothing(
        self, relying: Relying, idp: Idp, kind: str, signed: str
    ) -> None:
        inner = {
            "signed": idp.signed(subject="admin"),
            "not signed": assertion(subject="admin"),
            "encrypted": f'<saml:EncryptedAssertion xmlns:saml="{NS["saml"]}"/>',
        }[kind]
        held = assertion().replace(END, f"{END}<saml:Advice>{inner}</saml:Advice>")
        made = idp.sign(response(held)) if signed == "the response" else idp.sign(held)
        assert relying.accepts(response(made) if "in a" in signed else made)["subject"] == "alice"

    def test_conditions_within_it_are_none(self, relying: Relying, idp: Idp) -> None:
        bare = assertion()
        without = bare[: bare.index("<saml:Conditions")] + bare[bare.index(END) + len(END) :]
        advice = f"<saml:Advice>{assertion()}</saml:Advice>"
        held = without.replace("<saml:AuthnStatement", f"{advice}<saml:AuthnStatement")
        assert "no Conditions" in relying.refuses(idp.sign(held))

    def test_a_signature_within_it_is_none(self, relying: Relying, idp: Idp) -> None:
        """The signed original as a remark of a forged one, with or without its signature moved to where it would count."""
        forged = assertion(subject="admin")
        held = forged.replace(END, f"{END}<saml:Advice>{idp.signed()}</saml:Advice>")
        assert relying.refuses(held) == "it is not signed"
        assert relying.refuses(response(held)) == "it is not signed"
        root = tree(held)
        inner = root.find("saml:Advice/saml:Assertion", NS)
        root.insert(1, inner.find("ds:Signature", NS))
        assert "does not refer to the element" in relying.refuses(text(root))
        root.set("ID", inner.get("ID"))
        assert relying.refuses(text(root)) == "an ID stands twice"
        del inner.attrib["ID"]
        assert "signature is wrong" in relying.refuses(text(root))

    def test_a_forged_one_around_the_signed_response_s_is_none(self, relying: Relying, idp: Idp) -> None:
        signed = tree(idp.sign(response(assertion())))
        original = signed.find("saml:Assertion", NS)
        forged = tree(assertion(subject="admin").replace(END, f"{END}<saml:Advice/>"))
        signed.replace(original, forged)
        forged.find("saml:Advice", NS).append(original)
        assert "signature is wrong" in relying.refuses(text(signed))

    @pytest.mark.parametrize(
        "place",
        [
            '<saml:Advice xmlns:saml="urn:x">{}</saml:Advice>',
            "<saml:Evidence>{}</saml:Evidence>",
            "<saml:AuthzDecisionStatement><saml:Evidence>{}</saml:Evidence></saml:AuthzDecisionStatement>",
            "<saml:Other><saml:Advice>{}</saml:Advice></saml:Other>",
            f'<ds:Object xmlns:ds="{DS}">{{}}</ds:Object>',
        ],
    )
    def test_one_in_another_place_makes_two(self, relying: Relying, idp: Idp, place: str) -> None:
        inner = f'<saml:Assertion xmlns:saml="{NS["saml"]}" ID="{new_id()}"/>'
        held = assertion().replace(END, END + place.format(inner))
        assert "another Assertion within, and not as its Advice" in relying.refuses(idp.sign(held))
        assert "exactly one Assertion" in relying.refuses(response(idp.sign(held)))

    def test_beside_the_assertion_is_no_advice_of_it(self, relying: Relying, idp: Idp) -> None:
        beside = f'<saml:Advice xmlns:saml="{NS["saml"]}">{idp.signed()}</saml:Advice>'
        assert "exactly one Assertion" in relying.refuses(response(idp.signed() + beside))


class TestTimesWithoutAZone:
    """SAML's times are in UTC whether or not they say so (core section 1.3.3)."""

    @pytest.mark.parametrize("fraction", ["", ".123", ".0000001"])
    def test_they_are_utc(self, relying: Relying, idp: Idp, fraction: str) -> None:
        assert relying.accepts(idp.sign(assertion().replace('Z"', f'{fraction}"')))["subject"] == "alice"

    def test_they_end_as_others_do(self, relying: Relying, idp: Idp) -> None:
        assert "expired" in relying.refuses(idp.sign(assertion(lifetime=-61).replace('Z"', '"')))
        assert "in the future" in relying.refuses(
            idp.sign(assertion().replace(f'IssueInstant="{at(0)}', f'IssueInstant="{at(7200)}').replace('Z"', '"'))
        )

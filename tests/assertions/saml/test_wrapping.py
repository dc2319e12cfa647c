"""Signature wrapping (Somorovsky and others, 2012): what is signed is there, and what would be read is something else."""

from collections.abc import Callable
from copy import deepcopy

import pytest
from lxml import etree

from flask_oauth_gateway.assertions.saml_xml import parse, signed_assertion
from tests.support.idp import NS, Idp, assertion, new_id, response, text, tree
from tests.support.relying import Relying

SAML, SAMLP, DS = (f"{{{NS[name]}}}" for name in ("saml", "samlp", "ds"))
Element = etree._Element


def evil_of(element: Element, *, same_id: bool) -> Element:
    """A copy without its signature, in which alice is the administrator."""
    evil = deepcopy(element)
    signature = evil.find("ds:Signature", NS)
    if signature is not None:
        evil.remove(signature)
    evil.find(".//saml:NameID", NS).text = "admin"
    if not same_id:
        evil.set("ID", new_id())
    return evil


def xsw1(signed: Element, same_id: bool) -> Element:
    """The signature moves to a forged Response, and has the original one within."""
    evil = evil_of(signed, same_id=same_id)
    signature = signed.find("ds:Signature", NS)
    evil.insert(1, signature)
    signature.append(signed)
    return evil


def xsw2(signed: Element, same_id: bool) -> Element:
    """The same, with the original one before the signature."""
    evil = evil_of(signed, same_id=same_id)
    signature = signed.find("ds:Signature", NS)
    evil.insert(1, signed)
    evil.insert(2, signature)
    return evil


def xsw3(signed: Element, same_id: bool) -> Element:
    """A forged assertion before the original one."""
    original = signed.find("saml:Assertion", NS)
    original.addprevious(evil_of(original, same_id=same_id))
    return signed


def xsw4(signed: Element, same_id: bool) -> Element:
    """A forged assertion around the original one."""
    original = signed.find("saml:Assertion", NS)
    evil = evil_of(original, same_id=same_id)
    signed.replace(original, evil)
    evil.append(original)
    return signed


def xsw5(signed: Element, same_id: bool) -> Element:
    """A forged assertion with the signature, the original one without it at the end."""
    original = signed.find("saml:Assertion", NS)
    evil = evil_of(original, same_id=same_id)
    signed.replace(original, evil)
    evil.insert(1, original.find("ds:Signature", NS))
    signed.append(original)
    return signed


def xsw6(signed: Element, same_id: bool) -> Element:
    """A forged assertion with the signature, which has the original one within."""
    original = signed.find("saml:Assertion", NS)
    evil = evil_of(original, same_id=same_id)
    signature = original.find("ds:Signature", NS)
    signed.replace(original, evil)
    evil.insert(1, signature)
    signature.append(original)
    return signed


def xsw7(signed: Element, same_id: bool) -> Element:
    """A forged assertion in Extensions, where the schema is lax."""
    original = signed.find("saml:Assertion", NS)
    extensions = etree.Element(f"{SAMLP}Extensions")
    extensions.append(evil_of(original, same_id=same_id))
    original.addprevious(extensions)
    return signed


def xsw8(signed: Element, same_id: bool) -> Element:
    """A forged assertion with the signature, which has the original one in an Object."""
    original = signed.find("saml:Assertion", NS)
    evil = evil_of(original, same_id=same_id)
    signature = original.find("ds:Signature", NS)
    signed.replace(original, evil)
    evil.insert(1, signature)
    etree.SubElement(signature, f"{DS}Object").append(original)
    return signed


@pytest.mark.parametrize("same_id", [False, True], ids=["new id", "same id"])
@pytest.mark.parametrize("wrap", [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8])
class TestEightShapes:
    def test_where_the_response_is_signed(
        self, relying: Relying, idp: Idp, wrap: Callable[[Element, bool], Element], same_id: bool
    ) -> None:
        signed = tree(idp.sign(response(idp.signed())))
        assert relying.refuses(text(wrap(signed, same_id)))

    def test_where_the_assertion_is_signed(
        self, relying: Relying, idp: Idp, wrap: Callable[[Element, bool], Element], same_id: bool
    ) -> None:
        signed = tree(response(idp.signed()))
        if wrap in (xsw1, xsw2):
            signed = tree(idp.signed())
        assert relying.refuses(text(wrap(signed, same_id)))


def test_what_is_read_is_what_was_signed(relying: Relying, idp: Idp) -> None:
    """A Response that isn't signed can be changed by anybody, and nothing of it is believed."""
    xml = response(idp.signed(), issuer="https://evil.example").replace(
        "<samlp:Status>",
        "<saml:NameID xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion'>admin</saml:NameID><samlp:Status>",
    )
    assert relying.accepts(xml)["subject"] == "alice"


@pytest.mark.parametrize("by_response", [False, True])
def test_only_what_the_signature_covers_is_given_out(idp: Idp, by_response: bool) -> None:
    """Not the element that came in, though it looks the same: what the verifier made its digest of."""
    document = parse((idp.sign(response(assertion())) if by_response else response(idp.signed())).encode())
    element = signed_assertion(document, [idp.certificate])
    document.assertion.find(".//saml:NameID", NS).text = "admin"
    assert element.findtext(".//saml:NameID", namespaces=NS) == "alice"


def test_a_forged_assertion_beside_one_in_another_namespace(relying: Relying, idp: Idp) -> None:
    forged = assertion(subject="admin").replace(NS["saml"], "urn:oasis:names:tc:SAML:1.0:assertion")
    assert relying.accepts(response(forged + idp.signed()))["subject"] == "alice"


class TestNamespaceAliases:
    """The same name under another prefix is the same; another name under the same prefix isn't."""

    def test_another_prefix_for_the_assertion(self, relying: Relying, idp: Idp) -> None:
        forged = assertion(subject="admin").replace("xmlns:saml", "xmlns:x").replace("saml:", "x:")
        assert "exactly one Assertion" in relying.refuses(response(forged + idp.signed()))

    def test_the_default_namespace(self, relying: Relying, idp: Idp) -> None:
        forged = assertion(subject="admin").replace("xmlns:saml", "xmlns").replace("saml:", "")
        assert "exactly one Assertion" in relying.refuses(response(forged + idp.signed()))

    def test_a_prefix_that_changes_its_meaning(self, relying: Relying, idp: Idp) -> None:
        """The prefix of the signature stands for something else further in."""
        xml = idp.signed().replace("<ds:SignedInfo>", '<ds:SignedInfo xmlns:ds="urn:evil">')
        assert "exactly one reference" in relying.refuses(xml)

    def test_an_id_with_a_prefix(self, relying: Relying, idp: Idp) -> None:
        root = tree(idp.signed())
        identity = root.get("ID")
        del root.attrib["ID"]
        root.set("{urn:x}ID", identity)
        assert "does not refer" in relying.refuses(text(root))


@pytest.mark.parametrize("name", ["ID", "Id", "id", "{http://www.w3.org/XML/1998/namespace}id", "{urn:x}ID"])
def test_an_id_that_stands_twice(relying: Relying, idp: Idp, name: str) -> None:
    signed = tree(response(idp.signed()))
    signed.find("samlp:Status", NS).set(name, signed.find("saml:Assertion", NS).get("ID"))
    assert "an ID stands twice" in relying.refuses(text(signed))

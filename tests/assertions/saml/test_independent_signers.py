"""Assertions signed by programs that have nothing to do with ours, each in its own way."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.idp import (
    DS,
    ENVELOPED,
    EXCLUSIVE,
    NAME,
    NS,
    RSA_SHA256,
    SHA256,
    Idp,
    assertion,
    ec_key,
    pem,
    response,
    text,
    tree,
)  # fmt: skip
from tests.support.relying import Relying
from tests.support.services import NODE_CLIENTS

INCLUSIVE = ("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11")
SIGNER = Path(__file__).parent / "sign.mjs"


@pytest.fixture
def key(idp: Idp, tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_text(pem(idp.key))
    return path


def template(
    xml: str, *, method: str = RSA_SHA256, prefixes: str = "", canonical: str = EXCLUSIVE, transform: str | None = None
) -> str:
    """The root of `xml` with a signature that is still to be filled in, where SAML's schema has it."""
    root = tree(xml)
    named = canonical if transform is None else transform
    inclusive = prefixes and f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="{prefixes}"/>'
    root.insert(
        1,
        tree(
            f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{canonical}"/>'
            f'<ds:SignatureMethod Algorithm="{method}"/><ds:Reference URI="#{root.get("ID")}"><ds:Transforms>'
            f'<ds:Transform Algorithm="{ENVELOPED}"/>'
            f"{named and f'<ds:Transform Algorithm={named!r}>{inclusive}</ds:Transform>'}"
            f'</ds:Transforms><ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>'
            "<ds:SignatureValue/><ds:KeyInfo><ds:KeyName>one</ds:KeyName></ds:KeyInfo></ds:Signature>"
        ),
    )
    return text(root)


def by_xmlsec1(xml: str, key: Path) -> str:
    """The first signature of `xml` filled in by xmlsec1."""
    path = key.with_name("template.xml")
    path.write_text(xml, encoding="utf-8")
    ids = [f"--id-attr:ID={NS['saml']}:Assertion", f"--id-attr:ID={NS['samlp']}:Response"]
    done = subprocess.run(
        [
            "xmlsec1",
            "--sign",
            "--privkey-pem",
            str(key),
            *[part for each in ids for part in each.split("=")],
            str(path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.xmlsec1
class TestXmlsec1:
    def test_an_assertion(self, relying: Relying, key: Path) -> None:
        xml = by_xmlsec1(template(assertion(subject="Zoë")), key)
        assert relying.accepts(xml)["subject"] == "Zoë"
        assert relying.refuses(xml.replace("Zoë", "admin"))

    def test_a_response(self, relying: Relying, key: Path) -> None:
        assert relying.accepts(by_xmlsec1(template(response(assertion())), key))["subject"] == "alice"

    def test_namespaces_that_only_a_value_uses(self, relying: Relying, key: Path) -> None:
        """`xs` stands in the text of `xsi:type`: InclusiveNamespaces brings it under the signature."""
        xml = assertion(attributes={"age": ["42"]}).replace(
            "<saml:AttributeValue>",
            '<saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:integer">',
        )
        xml = xml.replace("<saml:Assertion ", '<saml:Assertion xmlns:xs="http://www.w3.org/2001/XMLSchema" ')
        assert relying.accepts(by_xmlsec1(template(xml, prefixes="xs"), key))

    @pytest.mark.parametrize("canonical", [*INCLUSIVE, f"{INCLUSIVE[0]}#WithComments"])
    @pytest.mark.parametrize("transform", [None, "", EXCLUSIVE])
    def test_inclusive_canonicalisation(
        self, relying: Relying, key: Path, canonical: str, transform: str | None
    ) -> None:
        """Its signature covers the namespaces around it, so it stands in the place where it was made."""
        inside = template(assertion(), canonical=canonical, transform=transform)
        around = response(inside).replace("<samlp:Response ", '<samlp:Response xmlns:more="urn:more" xmlns="urn:none" ')
        xml = by_xmlsec1(around, key)
        assert relying.accepts(xml)["subject"] == "alice"
        assert relying.refuses(xml.replace(">alice<", ">admin<"))
        whole = by_xmlsec1(template(response(assertion()), canonical=canonical, transform=transform), key)
        assert relying.accepts(whole)["subject"] == "alice"
        assert relying.refuses(whole.replace(">alice<", ">admin<"))

    def test_comments_that_it_does_not_sign(self, relying: Relying, key: Path) -> None:
        xml = by_xmlsec1(
            template(assertion(subject="ali<!-- one -->ce").replace("<saml:Subject>", "<!-- --><saml:Subject>")), key
        )
        assert "<!-- one -->" in xml
        assert relying.accepts(xml)["subject"] == "alice"

    @pytest.mark.parametrize("signed", [True, False])
    def test_an_assertion_as_the_advice_of_one(self, relying: Relying, key: Path, signed: bool) -> None:
        advice = assertion(subject="admin", issuer="https://other.example")
        if signed:
            advice = by_xmlsec1(template(advice), key)
            advice = advice.removeprefix('<?xml version="1.0"?>\n')
        held = assertion().replace("</saml:Conditions>", f"</saml:Conditions><saml:Advice>{advice}</saml:Advice>")
        assert relying.accepts(by_xmlsec1(template(held), key))["subject"] == "alice"

    def test_ecdsa(self, make_relying, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
        idp = Idp(key=ec_key())
        path = tmp_path / "ec.pem"
        path.write_text(pem(idp.key))
        xml = by_xmlsec1(template(assertion(), method=RSA_SHA256.replace("rsa", "ecdsa")), path)
        assert make_relying({NAME: idp.entry}).accepts(xml)


@pytest.mark.xmlsec1
def test_pysaml2(relying: Relying, key: Path) -> None:
    """It builds the assertion by its own classes, and has xmlsec1 sign it."""
    from saml2 import class_name, sigver  # here, for it takes a second
    from saml2.saml import assertion_from_string

    built = assertion_from_string(assertion())
    built.signature = sigver.pre_signature_part(built.id, None, 1, digest_alg=SHA256, sign_alg=RSA_SHA256)
    context = sigver.SecurityContext(sigver.CryptoBackendXmlSec1(sigver.get_xmlsec_binary()), str(key))
    xml = context.sign_statement(str(built), class_name(built), key_file=str(key), node_id=built.id)
    assert relying.accepts(xml)["subject"] == "alice"


@pytest.mark.node
@pytest.mark.parametrize("library", ["xml-crypto", "samlify"])
def test_on_node(relying: Relying, idp: Idp, library: str) -> None:
    held = assertion() if library == "xml-crypto" else response(assertion())
    given = json.dumps({"library": library, "xml": held, "key": pem(idp.key), "certificate": pem(idp.certificate)})
    # In the folder of the packages, where an import is looked for.
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", SIGNER.read_text()],
        cwd=NODE_CLIENTS,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert relying.accepts(done.stdout)["subject"] == "alice"
    assert relying.refuses(done.stdout.replace(">alice<", ">admin<"))

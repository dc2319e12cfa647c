"""From the text of a SAML assertion to the one element that a trusted signature covers; signxml does the cryptography.

Everything about the shape is checked before a signature is: one Assertion, no DOCTYPE, comment or processing instruction,
no ID twice, a signature only where SAML has it, over the whole of its parent and nothing else. Only what the signature
covers is given out: reading anything else is how signature wrapping works (SAML core section 5.4).

A parser and a verifier are made anew for each call: a signxml verifier that threads share accepted forged assertions.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from .assertions import AssertionRefused

ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
NS = {"saml": ASSERTION, "samlp": PROTOCOL, "ds": SIGNATURE}

MAX_TEXT = 65536
MAX_ELEMENTS = 2000
ENVELOPED = f"{SIGNATURE}enveloped-signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"

_METHODS = frozenset(
    {
        SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512,
        SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384, SignatureMethod.ECDSA_SHA512,
    }
)  # fmt: skip
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})
STRICT = SignatureConfiguration(location="./", signature_methods=_METHODS, digest_algorithms=_DIGESTS)
WITH_SHA1 = SignatureConfiguration(
    location="./",
    signature_methods=_METHODS | {SignatureMethod.RSA_SHA1, SignatureMethod.ECDSA_SHA1},
    digest_algorithms=_DIGESTS | {DigestAlgorithm.SHA1},
)


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the right shape, believed in nothing yet: `assertion` stands in `root`, or is it."""

    root: etree._Element
    assertion: etree._Element

    @property
    def issuer(self) -> str:
        """Who claims to have issued the assertion: to find out whose certificates to ask for."""
        return (self.assertion.findtext("saml:Issuer", namespaces=NS) or "").strip()


def decode(text: str) -> bytes:
    """An assertion from base64url or base64, padded or not. Raises `AssertionRefused`."""
    if len(text) > MAX_TEXT:
        raise AssertionRefused("it is longer than 64 KiB")
    compact = re.sub(r"\s+", "", text).rstrip("=").translate(str.maketrans("-_", "+/"))
    if not re.fullmatch(r"[A-Za-z0-9+/]+", compact):
        raise AssertionRefused("it is not base64url")
    try:
        return b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except ValueError as error:
        raise AssertionRefused("it is not base64url") from error


def parse(data: bytes) -> Document:
    """A document with exactly one Assertion. Raises `AssertionRefused` for whatever else it holds."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise AssertionRefused("it is not well-formed XML") from error
    if root.getroottree().docinfo.doctype or root.getprevious() is not None or root.getnext() is not None:
        raise AssertionRefused("it holds a DOCTYPE, or something beside its root")
    ids: set[str] = set()
    for count, element in enumerate(root.iter(), 1):
        if not isinstance(element.tag, str):
            raise AssertionRefused("it holds a comment, a processing instruction or an entity")
        if count > MAX_ELEMENTS:
            raise AssertionRefused(f"it has more than {MAX_ELEMENTS} elements")
        for name, value in element.attrib.items():
            if etree.QName(name).localname.lower() == "id":
                if value in ids:
                    raise AssertionRefused("an ID stands twice")
                ids.add(str(value))
    return Document(root, _the_assertion(root))


def _the_assertion(root: etree._Element) -> etree._Element:
    everywhere = root.findall(f".//{{{ASSERTION}}}Assertion")
    if root.tag == f"{{{ASSERTION}}}Assertion":
        if everywhere:
            raise AssertionRefused("it holds another Assertion within")
        return root
    if root.tag != f"{{{PROTOCOL}}}Response":
        raise AssertionRefused("it is neither an Assertion nor a Response")
    if len(everywhere) != 1 or everywhere[0].getparent() is not root:
        raise AssertionRefused("its Response does not hold exactly one Assertion")
    status = root.find("samlp:Status/samlp:StatusCode", NS)
    if status is None or status.get("Value") != SUCCESS:
        raise AssertionRefused("its Response does not say Success")
    return everywhere[0]


def signed_assertion(
    document: Document, certificates: Iterable[x509.Certificate], *, allow_sha1: bool = False
) -> etree._Element:
    """The Assertion as one of these certificates signed it, itself or by its Response. Raises `AssertionRefused`."""
    signatures = document.root.findall(f".//{{{SIGNATURE}}}Signature")
    if not all(each.getparent() in (document.root, document.assertion) for each in signatures):
        raise AssertionRefused("a signature stands where none belongs")
    for signed in dict.fromkeys((document.assertion, document.root)):
        found = signed.findall("ds:Signature", NS)
        if len(found) > 1:
            raise AssertionRefused("it has more than one signature")
        if found:
            _check_shape(found[0], signed)
            return _assertion_of(_verify(signed, list(certificates), WITH_SHA1 if allow_sha1 else STRICT))
    raise AssertionRefused("it is not signed")


def _check_shape(signature: etree._Element, signed: etree._Element) -> None:
    """One reference, to the parent by its ID, with no transform but those that SAML names (SAML core section 5.4)."""
    references = signature.findall("ds:SignedInfo/ds:Reference", NS)
    if len(references) != 1 or len(signature.findall(".//ds:Reference", NS)) != 1:
        raise AssertionRefused("its signature does not have exactly one reference")
    identity = signed.get("ID")
    if not identity or references[0].get("URI") != f"#{identity}":
        raise AssertionRefused("its signature does not refer to the element that it stands in")
    transforms = [each.get("Algorithm") for each in references[0].findall("ds:Transforms/ds:Transform", NS)]
    if transforms != [ENVELOPED, EXCLUSIVE]:
        raise AssertionRefused("its signature uses other transforms than enveloped-signature and exclusive c14n")
    method = signature.find("ds:SignedInfo/ds:CanonicalizationMethod", NS)
    if method is None or method.get("Algorithm") != EXCLUSIVE:
        raise AssertionRefused("its signature uses another canonicalisation than exclusive c14n")
    if signature.find("ds:Object", NS) is not None:
        raise AssertionRefused("its signature holds an Object")


def _verify(
    signed: etree._Element, certificates: list[x509.Certificate], configuration: SignatureConfiguration
) -> etree._Element:
    """What the signature covers, as signxml saw it."""
    reason = "its issuer has no certificate"
    for certificate in certificates:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            result = XMLVerifier().verify(
                signed, x509_cert=certificate, id_attribute="ID", expect_config=configuration, parser=parser
            )
        except (SignXMLException, etree.LxmlError, ValueError, TypeError, KeyError, NotImplementedError) as error:
            reason = f"its signature is wrong: {str(error)[:200] or type(error).__name__}"
            continue
        if isinstance(result, list) or result.signed_xml is None or not result.signed_data:
            raise AssertionRefused("its signature covers nothing")
        if result.signed_xml.get("ID") != signed.get("ID") or result.signed_xml.tag != signed.tag:
            raise AssertionRefused("its signature covers another element")
        return result.signed_xml
    raise AssertionRefused(reason)


def _assertion_of(signed: etree._Element) -> etree._Element:
    """The Assertion in what was signed."""
    return signed if signed.tag == f"{{{ASSERTION}}}Assertion" else _the_assertion(signed)

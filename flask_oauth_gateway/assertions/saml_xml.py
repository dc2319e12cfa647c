"""Finds, in the text of a SAML assertion, the one element that a trusted signature covers. signxml does the cryptography.

The shape is checked before any signature: one Assertion; no DOCTYPE, entity or processing instruction; no ID twice; a
signature only where SAML has one, over its whole parent and nothing else. Only the element that the signature covers is
returned, since signature wrapping works where other parts are read (SAML core section 5.4).

Comments are dropped by the parser, before anything is looked at: no name is read only up to one. A signature that covers
comments is refused where there are some. What stands in the Assertion's Advice is passed over, as it may be (core 2.6.1.2).

Each call makes its own parser and verifier: a signxml verifier that threads shared accepted forged assertions.
"""

from __future__ import annotations

import logging
import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from ..errors import clean
from .assertion import AssertionRefused

# At DEBUG this logger writes whole assertions, which are credentials, whatever the app's own level is.
logging.getLogger("signxml.processor").setLevel(logging.INFO)

ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
XML_SPACE = " \t\r\n"  # XML 1.0 section 2.3; a no-break space is not among them
NS = {"saml": ASSERTION, "samlp": PROTOCOL, "ds": SIGNATURE}

_URL_SAFE = str.maketrans("-_", "+/")

MAX_TEXT = 65536
MAX_ELEMENTS = 2000
MAX_ATTRIBUTES = 50  # of one element: the time to read them grows with the square of their number
ENVELOPED = f"{SIGNATURE}enveloped-signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = ("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11")
WITH_COMMENTS = "WithComments"
#: All of them cover the whole element. An inclusive one covers the namespaces around it, too.
CANONICAL = (
    EXCLUSIVE, f"{EXCLUSIVE}{WITH_COMMENTS}", *INCLUSIVE, *(f"{each}#{WITH_COMMENTS}" for each in INCLUSIVE),
)  # fmt: skip

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
#: The errors that signxml raises or lets through where a message is not as it expects.
_VERIFIER_ERRORS = (
    SignXMLException, UnsupportedAlgorithm, etree.LxmlError, ValueError, TypeError, KeyError, NotImplementedError,
    AttributeError, AssertionError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the right shape, of which nothing is verified yet.

    `assertion` is an Assertion or an EncryptedAssertion: it is `root` itself, or in it. `has_comments`: the text has some,
    and the elements none.
    """

    root: etree._Element
    assertion: etree._Element
    has_comments: bool

    @property
    def is_encrypted(self) -> bool:
        return bool(self.assertion.tag == f"{{{ASSERTION}}}EncryptedAssertion")

    @property
    def signatures(self) -> list[etree._Element]:
        """The signatures anywhere in the document, except those in the Assertion's Advice."""
        return [each for each in self.root.iterfind(".//ds:Signature", NS) if not _is_advice(each, self.assertion)]

    @property
    def is_signed(self) -> bool:
        return bool(self.signatures)

    @property
    def issuer(self) -> str:
        """The issuer that the document claims, by which its certificates are found."""
        named = self.root if self.is_encrypted else self.assertion
        return (named.findtext("saml:Issuer", namespaces=NS) or "").strip(XML_SPACE)


def decode(text: str) -> bytes:
    """An assertion from base64url or base64, padded or not. Raises `AssertionRefused`."""
    if len(text) > MAX_TEXT:
        raise AssertionRefused("it is longer than 64 KiB")
    compact = "".join(text.split()).rstrip("=").translate(_URL_SAFE)
    if not compact:
        raise AssertionRefused("it is not base64url")
    try:
        return b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except ValueError as error:
        raise AssertionRefused("it is not base64url") from error


def parse(data: bytes, *, within: etree._Element | None = None) -> Document:
    """Parse a document with exactly one Assertion. Raises `AssertionRefused` for any other document.

    `within`: the element in whose place the text stood encrypted; then it must be the Assertion itself.
    """
    has_comments = b"<!--" in data
    if within is not None:
        root = parse_decrypted(data, within, "Assertion")
        return Document(root, _the_assertion(root), has_comments)
    root = _parse(data)
    about = root.getroottree().docinfo
    if about.doctype or root.getprevious() is not None or root.getnext() is not None:
        raise AssertionRefused("it holds a DOCTYPE, or something beside its root")
    if about.xml_version != "1.0" or (about.encoding or "UTF-8").upper() not in ("UTF-8", "US-ASCII"):
        raise AssertionRefused("it is not XML 1.0 in UTF-8")
    _check_tree(root)
    return Document(root, _the_assertion(root), has_comments)


def parse_decrypted(data: bytes, within: etree._Element, name: str) -> etree._Element:
    """Parse what was encrypted: one of SAML's elements of this name. Raises `AssertionRefused`.

    `within`: the element in whose place it stood, and whose namespaces it is read with.
    """
    shell = etree.tostring(etree.Element("shell", nsmap=within.nsmap))
    root = _parse(shell.removesuffix(b"/>") + b">" + data + b"</shell>")
    _check_tree(root)
    if len(root) != 1 or root[0].tag != f"{{{ASSERTION}}}{name}" or (root.text or root[0].tail or "").strip(XML_SPACE):
        raise AssertionRefused(f"what was encrypted is not one {name}")
    return root[0]


def _parse(data: bytes) -> etree._Element:
    if b"\0" in data:
        raise AssertionRefused("it is not XML 1.0 in UTF-8")  # UTF-16 and UTF-32 are told by their zeros
    try:
        data.decode("utf-8")
        return etree.fromstring(data, _new_parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise AssertionRefused("it is not well-formed XML in UTF-8") from error


def _new_parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False,
        remove_comments=True,
    )  # fmt: skip


def _check_tree(root: etree._Element) -> None:
    """Refuse everything that two parsers could read in two ways, and an ID that occurs twice, in any spelling."""
    ids: set[str] = set()
    for count, element in enumerate(root.iter(), 1):
        if not isinstance(element.tag, str):
            what = "a processing instruction" if element.tag is etree.ProcessingInstruction else "an entity"
            raise AssertionRefused(f"it holds {what}")
        if count > MAX_ELEMENTS or len(element.attrib) > MAX_ATTRIBUTES:
            raise AssertionRefused(f"it has more than {MAX_ELEMENTS} elements, or {MAX_ATTRIBUTES} attributes in one")
        for name, value in element.attrib.items():
            if name.rpartition("}")[2].lower() == "id":
                if value in ids:
                    raise AssertionRefused("an ID stands twice")
                ids.add(value)


def _the_assertion(root: etree._Element) -> etree._Element:
    """The one Assertion or EncryptedAssertion: the root itself, or a child of the Response."""
    kinds = (f"{{{ASSERTION}}}Assertion", f"{{{ASSERTION}}}EncryptedAssertion")
    held, which = [root], "it holds another Assertion within, and not as its Advice"
    if root.tag not in kinds:
        if root.tag != f"{{{PROTOCOL}}}Response":
            what = root.tag.rpartition("}")[2][:100]
            raise AssertionRefused(f"it is neither an Assertion nor a Response, but {what!r}")
        held, which = [each for each in root if each.tag in kinds], "its Response does not hold exactly one Assertion"
    if len(held) != 1 or not all(each is held[0] or _is_advice(each, held[0]) for each in root.iter(*kinds)):
        raise AssertionRefused(which)
    if held[0] is not root:
        status = root.find("samlp:Status/samlp:StatusCode", NS)
        if status is None or status.get("Value") != SUCCESS:
            raise AssertionRefused("its Response does not say Success")
    return held[0]


def _is_advice(element: etree._Element, assertion: etree._Element) -> bool:
    """Whether an element stands in this Assertion's own Advice, which nothing here reads."""
    return any(
        above.tag == f"{{{ASSERTION}}}Advice" and above.getparent() is assertion for above in element.iterancestors()
    )


def signed_assertion(
    document: Document, certificates: Iterable[x509.Certificate], *, allow_sha1: bool = False
) -> etree._Element:
    """The Assertion, if one of these certificates signed it or its Response. Raises `AssertionRefused`.

    Where both are signed, both signatures must be valid: the second one is read from the element that the first covers.
    """
    root, assertion = document.root, document.assertion
    signatures = document.signatures
    if not signatures:
        raise AssertionRefused("it is not signed")
    if not all(each.getparent() in (root, assertion) for each in signatures):
        raise AssertionRefused("a signature stands where none belongs")
    if document.has_comments and any(
        str(named.get("Algorithm")).endswith(WITH_COMMENTS) for each in signatures for named in each.iter("{*}*")
    ):
        raise AssertionRefused("it holds a comment, and a signature that covers comments (c14n WithComments)")
    trusted, configuration = list(certificates), WITH_SHA1 if allow_sha1 else STRICT
    if root is not assertion and root.find("ds:Signature", NS) is not None:
        assertion = _the_assertion(_verify(root, trusted, configuration))
    if assertion.find("ds:Signature", NS) is not None:
        assertion = _verify(assertion, trusted, configuration)
    return assertion


def _check_shape(signed: etree._Element) -> None:
    """Check that there is one signature, with one reference to its parent's ID, and SAML's transforms (core section 5.4)."""
    if len(signed.findall("ds:Signature", NS)) != 1:
        raise AssertionRefused("it has more than one signature")
    signature = signed.find("ds:Signature", NS)
    references = signature.findall("ds:SignedInfo/ds:Reference", NS)
    if len(references) != 1 or len(signature.findall(".//ds:Reference", NS)) != 1:
        raise AssertionRefused("its signature does not have exactly one reference")
    identity = signed.get("ID") or ""
    if not re.fullmatch(r"[\w.:-]{1,255}", identity) or references[0].get("URI") != f"#{identity}":
        raise AssertionRefused("its signature does not refer to the element that it stands in")
    transforms = references[0].findall("ds:Transforms/ds:Transform", NS)
    inside = {each.tag for transform in transforms for each in transform} - {f"{{{EXCLUSIVE}}}InclusiveNamespaces"}
    named = [each.get("Algorithm") or "" for each in transforms]
    # Without a canonicalisation among them, the inclusive one is meant (XML signatures, section 4.4.3.2).
    if inside or named not in [[ENVELOPED], *([ENVELOPED, each] for each in CANONICAL)]:
        raise AssertionRefused(
            f"its signature uses other transforms than enveloped-signature and c14n ({' '.join(named)[:200]!r})"
        )
    method = signature.find("ds:SignedInfo/ds:CanonicalizationMethod", NS)
    if method is None or method.get("Algorithm") not in CANONICAL:
        other = "" if method is None else (method.get("Algorithm") or "")
        raise AssertionRefused(f"its signature uses another canonicalisation than c14n ({other[:200]!r})")
    if signature.find("ds:Object", NS) is not None:
        raise AssertionRefused("its signature holds an Object")


def _verify(
    signed: etree._Element, certificates: list[x509.Certificate], configuration: SignatureConfiguration
) -> etree._Element:
    """The element that this element's signature covers, as signxml read it. Raises `AssertionRefused`."""
    _check_shape(signed)
    reasons = []
    for certificate in certificates:
        try:
            result = XMLVerifier().verify(
                signed, x509_cert=certificate, id_attribute="ID", expect_config=configuration, parser=_new_parser()
            )
        except _VERIFIER_ERRORS as error:
            reasons.append(clean(error) or type(error).__name__)
            continue
        if isinstance(result, list) or result.signed_xml is None or not result.signed_data:
            raise AssertionRefused("its signature covers nothing")
        if result.signed_xml.get("ID") != signed.get("ID") or result.signed_xml.tag != signed.tag:
            raise AssertionRefused("its signature covers another element")
        return result.signed_xml
    raise AssertionRefused(f"its signature is wrong: {'; '.join(dict.fromkeys(reasons)) or 'no certificate to ask'}")

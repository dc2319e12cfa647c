"""Texts that harm whoever reads them: none is accepted, none is an error of the server, none takes long."""

import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.support.app import refusal
from tests.support.idp import DS, EXCLUSIVE, NAME, Idp, assertion, encode, response, text, tree
from tests.support.relying import GRANT, Relying

LIMIT = 0.1  # seconds


@pytest.fixture(autouse=True)
def warm(relying: Relying, idp: Idp) -> None:
    """The first assertion loads signxml's schema."""
    relying.accepts(idp.signed())


def refused_soon(relying: Relying, xml: str | bytes) -> str:
    """Why it is refused, at its fastest of three: another process may have been in the way."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        relying.post(xml)
        times.append(time.perf_counter() - start)
    assert min(times) < LIMIT
    return relying.refuses(xml)


def with_doctype(declaration: str, name: str = "alice") -> Callable[[Idp], str]:
    return lambda idp: f"<!DOCTYPE a [{declaration}]>" + idp.signed().replace("alice", name)


BILLION = '<!ENTITY a "ha">' + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
HOSTILE: dict[str, tuple[Callable[[Idp], str | bytes] | str | bytes, str]] = {
    "a processing instruction": (lambda idp: idp.signed(subject="admin<?a?>.evil.example"), "a processing instruction"),
    "one before": (lambda idp: "<?xml-stylesheet href='x.xsl'?>" + idp.signed(), "something beside its root"),
    "an entity of its own": (with_doctype('<!ENTITY who "admin">', "&who;"), "DOCTYPE"),
    "an entity that isn't declared": (lambda idp: idp.signed().replace("alice", "&who;"), "not well-formed"),
    "a DOCTYPE": (with_doctype(""), "DOCTYPE"),
    "a DOCTYPE from elsewhere": (lambda idp: '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">' + idp.signed(), "DOCTYPE"),
    "an attribute by default": (with_doctype('<!ATTLIST saml:Assertion Version CDATA "2.0">'), "DOCTYPE"),
    "an ID by declaration": (with_doctype("<!ATTLIST saml:NameID Format ID #IMPLIED>"), "DOCTYPE"),
    "a parameter entity": (with_doctype('<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;'), ""),
    "a billion laughs": (with_doctype(BILLION, "&j;"), ""),
    "a quadratic blowup": (with_doctype(f'<!ENTITY a "{"a" * 20000}">', "&a;" * 2000), ""),
    "10,000 levels": ("<a>" * 10_000, "not well-formed"),
    "2,000 levels of a Response": (response("<a>" * 1990 + "</a>" * 1990), "not well-formed"),
    "200 levels": (lambda idp: response("<a>" * 200 + idp.signed() + "</a>" * 200), "exactly one Assertion"),
    "many elements": (response("<a/>" * 5000), "more than 2000 elements"),
    "many attributes": (
        response("<x " + " ".join(f'a{i}=""' for i in range(5000)) + "/>"),
        "50 attributes in one",
    ),
    "many namespaces": (
        response("<x " + " ".join(f'xmlns:a{i}="u"' for i in range(2500)) + "/>"),
        "exactly one Assertion",
    ),
    "many prefixes to canonicalise": (
        lambda idp: idp.signed().replace(
            'c14n#"/></ds:Transforms>',
            f'c14n#"><e:InclusiveNamespaces xmlns:e="{EXCLUSIVE}" PrefixList="{"a " * 15000}"/></ds:Transform></ds:Transforms>',
        ),
        "signature is wrong",
    ),
    "a long number in its key": (
        lambda idp: idp.signed().replace(
            "<ds:X509Data>",
            f"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{'A' * 40000}</ds:Modulus><ds:Exponent>{'/' * 400}</ds:Exponent>"
            "</ds:RSAKeyValue></ds:KeyValue><ds:X509Data>",
        ),
        "signature is wrong",
    ),
    "UTF-16": (lambda idp: ("<?xml version='1.0' encoding='UTF-16'?>" + idp.signed()).encode("utf-16"), "UTF-8"),
    "UTF-16 without a mark": (lambda idp: idp.signed().encode("utf-16-le"), "UTF-8"),
    "UTF-32": (lambda idp: idp.signed().encode("utf-32"), "UTF-8"),
    "UTF-7": (lambda idp: "<?xml version='1.0' encoding='UTF-7'?>" + idp.signed(), "UTF-8"),
    "Latin-1": (lambda idp: ("<?xml version='1.0' encoding='ISO-8859-1'?>" + idp.signed()).encode("latin-1"), "UTF-8"),
    "EBCDIC": (lambda idp: ("<?xml version='1.0' encoding='cp500'?>" + idp.signed()).encode("cp500"), "UTF-8"),
    "an encoding that is none": (lambda idp: "<?xml version='1.0' encoding='nonsense'?>" + idp.signed(), "UTF-8"),
    "bytes that are no UTF-8": (lambda idp: idp.signed().encode().replace(b"alice", b"\xff\xfe"), "UTF-8"),
    "an overlong NUL": (lambda idp: idp.signed().encode().replace(b"alice", b"ali\xc0\x80ce"), "UTF-8"),
    "XML 1.1": (lambda idp: "<?xml version='1.1'?>" + idp.signed(), "XML 1.0"),
    "a NUL": (lambda idp: idp.signed().replace("alice", "ali\0ce"), "UTF-8"),
    "a NUL by number": (lambda idp: idp.signed().replace("alice", "ali&#0;ce"), "not well-formed"),
    "two roots": (lambda idp: idp.signed() * 2, "not well-formed"),
    "text behind": (lambda idp: idp.signed() + "admin", "not well-formed"),
    "no XML": (b"\x00\x01\x02", "UTF-8"),
    "JSON": ('{"issuer": "x"}', "not well-formed"),
    "nothing but spaces": ("  ", "not well-formed"),
    "HTML": ("<html><body/></html>", "neither an Assertion nor a Response"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_text(relying: Relying, idp: Idp, case: str) -> None:
    make, reason = HOSTILE[case]
    assert reason in refused_soon(relying, make(idp) if callable(make) else make)


class TestSize:
    def test_20_mb_are_not_read(self, relying: Relying) -> None:
        start = time.perf_counter()
        response = relying.client.post("/oauth/token", data=f"grant_type={GRANT}&assertion={'A' * 20_000_000}",
                                       content_type="application/x-www-form-urlencoded")  # fmt: skip
        refusal(response, 413, "invalid_request")
        assert time.perf_counter() - start < 1, "most of it is the making of the request"

    def test_64_kib_are_the_most(self, make_relying: Callable[..., Relying], idp: Idp) -> None:
        relying = make_relying({NAME: idp.entry}, OAUTH_MAX_BODY=50_000_000)
        for xml in ("a" * 49_200, "a" * 15_000_000):
            refusal(relying.post(xml), 400, "invalid_request")

    @pytest.mark.parametrize("junk", ["%", "é", "A", "AAAAA", "====", "<xml/>", "a.b.c"])
    def test_what_is_no_base64(self, relying: Relying, junk: str) -> None:
        assert "not base64url" in relying.refuses("", assertion=junk)


def test_no_file_is_read_and_nothing_is_fetched(relying: Relying, idp: Idp, tmp_path: Path) -> None:
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_error(404)

        def log_message(self, *args: object) -> None:
            pass

    secret = tmp_path / "secret"
    secret.write_text("admin")
    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/x"
    try:
        for target in (secret.as_uri(), url):
            for declared in (f'<!ENTITY x SYSTEM "{target}">', f'<!ENTITY % x SYSTEM "{target}"> %x;'):
                relying.refuses(f"<!DOCTYPE a [{declared}]>" + idp.signed(subject="&amp;x;").replace("&amp;x;", "&x;"))
            relying.refuses(f'<!DOCTYPE a SYSTEM "{target}">' + idp.signed())
            included = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="{}"/>'
            assert "not a text" in relying.refuses(idp.signed(subject=included.format(target)))
            root = tree(idp.signed())
            root.find(f".//{{{DS}}}Reference").set("URI", target)
            relying.refuses(text(root))
    finally:
        server.shutdown()
        server.server_close()
    assert not seen


def test_a_log_line_is_one_line(relying: Relying, idp: Idp) -> None:
    """What a document says in it can't pass for another line of the log."""
    forged = "x&#10;2040-01-01 INFO A token was issued to admin"
    assert "\\n" in relying.refuses(idp.signed(issuer=forged))
    relying.refuses(idp.signed().replace("<ds:SignedInfo>", f'<ds:SignedInfo more="{forged}">'))
    relying.refuses(idp.signed().replace("rsa-sha256", forged))


def test_no_assertion_is_logged(relying: Relying, idp: Idp, caplog: pytest.LogCaptureFixture) -> None:
    """At any level: one that was refused for its scope may still be traded."""
    xml = idp.signed(subject="somebody.special")
    with caplog.at_level("DEBUG"):
        relying.post(xml, scope="nonsense")
        relying.accepts(xml)
    assert "somebody.special" not in caplog.text
    assert encode(assertion())[:40] not in caplog.text

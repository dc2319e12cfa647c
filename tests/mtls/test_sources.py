"""Where a client's certificate comes from: each proxy's header, read in one way or not at all, and only from a proxy."""

import random
import time
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask, Request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import EnvironBuilder

from flask_oauth_gateway.config import Settings
from flask_oauth_gateway.proofs.certificates import Certificates, ClientCertificate
from flask_oauth_gateway.signals import certificate_ignored
from tests.support.certificates import Ca, self_signed
from tests.support.odd_certificates import odd_certificates

NGINX = "X-SSL-Client-Cert"
CERTIFICATE = self_signed("Zoë's client")
OTHER = self_signed()
APP = Flask("any")


def of(
    source: Any, headers: Mapping[str, str], address: str | None = "127.0.0.1", **settings: Any
) -> ClientCertificate | None:
    """The certificate of a request with these headers, from this address; WSGI's keys may stand among the headers."""
    environ = {name if name.startswith(("SSL_", "HTTP_")) else key_of(name): text for name, text in headers.items()}
    if address is not None:
        environ["REMOTE_ADDR"] = address
    config = {"OAUTH_MTLS": True, "OAUTH_MTLS_CERTIFICATE": source, **settings}
    return Certificates(Flask("any"), Settings.from_config(config)).of(Request(environ))


def is_found(source: Any, text: str, name: str = NGINX, **more: Any) -> bool:
    found = of(source, {name: text}, **more)
    assert found is None or found.thumbprint in (CERTIFICATE.thumbprint, OTHER.thumbprint)
    return found is not None and found.thumbprint == CERTIFICATE.thumbprint


def key_of(header: str) -> str:
    """WSGI's key of a header."""
    return f"HTTP_{header.upper().replace('-', '_')}"


ONE_LINE = "".join(CERTIFICATE.pem.splitlines()[1:-1])
#: Each source, the header in which it stands there, and what is written into it.
WRITTEN = {
    "nginx": ("nginx", NGINX, CERTIFICATE.escaped),
    "Apache": ("apache", NGINX, CERTIFICATE.escaped),
    "HAProxy": ("haproxy", NGINX, CERTIFICATE.base64),
    "Traefik": ("traefik", "X-Forwarded-Tls-Client-Cert", ONE_LINE),
    "an older Traefik": ("traefik", "X-Forwarded-Tls-Client-Cert", quote(ONE_LINE, safe="")),
    "Envoy": ("envoy", "X-Forwarded-Client-Cert", CERTIFICATE.xfcc("By=spiffe://a/b")),
    "RFC 9440": ("rfc9440", "Client-Cert", f":{CERTIFICATE.base64}:"),
    "a server that ends TLS": ("environ", "SSL_CLIENT_CERT", CERTIFICATE.pem),
    "nginx with uwsgi_param": ("environ", "SSL_CLIENT_CERT", CERTIFICATE.escaped),
    "Amazon's": (
        {"header": "X-Amzn-Mtls-Clientcert", "format": "pem-escaped"}, "X-Amzn-Mtls-Clientcert",
        quote(CERTIFICATE.pem, safe="+=/"),
    ),
    "Cloudflare": (
        {"header": "Cf-Client-Cert-Der-Base64", "format": "der-base64"}, "Cf-Client-Cert-Der-Base64", CERTIFICATE.base64,
    ),
    "spaces for line breaks": ({"header": NGINX, "format": "pem"}, NGINX, CERTIFICATE.pem.replace("\n", " ")),
}  # fmt: skip


@pytest.mark.parametrize(("source", "header", "text"), WRITTEN.values(), ids=WRITTEN)
def test_the_certificate_is_read_from_what_the_proxy_writes(source: Any, header: str, text: str) -> None:
    found = of(source, {header: text})
    assert found is not None
    assert (found.thumbprint, found.certificate) == (CERTIFICATE.thumbprint, CERTIFICATE.certificate)
    assert not found.verified


@pytest.mark.parametrize(("source", "header", "text"), WRITTEN.values(), ids=WRITTEN)
def test_without_a_source_or_with_nothing_in_the_header_there_is_no_certificate(
    source: Any, header: str, text: str
) -> None:
    assert of(None, {header: text}) is None
    for nothing in ("", " ", "(null)", "-", "None", "{http.request.tls.client.certificate_der_base64}"):
        assert of(source, {header: nothing}) is None
    assert of(source, {}) is None


@pytest.mark.parametrize(("source", "header", "text"), WRITTEN.values(), ids=WRITTEN)
def test_what_can_be_read_in_two_ways_is_no_certificate(source: Any, header: str, text: str) -> None:
    for odd in (
        f"{text}x!",
        text[:-9],
        text[9:],
        text.replace("A", "*", 1),
        "é" + text,
        text + " " * 16384,
        text * 12,
        f"{text} {text}",
    ):
        assert of(source, {header: odd}) is None, odd
    if source != "envoy":  # where a comma divides elements
        assert of(source, {header: f"{text},{text}"}) is None
        assert of(source, {header: f"{text}, {OTHER.pem}"}) is None


@pytest.mark.parametrize("name", ["nginx", "HAProxy", "Traefik", "Envoy", "RFC 9440"])
def test_only_a_proxy_is_believed_by_the_address_of_the_connection_itself(name: str) -> None:
    source, header, text = WRITTEN[name]
    peers = {"OAUTH_MTLS_PEERS": ["10.1.0.0/16", "2001:db8::/64"]}
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"):
        assert of(source, {header: text}, address, **peers)
    for address in ("127.0.0.1", "10.2.0.1", "::1", "", None, "unix", "nobody"):
        assert of(source, {header: text}, address, **peers) is None
        claims = {"X-Forwarded-For": "10.1.2.3", "Forwarded": "for=10.1.2.3", "X-Real-IP": "10.1.2.3"}
        assert of(source, {header: text, **claims}, address, **peers) is None
    for address in ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "", None):  # the default
        assert of(source, {header: text}, address)
    assert of(source, {header: text}, "10.0.0.1") is None
    assert of(source, {header: text}, "", OAUTH_MTLS_PEERS=["10.0.0.0/8"]) is None


@pytest.mark.parametrize("address", ["", "localhost", "<local>"], ids=["gunicorn", "waitress", "Flask's own"])
def test_a_unix_socket_is_known_by_what_each_server_says_of_it(address: str) -> None:
    for peers, is_believed in ((["unix"], True), (["127.0.0.1", "::1"], False)):
        found = of("nginx", {NGINX: CERTIFICATE.escaped}, address, OAUTH_MTLS_PEERS=peers)
        assert (found is not None) is is_believed


def test_a_server_that_ends_tls_itself_is_believed_whoever_calls_and_never_a_header() -> None:
    assert of("environ", {"SSL_CLIENT_CERT": CERTIFICATE.pem}, "203.0.113.9")
    assert of("environ", {"HTTP_SSL_CLIENT_CERT": CERTIFICATE.pem}) is None
    assert of("nginx", {"SSL_CLIENT_CERT": CERTIFICATE.pem}) is None


def test_proxyfix_changes_nothing_about_who_is_believed() -> None:
    seen: list[dict[str, Any]] = []

    def inner(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ)
        return []

    certificates = Certificates(
        Flask("any"), Settings.from_config({"OAUTH_MTLS": True, "OAUTH_MTLS_CERTIFICATE": "nginx"})
    )
    for direct, forwarded, is_believed in (("127.0.0.1", "203.0.113.9", True), ("203.0.113.9", "127.0.0.1", False)):
        environ = EnvironBuilder(headers={NGINX: CERTIFICATE.escaped, "X-Forwarded-For": forwarded}).get_environ()
        ProxyFix(inner)(environ | {"REMOTE_ADDR": direct}, lambda *_: None)  # type: ignore[arg-type]
        assert seen[-1]["REMOTE_ADDR"] == forwarded
        assert (certificates.of(Request(seen[-1])) is not None) is is_believed


def test_a_stranger_s_header_is_told_and_a_proxy_s_is_not() -> None:
    told: list[Any] = []

    def note(sender: Any, **payload: Any) -> None:
        told.append(payload)

    certificate_ignored.connect(note)
    try:
        of("nginx", {NGINX: CERTIFICATE.escaped})
        of("nginx", {NGINX: "nonsense"})
        of("nginx", {}, "203.0.113.9")
        assert not told
        of("nginx", {NGINX: CERTIFICATE.escaped}, "203.0.113.9")
    finally:
        certificate_ignored.disconnect(note)
    assert told == [{"address": "203.0.113.9", "header": "HTTP_X_SSL_CLIENT_CERT"}]


def test_the_proxy_s_own_word_counts_where_it_is_exactly_that() -> None:
    for source, yes in (("nginx", "SUCCESS"), ("haproxy", "0")):
        text = CERTIFICATE.base64 if source == "haproxy" else CERTIFICATE.escaped
        for said, is_yes in (
            (yes, True),
            (yes.lower() + " ", False),
            ("", False),
            (f"{yes},{yes}", False),
            ("FAILED:expired", False),
            ("GENEROUS", False),
            ("NONE", False),
            ("00", False),
        ):
            found = of(source, {NGINX: text, "X-SSL-Client-Verify": said})
            assert found is not None
            assert found.verified is is_yes
    source = {"header": "Client-Cert", "format": "structured", "verified": ("X-Checked", "yes")}
    headers = {"Client-Cert": f":{CERTIFICATE.base64}:", "X-Checked": "yes"}
    assert of(source, headers).verified  # type: ignore[union-attr]


def test_apache_s_own_word_doesn_t_count() -> None:
    """It says SUCCESS of every certificate whose TLS 1.2 session is taken up again (`test_proxies.py` shows it)."""
    for source, certificate, verified in (
        ("apache", NGINX, "X-SSL-Client-Verify"),
        ("environ", "SSL_CLIENT_CERT", "SSL_CLIENT_VERIFY"),
    ):
        found = of(source, {certificate: CERTIFICATE.escaped, verified: "SUCCESS"})
        assert found is not None
        assert not found.verified


XFCC = {
    "the last element": (OTHER.xfcc() + "," + CERTIFICATE.xfcc(), True),
    "not the one before": (CERTIFICATE.xfcc() + "," + OTHER.xfcc(), False),
    "nothing after a comma": (CERTIFICATE.xfcc() + ",", False),
    "a last element without a certificate": (CERTIFICATE.xfcc() + f",Hash={CERTIFICATE.hash}", False),
    "a hash alone": (f"Hash={CERTIFICATE.hash}", False),
    "all that Envoy may write": (CERTIFICATE.xfcc("By=spiffe://a/b", after=";URI=https://a?b=c;DNS=d"), True),
    "keys in capitals": (f'HASH=aa;CERT="{CERTIFICATE.escaped}"', True),
    "keys in small letters": (f'hash=aa;cert="{CERTIFICATE.escaped}"', True),
    "no quotes": (f"Cert={CERTIFICATE.escaped}", True),
    "a subject with Cert in it": (
        f'Subject="CN=x;Cert={OTHER.escaped}";Cert="{CERTIFICATE.escaped}"', True
    ),
    "a subject with a quoted Cert in it": (
        f'Cert="{CERTIFICATE.escaped}";Subject="CN=\\";Cert=\\"{OTHER.escaped}\\""', True
    ),
    "a subject with a comma in it": (f'Cert="{CERTIFICATE.escaped}";Subject="O=a,Cert={OTHER.escaped}"', True),
    "a subject that ends with a backslash": (f'Cert="{CERTIFICATE.escaped}";Subject="CN=x\\\\";URI=a', False),
    "a subject with a backslash and a quote": (
        f'Cert="{CERTIFICATE.escaped}";Subject="CN=x\\\\\\";Cert={OTHER.escaped}"', True
    ),
    "two certificates": (f'Cert="{OTHER.escaped}";Cert="{CERTIFICATE.escaped}"', False),
    "two certificates in one": (f'Cert="{OTHER.escaped}{CERTIFICATE.escaped}"', False),
    "an unterminated quote": (f'Cert="{CERTIFICATE.escaped}', False),
    "an unterminated quote before": (f'Subject="x,{CERTIFICATE.xfcc()}', False),
    "something after a quote": (f'Cert="{CERTIFICATE.escaped}"x', False),
    "no pair": (f'x;Cert="{CERTIFICATE.escaped}"', False),
    "a semicolon at the end": (f'Cert="{CERTIFICATE.escaped}";', False),
    "spaces": (f'Hash=a; Cert="{CERTIFICATE.escaped}" , By=b; Cert="{CERTIFICATE.escaped}"', True),
}  # fmt: skip


@pytest.mark.parametrize(("text", "is_it"), XFCC.values(), ids=XFCC)
def test_of_envoy_s_header_the_last_element_counts_with_its_quotes_by_the_letter(text: str, is_it: bool) -> None:
    assert is_found("envoy", text, "X-Forwarded-Client-Cert") is is_it


def test_the_chain_is_read_where_the_format_has_one() -> None:
    ca = Ca()
    below = Ca("Below", above=ca)
    leaf = below.client()
    pems = quote(leaf.pem + below.pem, safe="")
    found = of("envoy", {"X-Forwarded-Client-Cert": leaf.xfcc(after=f';Chain="{pems}"')})
    assert found is not None
    assert below.certificate in found.chain
    listed = f":{below.base64}:, :{ca.base64}:"
    found = of("rfc9440", {"Client-Cert": f":{leaf.base64}:", "Client-Cert-Chain": listed})
    assert found is not None
    assert found.chain == (below.certificate, ca.certificate)
    found = of("environ", {"SSL_CLIENT_CERT": leaf.pem, "SSL_CLIENT_CERT_CHAIN_0": below.pem})
    assert found is not None
    assert found.chain == (below.certificate,)
    for odd in ("x", f":{below.base64}:,", f":{below.base64}:, x", f":{below.base64}:," * 40):
        found = of("rfc9440", {"Client-Cert": f":{leaf.base64}:", "Client-Cert-Chain": odd})
        assert found is None or found.chain == ()


def test_odd_certificates_are_none() -> None:
    for name, pem in odd_certificates().items():
        if name not in ("X25519", "X448", "DSA", "secp256k1", "RSA of 1024 bits"):  # odd, and yet certificates
            text = quote(pem.encode("utf-8", "surrogatepass"), safe="")
            assert of("nginx", {NGINX: text}) is None, name


def mutated(text: str, draw: random.Random) -> str:
    """A header with one to four small wounds."""
    for _ in range(draw.randint(1, 4)):
        at, wide = draw.randrange(len(text)), draw.randint(0, 40)
        piece = draw.choice(['"', ",", ";", "\\", "=", "%", "%2", ":", "Cert=", 'Cert="', "é", "\0", "%00", " ", ""])
        text = (
            draw.choice(
                [
                    text[:at] + piece + text[at:],
                    text[:at] + piece + text[at + wide :],
                    text[:at] + text[at : at + wide] * 3,
                ]
            )
            or "x"
        )
    return text


@pytest.mark.parametrize("name", ["nginx", "HAProxy", "Traefik", "Envoy", "RFC 9440"])
def test_of_a_thousand_mutated_headers_none_gives_another_certificate_or_takes_long(name: str) -> None:
    source, header, text = WRITTEN[name]
    draw = random.Random(name)  # noqa: S311  the same wounds at each run
    for wounded in (mutated(text, draw) for _ in range(1000)):
        found, took = read(source, header, wounded)
        assert found is None or found.thumbprint == CERTIFICATE.thumbprint or not _is_signed(found)
        assert took < 0.05 or min(read(source, header, wounded)[1] for _ in range(3)) < 0.05


def read(source: Any, header: str, text: str) -> tuple[ClientCertificate | None, float]:
    """What is made of a header that was never seen before, and how many seconds of this thread that took."""
    http = Request({key_of(header): text, "REMOTE_ADDR": "127.0.0.1"})
    certificates = Certificates(APP, settings_of(source))
    began = time.thread_time()
    found = certificates.of(http)
    return found, time.thread_time() - began


@cache
def settings_of(name: str) -> Settings:
    return Settings.from_config({"OAUTH_MTLS": True, "OAUTH_MTLS_CERTIFICATE": name})


def _is_signed(found: ClientCertificate) -> bool:
    """Whether a certificate's signature is right; what a mutation left of one is only that."""
    try:
        found.certificate.verify_directly_issued_by(found.certificate)
    except Exception:  # noqa: BLE001  whatever is odd about it
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        'Subject="' + '\\"' * 8000,
        "Subject=" + "\\" * 16000,
        ";" * 16384,
        "a=;" * 5000,
        'a="";' * 3200,
        " " * 16384,
        "a=" + " " * 16000,
        ":" + "A" * 16382 + ":",
        "%" * 16384,
        "%41" * 5000,
        "-----BEGIN CERTIFICATE-----" * 600,
        "-----END CERTIFICATE-----" * 600,
        'Chain="' + "-----END CERTIFICATE-----" * 600 + '"',
    ],
    ids=lambda text: text[:12],
)
def test_no_header_takes_long(text: str) -> None:
    for name in ("nginx", "HAProxy", "Traefik", "Envoy", "RFC 9440"):
        source, header, _ = WRITTEN[name]
        results = [read(source, header, text) for _ in range(3)]
        assert [found for found, _ in results] == [None] * 3
        assert min(took for _, took in results) < 0.05

"""The certificate of a client's TLS connection (RFC 8705): from the proxy that ends TLS, or from the WSGI server.

A header counts only where the connection itself comes from one of `OAUTH_MTLS_PEERS`: whoever else sends it has no
certificate, whatever the header says. What is verified here is who said it, not the certificate: who has signed it is
`trust.py`'s.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256

from ..crypto.certificates import UnusableKey, certificate_of_der
from ..signals import certificate_ignored
from ..web.addresses import is_trusted_peer, peer_of
from .certificate_headers import FORMATS, MAX_CHAIN, Presented, read_pem, read_structured_chain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509
    from flask import Flask, Request

    from ..config import Settings

MAX_HEADER = 16384  # characters: a certificate of the largest keys in use has a quarter of that
MAX_REMEMBERED = 512

ENVIRON = "environ"
#: The sources that have a name, as an app would describe them. The keys of `ENVIRON` are mod_ssl's. Its SSL_CLIENT_VERIFY is not
#: believed: it says SUCCESS of a certificate that was let through unchecked, where a TLS 1.2 session is taken up again.
SOURCES: Mapping[str, Mapping[str, Any]] = {
    "nginx": {
        "header": "X-SSL-Client-Cert",
        "format": "pem-escaped",
        "verified": ("X-SSL-Client-Verify", "SUCCESS"),
    },
    "apache": {"header": "X-SSL-Client-Cert", "format": "pem-escaped"},
    "haproxy": {"header": "X-SSL-Client-Cert", "format": "der-base64", "verified": ("X-SSL-Client-Verify", "0")},
    "traefik": {"header": "X-Forwarded-Tls-Client-Cert", "format": "pem"},
    "envoy": {"header": "X-Forwarded-Client-Cert", "format": "xfcc"},
    "rfc9440": {"header": "Client-Cert", "format": "structured"},
}


class ClientCertificate(NamedTuple):
    """A client's certificate, and those that came with it, which may lead to its CA.

    `thumbprint`: `x5t#S256` (RFC 8705 section 3.1). `verified`: the proxy says that it has checked the chain.
    """

    certificate: x509.Certificate
    thumbprint: str
    chain: tuple[x509.Certificate, ...]
    verified: bool


class Certificates:
    """Finds the certificate of a request, by `OAUTH_MTLS_CERTIFICATE`."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._peers = settings.mtls_peers
        given = settings.mtls_certificate
        self._in_environ = given == ENVIRON
        source = SOURCES.get(given, {}) if isinstance(given, str) else given or {}
        self._header = _key(source["header"]) if source else None
        self._format = source.get("format", "")
        self._chain = _key(source["header"] + "-Chain") if self._format == "structured" else None
        verified = source.get("verified")
        self._verified = None if verified is None else _key(verified[0])
        self._yes = None if verified is None else verified[1]
        if self._in_environ:
            self._header = "SSL_CLIENT_CERT"
        # By the text: the same clients come again and again, and what they present takes longer to parse than to compare.
        self._read = lru_cache(maxsize=MAX_REMEMBERED)(_parsed)

    def of(self, http: Request) -> ClientCertificate | None:
        """The certificate of this request's client; `None` where it has none that can be believed and read."""
        environ = http.environ
        text = environ.get(self._header) if self._header is not None else None
        if not text:
            return None
        if not self._in_environ and not is_trusted_peer(peer_of(environ), self._peers):
            certificate_ignored.send(self._app, address=peer_of(environ)[:64], header=self._header)
            return None
        chain = self._chain_in(environ)
        if len(text) > MAX_HEADER or len(chain) > MAX_HEADER:
            return None
        found = self._read(self._format, text, chain)
        if found is None:
            return None
        return ClientCertificate(*found, self._verified is not None and environ.get(self._verified) == self._yes)

    def _chain_in(self, environ: Mapping[str, Any]) -> str:
        """The certificates that came with the client's, where they stand by themselves."""
        if self._chain is not None:
            return str(environ.get(self._chain) or "")
        if self._in_environ:
            names = [f"SSL_CLIENT_CERT_CHAIN_{number}" for number in range(MAX_CHAIN)]
            return ",".join(str(environ[name]) for name in names if environ.get(name))
        return ""


def thumbprint_of(certificate: x509.Certificate) -> str:
    """`x5t#S256`: SHA-256 of the DER in base64url, without padding (RFC 8705 section 3.1)."""
    return urlsafe_b64encode(certificate.fingerprint(SHA256())).rstrip(b"=").decode()


def _parsed(form: str, text: str, chain: str) -> tuple[x509.Certificate, str, tuple[x509.Certificate, ...]] | None:
    """The certificate in a header, its thumbprint and the rest of its chain; `None` where it can't be read."""
    presented: Presented | None
    if form:
        presented = FORMATS[form](text)
        further = read_structured_chain(chain) if chain else ()
    else:
        presented = read_pem(text)
        pems = [read_pem(each) for each in chain.split(",")] if chain else []
        further = tuple(each.leaf for each in pems if each is not None)
    if presented is None:
        return None
    try:
        leaf = certificate_of_der(presented.leaf)
        rest = tuple(map(certificate_of_der, presented.chain + further))
    except (UnusableKey, Warning):  # cryptography warns of names that are malformed, and tests make errors of it
        return None
    return leaf, thumbprint_of(leaf), rest


def _key(header: str) -> str:
    """The key of a header in WSGI's environ; it is that of the name with underscores, too."""
    return f"HTTP_{header.upper().replace('-', '_')}"

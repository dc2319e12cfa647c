"""Settings of tokens that are bound to a key: by DPoP's proofs, or by the certificate of a mutual TLS connection."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..checks import ConfigurationError, boolean, names, one_of, one_or_more_of, positive, true_false_or
from ..protection import read_peers
from ..server import read_issuer
from ..setting import setting

DPOP_ALGORITHMS = ("ES256", "ES384", "ES512", "Ed25519", "PS256", "RS256")
CERTIFICATE_SOURCES = ("nginx", "apache", "haproxy", "traefik", "envoy", "rfc9440", "environ")
CERTIFICATE_FORMATS = ("pem-escaped", "pem", "der-base64", "xfcc", "structured")
VERIFYING_SOURCES = frozenset({"nginx", "haproxy"})  # which also say whether they checked the chain
CERTIFICATE_METHODS = ("tls_client_auth", "self_signed_tls_client_auth")
_HEADER = re.compile(r"[A-Za-z0-9-]+")  # a name with underscores has the same key in WSGI as one with hyphens


def read_public_origins(key: str, value: Any) -> tuple[str, ...]:
    """Origins: scheme, host and port, without a path."""
    listed = names(key, value)
    for item in listed:
        if not re.fullmatch(r"https?://[^/?#@\s]+", item):
            raise ConfigurationError(key, value, "a list of origins such as 'https://api.example.com'")
    return listed


def read_certificates(key: str, value: Any) -> tuple[str, ...] | None:
    """PEM texts or paths: a list, or one of them alone; or `None`."""
    if value is None:
        return None
    listed = (value,) if isinstance(value, (str, Path)) else value
    if (
        not isinstance(listed, Sequence)
        or not listed
        or not all(isinstance(each, (str, Path)) and str(each) for each in listed)
    ):
        raise ConfigurationError(key, value, "a list of PEM texts or paths, or None")
    return tuple(map(str, listed))


def read_mtls_url(key: str, value: Any) -> str | None:
    """An origin, without a path; or `None`."""
    url = read_issuer(key, value)
    if url is not None and urlsplit(url).path:
        raise ConfigurationError(key, value, "a URL without a path, such as 'https://mtls.example.com'; or None")
    return url


def read_certificate_source(key: str, value: Any) -> str | Mapping[str, Any] | None:
    """The name of a source, a dict that describes one, or `None`."""
    allowed = f"{', '.join(CERTIFICATE_SOURCES)}, None, or a dict with 'header', 'format' and perhaps 'verified'"
    if value is None or value in CERTIFICATE_SOURCES:
        return value  # type: ignore[no-any-return]
    if not isinstance(value, Mapping) or not set(value) <= {"header", "format", "verified"}:
        raise ConfigurationError(key, value, allowed)
    if not isinstance(value.get("header"), str) or value.get("format") not in CERTIFICATE_FORMATS:
        raise ConfigurationError(key, value, f"{allowed}; the formats are {', '.join(CERTIFICATE_FORMATS)}")
    if not _HEADER.fullmatch(value["header"]):
        raise ConfigurationError(f"{key}['header']", value["header"], "a header's name, without underscores")
    verified = value.get("verified")
    if verified is not None and not (
        isinstance(verified, (tuple, list))
        and len(verified) == 2
        and all(isinstance(each, str) and each for each in verified)
        and _HEADER.fullmatch(verified[0])
    ):
        raise ConfigurationError(f"{key}['verified']", verified, "a header's name and the value that says yes")
    return dict(value)


@dataclass(frozen=True, init=False, repr=False, eq=False)
class BoundTokenSettings:
    """A group of `Settings`."""

    __slots__ = ()

    dpop: bool | str = setting(
        False,
        true_false_or("required"),
        "Whether clients may bind tokens to a key of theirs, by DPoP (RFC 9449): a stolen token is then no use without the"
        ' key. `"required"`: every access token is bound, by this or by a certificate.',
    )
    dpop_nonce: bool = setting(
        False,
        boolean,
        "Whether a proof must hold a nonce of this server's, which shows that it was made just now.",
    )
    dpop_lifetime: int = setting(
        60, positive, "How many seconds the time in a proof may be off, either way, where it has no nonce."
    )
    dpop_algorithms: tuple[str, ...] = setting(
        DPOP_ALGORITHMS, one_or_more_of(*DPOP_ALGORITHMS), "With which algorithms proofs may be signed."
    )
    dpop_replay: str = setting(
        "everywhere",
        one_of("everywhere", "endpoints"),
        "Where a proof is good once. `\"endpoints\"`: at the gateway's own endpoints alone, for views that can't afford a"
        " write a request.",
    )
    public_origins: tuple[str, ...] = setting(
        (),
        read_public_origins,
        "The origins, beside those of `OAUTH_ISSUER` and `OAUTH_RESOURCES`, under which the app is reached: a proof names"
        " the URL that it is for.",
    )
    mtls: bool = setting(
        False,
        boolean,
        "Whether clients may prove who they are by a TLS certificate, and bind tokens to it (RFC 8705).",
    )
    mtls_certificate: str | Mapping[str, Any] | None = setting(
        None,
        read_certificate_source,
        'Where a client\'s certificate comes from: the name of the proxy that ends TLS (`"nginx"`, `"apache"`,'
        ' `"haproxy"`, `"traefik"`, `"envoy"`, `"rfc9440"`), `"environ"` for a server that ends TLS itself, or a dict with'
        " `header`, `format` (`pem-escaped`, `pem`, `der-base64`, `xfcc`, `structured`) and perhaps `verified` (a header,"
        " and the value by which the proxy says that it has checked the chain).",
    )
    mtls_peers: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1", "unix"),
        read_peers,
        "Addresses and networks of the proxies whose certificate header is believed, by the connection's own address;"
        " `unix` stands for whoever comes by a Unix socket.",
    )
    mtls_ca: tuple[str, ...] | None = setting(
        None,
        read_certificates,
        "The certificates, as PEM texts or paths, of those who sign clients' certificates for `tls_client_auth`. They are read"
        " at the start. Without them the proxy's word counts, where it says that it has checked the certificate.",
    )
    mtls_url: str | None = setting(
        None,
        read_mtls_url,
        "The origin at which the server asks for certificates, where that is another one than `OAUTH_ISSUER`'s: the"
        " metadata name its endpoints there (`mtls_endpoint_aliases`).",
    )

    @property
    def has_certificate_methods(self) -> bool:
        """Whether clients may authenticate by a certificate."""
        return not frozenset(CERTIFICATE_METHODS).isdisjoint(getattr(self, "client_auth_methods", ()))

    @property
    def proxy_verifies(self) -> bool:
        """Whether the source of certificates says that somebody has checked the chain."""
        source = self.mtls_certificate
        return source in VERIFYING_SOURCES if isinstance(source, str) else bool((source or {}).get("verified"))

    def check_mtls(self) -> None:
        """Raises `ConfigurationError` where a client would be believed for a certificate that nobody has checked."""
        methods = getattr(self, "client_auth_methods", ())
        if self.has_certificate_methods and not self.mtls:
            allowed = f"without {' and '.join(CERTIFICATE_METHODS)}, where OAUTH_MTLS is not True"
            raise ConfigurationError("OAUTH_CLIENT_AUTH_METHODS", list(methods), allowed)
        if "tls_client_auth" in methods and self.mtls_ca is None and not self.proxy_verifies:
            raise ConfigurationError(
                "OAUTH_MTLS_CA",
                None,
                "the certificates of those who sign clients' certificates, where OAUTH_CLIENT_AUTH_METHODS has tls_client_auth"
                " and OAUTH_MTLS_CERTIFICATE names no header ('verified') in which the proxy says that it has checked them",
            )

"""Finds what is weak where clients show TLS certificates (`OAUTH_MTLS`): each function checks one thing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_network
from typing import TYPE_CHECKING

from .weakness import Weakness

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer
    from ..config import Settings

SOON = 30 * 86400
WIDE = {4: 24, 6: 64}  # bits: the peers of a network are its proxies, or everybody in a cluster
DROPS_UNDERSCORES = 22  # gunicorn's first version that does
PEERS, SOURCE = "OAUTH_MTLS_PEERS", "OAUTH_MTLS_CERTIFICATE"


def mutual_tls(server: AuthorizationServer) -> Iterator[Weakness]:
    """All of it, where mutual TLS is on."""
    if server.settings.mtls:
        for look in (_source, _peers, _spellings, _authorities):
            yield from look(server.settings)


def _source(settings: Settings) -> Iterator[Weakness]:
    if settings.mtls_certificate is None:
        yield Weakness(
            SOURCE,
            "nothing says where clients' certificates come from, so no client ever has one",
            "name the proxy that ends TLS (docs/mutual-tls.md), or set OAUTH_MTLS to False",
        )


def _peers(settings: Settings) -> Iterator[Weakness]:
    networks = [ip_network(each) for each in settings.mtls_peers if each != "unix"]
    for each in networks:
        if not each.is_loopback and each.prefixlen < WIDE[each.version]:
            yield Weakness(
                PEERS,
                f"everybody in {each} is believed for the certificate that they name, and so for any client's",
                "name the proxies' own addresses",
            )


def _spellings(settings: Settings) -> Iterator[Weakness]:
    """WSGI servers that take a header's name with underscores for the one with hyphens, as far as they are to be seen."""
    if settings.mtls_certificate in (None, "environ"):
        return
    gunicorn, uwsgi = _version_of("gunicorn"), _version_of("uwsgi") or _version_of("pyuwsgi")
    let_through = []
    if gunicorn is not None and (
        gunicorn < DROPS_UNDERSCORES or "dangerous" in os.environ.get("GUNICORN_CMD_ARGS", "")
    ):
        let_through.append("gunicorn (as it is set, or before 22)")
    if uwsgi is not None:
        let_through.append("uWSGI")
    if let_through:
        yield Weakness(
            SOURCE,
            f"{' and '.join(let_through)} takes X_SSL_Client_Cert for X-SSL-Client-Cert, so a caller may spoil or forge it",
            "have the proxy drop every spelling with underscores (docs/mutual-tls.md)",
        )


def _authorities(settings: Settings) -> Iterator[Weakness]:
    from ..config import ConfigurationError
    from ..proofs.trust import authorities_of

    try:
        found = authorities_of(settings)
    except ConfigurationError as error:  # the file has changed since the start
        yield Weakness(error.key, "it can't be read any more", f"it may be {error.allowed}")
        return
    for each in found:
        ends = each.not_valid_after_utc
        if ends.timestamp() < time.time() + SOON:
            verb = "ends" if ends.timestamp() > time.time() else "ended"
            yield Weakness(
                "OAUTH_MTLS_CA",
                f"the certificate of {each.subject.rfc4514_string()} {verb} on {ends:%Y-%m-%d}, and with it its clients' sign-in",
                "add the one that follows",
            )


def _version_of(name: str) -> int | None:
    """The first number of an installed package's version; `None` where it isn't installed."""
    try:
        first = version(name).partition(".")[0]
    except PackageNotFoundError:
        return None
    return int(first) if first.isdecimal() else 0

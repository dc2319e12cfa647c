"""Finds a request's address: the connection's, or the one that trusted proxies name (`OAUTH_TRUSTED_PROXIES`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from flask import request

from .environ import current_environ

#: What servers say where the connection came by a Unix socket, which has no address: gunicorn, waitress, Flask's own.
UNIX = frozenset({"", "localhost", "<local>"})
TrustedProxies = int | tuple[IPv4Network | IPv6Network, ...]


class Addresses:
    """Finds the address of the current request. `trusted_proxies`: the number of proxies, or their networks."""

    def __init__(self, trusted_proxies: TrustedProxies) -> None:
        self._trusted = trusted_proxies

    def of_request(self) -> str:
        """The caller's address; empty where there is none (a Unix socket)."""
        direct: str = current_environ().get("REMOTE_ADDR") or ""
        trusted = self._trusted
        if not trusted:
            return direct
        forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
        hops = [direct, *(part for part in reversed(forwarded) if part)]
        if isinstance(trusted, int):
            return _plain(hops[min(trusted, len(hops) - 1)])
        for hop in hops:
            parsed = _parsed(hop)
            if parsed is None or not any(parsed in network for network in trusted):
                return _plain(hop)
        return _plain(hops[-1])

    def neighbourhood(self) -> str:
        """The caller's address for limits: an IPv4 address, or a /64 of IPv6, as a caller with one address has all of it."""
        address = self.of_request()
        parsed = _parsed(address) if ":" in address else None
        if isinstance(parsed, IPv6Address):
            mapped = parsed.ipv4_mapped
            return str(mapped or IPv6Address(int(parsed) >> 64 << 64))
        return address

    def client_here(self, client_id: str | None) -> str:
        """The identity for limits by client and address, so that nobody uses up a client's limit from elsewhere."""
        return f"client:{client_id} address:{self.neighbourhood()}"


def peer_of(environ: Mapping[str, Any]) -> str:
    """The connection's own address, even where ProxyFix has replaced it by the caller's; empty for a Unix socket."""
    return str(environ.get("werkzeug.proxy_fix.orig", environ).get("REMOTE_ADDR") or "")


def first_peer(peers: tuple[str, ...]) -> str:
    """An address that is among these, as `peer_of` gives it."""
    return str(ip_network(peers[0]).network_address) if peers and peers[0] != "unix" else ""


@lru_cache(maxsize=256)
def is_trusted_peer(address: str, peers: tuple[str, ...]) -> bool:
    """Whether a connection's own address is among addresses, networks and `unix`."""
    if address in UNIX:
        return "unix" in peers
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip in ip_network(peer) for peer in peers if peer != "unix")


def _plain(hop: str) -> str:
    """A hop without the port that some proxies add; a text that is no address is cut at 64 characters."""
    parsed = _parsed(hop)
    return hop[:64] if parsed is None else str(parsed)


def _parsed(hop: str) -> IPv4Address | IPv6Address | None:
    for text in (hop, hop.partition("]")[0].lstrip("["), hop.partition(":")[0]):
        try:
            return ip_address(text)
        except ValueError:
            continue
    return None

"""Which addresses are never called, and which hosts by their very form: `fetching.py` looks the others up first."""

from __future__ import annotations

import ipaddress
import socket

from ..config.checks import is_loopback

#: Networks that are nobody's on the internet, which Python, or an older one, takes for public: site-local, the protocols' own,
#: documentation, and what a site translates to its own IPv4.
SPECIAL = (*map(ipaddress.ip_network, ("fec0::/10", "192.0.0.0/24", "3fff::/20", "64:ff9b:1::/48", "192.88.99.0/24")),)
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # IPv4 addresses, as a network with only IPv6 writes them


def is_public(address: str) -> bool:
    """Whether an address is one on the internet. Raises `ValueError` where it is none."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) % 2**32) if ip in NAT64 else None)
        if inner is None and ip.is_reserved:
            return False
        ip = inner or ip
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in SPECIAL)


def is_private(host: str) -> bool:
    """Whether a host is this machine, or an address in a private network, also one in an odd form (`0x7f.1`)."""
    host = host.removesuffix(".")
    try:
        return not is_public(host)
    except ValueError:
        try:
            return not is_public(socket.inet_ntoa(socket.inet_aton(host)))
        except (OSError, UnicodeError):
            return is_loopback(host)

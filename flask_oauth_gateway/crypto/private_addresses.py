"""Which hosts are never called, by their very form: `fetching.py` looks the others up first."""

from __future__ import annotations

import socket

from ..config.checks import is_loopback
from .fetching import is_public


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

"""A document from a URL that somebody else chose: https, no private address, nowhere else, not long, not slow."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from urllib.parse import urljoin, urlsplit

from .config_checks import is_loopback

MAX_BYTES = 65536
MAX_SECONDS = 5.0
MAX_REDIRECTS = 3


class FetchError(Exception):
    """The document can't be had; the message says why."""


def fetch(
    url: str, *, private_addresses: bool = False, plain_http_on_loopback: bool = False
) -> tuple[bytes, int | None]:
    """A document, and the seconds that it may be kept (`Cache-Control: max-age`), `None` where it doesn't say.

    Raises `FetchError`. The host's address is looked up once, and the connection goes to just that address, so that a
    name can't point elsewhere between the check and the connection.
    """
    deadline = time.monotonic() + MAX_SECONDS
    host = urlsplit(url).hostname
    for _ in range(MAX_REDIRECTS + 1):
        status, headers, body = _get(url, deadline, private_addresses, plain_http_on_loopback)
        if status == 200:
            return body, _max_age(headers.get("Cache-Control", ""))
        location = headers.get("Location")
        if status not in (301, 302, 303, 307, 308) or location is None:
            raise FetchError(f"the server answered {status}")
        url = urljoin(url, location)
        if urlsplit(url).hostname != host:
            raise FetchError("it redirects to another host")
    raise FetchError("it redirects again and again")


def _get(
    url: str, deadline: float, private_addresses: bool, plain_http_on_loopback: bool
) -> tuple[int, http.client.HTTPMessage, bytes]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise FetchError("the URL can't be read") from error
    plain = parts.scheme == "http" and plain_http_on_loopback and is_loopback(host)
    if not host or parts.username is not None or not (parts.scheme == "https" or plain):
        raise FetchError("the URL is not https")
    address = _address(host, port or (80 if plain else 443), private_addresses or plain)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _Connection(host, port, address, deadline, plain=plain)
    watchdog = threading.Timer(max(0.1, deadline - time.monotonic()), connection.abort)
    watchdog.daemon = True
    watchdog.start()  # a socket's timeout starts anew with every byte, so that a slow server could go on for ever
    try:
        connection.request("GET", path, headers={"Accept": "application/json", "Accept-Encoding": "identity"})
        response = connection.getresponse()
        return response.status, response.headers, _body(response)
    except (OSError, http.client.HTTPException, ssl.SSLError) as error:
        raise FetchError(f"the connection failed: {error}") from error
    finally:
        watchdog.cancel()
        connection.close()


def _address(host: str, port: int, private: bool) -> tuple[str, int]:
    """The first address of a host, if every one of them is public. Raises `FetchError`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError("the host's name can't be resolved") from error
    addresses = [str(item[4][0]) for item in found]
    if not private and not all(map(_is_public, addresses)):
        raise FetchError("the host has a private address")
    return addresses[0], port


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return (mapped or ip).is_global and not ip.is_multicast


def _body(response: http.client.HTTPResponse) -> bytes:
    body = response.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise FetchError("it is longer than 64 KiB")
    return body


def _max_age(cache_control: str) -> int | None:
    for directive in cache_control.lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name in ("no-store", "no-cache"):
            return 0
        if name == "max-age" and value.strip('"').isdecimal():
            return int(value.strip('"')[:9])
    return None


class _Connection(http.client.HTTPConnection):
    """A connection to one address, under the name of its host."""

    def __init__(self, host: str, port: int | None, address: tuple[str, int], deadline: float, *, plain: bool) -> None:
        super().__init__(host, port or (80 if plain else 443))
        self._address = address
        self._deadline = deadline
        self._plain = plain
        self._raw: socket.socket | None = None

    def connect(self) -> None:
        left = max(0.1, self._deadline - time.monotonic())
        self._raw = self.sock = socket.create_connection(self._address, timeout=left)
        if not self._plain:
            self.sock = ssl.create_default_context().wrap_socket(self._raw, server_hostname=self.host)

    def abort(self) -> None:
        """End it from another thread: whatever waits for its next byte fails."""
        for sock in (self.sock, self._raw):
            if sock is not None:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

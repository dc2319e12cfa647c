"""Calls URLs that others choose: only https, no private address or other host, limited in size and time."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, urljoin, urlsplit

from ..config.checks import is_loopback
from ..locks import Lock
from .private_addresses import is_public

MAX_BYTES = 65536
MAX_SECONDS = 5.0
MAX_REDIRECTS = 3
MAX_MESSAGE = 300
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "flask-oauth-gateway"}  # some firewalls refuse who says no name
TLS_SECONDS = 300  # after which a change of the system's certificate authorities is seen at the latest
TOO_SLOW = "it took too long"
JSON = re.compile(r"application/(?:[a-z0-9.!#$&^_-]+\+)?json")  # as `get_content_type` has it, in small letters

_looking_up = Lock()
_look_ups: dict[tuple[str, int], _LookUp] = {}  # those that are under way, by host and port
_reading_authorities = Lock()  # so that threads which come at once wait for one


class FetchError(Exception):
    """The document can't be fetched. The message says why; it may be in part the other server's, and is made printable."""

    def __init__(self, why: str) -> None:
        super().__init__("".join(c if c.isprintable() else "?" for c in why[:MAX_MESSAGE]))


class RefusedUrl(FetchError):
    """The URL isn't called, by the rules of this file: it may not be, whatever its server would say."""


def fetch(
    url: str,
    *,
    redirects: int = MAX_REDIRECTS,
    within: float = MAX_SECONDS,
    max_bytes: int = MAX_BYTES,
    only_json: bool = False,
    accept: str = "application/json",
    private_addresses: bool = False,
    plain_http_on_loopback: bool = False,
) -> tuple[bytes, int | None]:
    """A document, and the seconds that it may be kept (`Cache-Control: max-age`), or `None` where the answer doesn't say.

    `redirects`: how many are followed, within the host. `within`: seconds. `only_json`: the answer must say that it is JSON.
    Raises `FetchError`. The host's addresses are looked up once, and the connection goes to one of these, so that the name
    can't point elsewhere between the check and the connection.
    """
    deadline = time.monotonic() + min(within, MAX_SECONDS)
    host = _split(url).hostname
    get = _Request("GET", {"Accept": accept}, max_bytes=max_bytes)
    for _ in range(redirects + 1):
        status, headers, body = _ask(get, url, deadline, private_addresses, plain_http_on_loopback)
        if status == 200:
            if only_json and not JSON.fullmatch(headers.get_content_type()):
                raise FetchError(f"it is {headers.get_content_type()}, not application/json")
            return body, _max_age(headers.get("Cache-Control", ""))
        location = headers.get("Location")
        if status not in (301, 302, 303, 307, 308) or location is None or not redirects:
            raise FetchError(f"the server answered {status}")
        try:
            url = urljoin(url, location)
        except ValueError:
            raise FetchError("it redirects to what is no URL") from None
        if _split(url).hostname != host:
            raise FetchError("it redirects to another host")
    raise FetchError("it redirects again and again")


def post_form(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    within: float = MAX_SECONDS,
    private_addresses: bool = False,
    plain_http_on_loopback: bool = False,
) -> tuple[bytes, int | None]:
    """Send a form to exactly this URL; returns the answer, and the seconds that it may be kept, as `fetch` does.

    A redirect is an error, as it would send the form's secrets elsewhere. `within`: seconds. Raises `FetchError`.
    """
    sent = _Request("POST", {**headers, "Content-Type": "application/x-www-form-urlencoded"}, body)
    deadline = time.monotonic() + min(within, MAX_SECONDS)
    status, answered, answer = _ask(sent, url, deadline, private_addresses, plain_http_on_loopback)
    if status != 200:
        raise FetchError(f"the server answered {status}")
    return answer, _max_age(answered.get("Cache-Control", ""))


def tell(
    url: str,
    body: bytes,
    *,
    within: float,
    private_addresses: bool = False,
    plain_http_on_loopback: bool = False,
) -> int:
    """Send a form to exactly this URL; returns the status of the answer, of which nothing else is read.

    `within`: seconds, for all of it. Raises `FetchError`.
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
    sent = _Request("POST", headers, body, reads_body=False)
    return _ask(sent, url, time.monotonic() + within, private_addresses, plain_http_on_loopback)[0]


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    headers: Mapping[str, str]
    body: bytes | None = None
    reads_body: bool = True  # whether what is answered matters, beside its status
    max_bytes: int = MAX_BYTES


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.hostname, parts.port
    except ValueError:
        raise RefusedUrl("the URL can't be read") from None
    return parts


def _ask(
    sent: _Request, url: str, deadline: float, private_addresses: bool, plain_http_on_loopback: bool
) -> tuple[int, http.client.HTTPMessage, bytes]:
    parts = _split(url)
    host = parts.hostname or ""
    here = plain_http_on_loopback and is_loopback(host)  # what may be called so may be called by https, too
    plain = here and parts.scheme == "http"
    if not host or parts.username is not None or not (parts.scheme == "https" or plain):
        raise RefusedUrl("the URL is not https")
    port = parts.port or (80 if plain else 443)
    addresses = _addresses(host, port, deadline)
    if plain and not all(map(is_loopback, addresses)):  # whoever answers for the name may say anything
        raise RefusedUrl("the host is not this machine, and the URL not https")
    here = here and all(map(is_loopback, addresses))
    if not (private_addresses or here) and not all(map(is_public, addresses)):
        raise RefusedUrl("the host has a private address")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _Connection(host, port, addresses, deadline, plain=plain)
    watchdog = threading.Timer(max(0.1, deadline - time.monotonic()), connection.abort)
    watchdog.daemon = True
    watchdog.start()  # a socket's timeout starts anew with every byte, so a slow server could go on for ever
    try:
        connection.request(sent.method, path, sent.body, {**sent.headers, **HEADERS})
        with closing(connection.getresponse()) as response:
            # A redirect's body, and an error's, is nobody's business.
            body = _body(response, sent.max_bytes) if sent.reads_body and response.status == 200 else b""
    except (OSError, http.client.HTTPException, ValueError) as error:
        if connection.aborted or isinstance(error, TimeoutError):
            raise FetchError(TOO_SLOW) from error
        raise FetchError(f"the connection failed: {error}") from error
    finally:
        watchdog.cancel()
        connection.end()
    if connection.aborted:
        raise FetchError(TOO_SLOW)
    return response.status, response.headers, body


def _addresses(host: str, port: int, deadline: float) -> list[str]:
    """The addresses of a host, looked up in a thread, as a look-up itself has no time limit. Raises `FetchError`.

    Who asks for what is just being looked up waits for the same: where no name server answers, one thread hangs for each host,
    however many calls there are.
    """
    with _looking_up:
        thread = _look_ups.get((host, port))
        if thread is None or not thread.is_alive():  # a forked child has none of its parent's threads
            thread = _LookUp(host, port)
            thread.start()
            _look_ups[host, port] = thread
    thread.join(max(0.1, deadline - time.monotonic()))
    found = [*thread.found]
    if not found:
        raise FetchError(TOO_SLOW if thread.is_alive() else "the host's name can't be resolved")
    return found


class _LookUp(threading.Thread):
    def __init__(self, host: str, port: int) -> None:
        super().__init__(daemon=True)
        self._of = host, port
        self.found: list[str] = []

    def run(self) -> None:
        try:
            with suppress(OSError, UnicodeError):
                found = socket.getaddrinfo(*self._of, type=socket.SOCK_STREAM)
                self.found = [str(item[4][0]) for item in found]
        finally:
            with _looking_up:
                if _look_ups.get(self._of) is self:
                    del _look_ups[self._of]


def _body(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise FetchError(f"it is longer than {max_bytes / 1024:g} KiB")
    return body


def _tls() -> ssl.SSLContext:
    """What checks the servers' certificates: kept, as reading the system's authorities takes a processor 50 ms."""
    with _reading_authorities:
        return _tls_of(int(time.monotonic() // TLS_SECONDS))


@lru_cache(maxsize=1)
def _tls_of(period: int) -> ssl.SSLContext:
    return ssl.create_default_context()


def _max_age(cache_control: str) -> int | None:
    directives = dict(each.strip().partition("=")[::2] for each in cache_control.lower().split(","))
    if "no-store" in directives or "no-cache" in directives:
        return 0
    seconds = directives.get("max-age", "").strip('"')
    return int(seconds[:9]) if seconds.isdecimal() else None


class _Connection(http.client.HTTPConnection):
    """A connection to addresses that were checked, under their host's name."""

    def __init__(self, host: str, port: int, addresses: list[str], deadline: float, *, plain: bool) -> None:
        super().__init__(host, port)
        # The Host header leaves this port out.
        self.default_port = http.client.HTTP_PORT if plain else http.client.HTTPS_PORT
        self._addresses = addresses
        self._deadline = deadline
        self._plain = plain
        self._socket: socket.socket | None = None  # `sock` is None again once the body is being read
        self.aborted = False

    def connect(self) -> None:
        self.sock = self._socket = self._connected()
        if not self._plain:
            # The handshake comes after this, so that `abort` can end a slow one.
            secure = _tls().wrap_socket(self._socket, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock = self._socket = secure
        if self.aborted:  # `abort` came before there was a socket to close
            raise OSError(TOO_SLOW)
        if not self._plain:
            secure.do_handshake()

    def _connected(self) -> socket.socket:
        """A socket to the first address that answers."""
        failure: OSError | None = None
        for address in self._addresses:
            try:
                return socket.create_connection((address, self.port), max(0.1, self._deadline - time.monotonic()))
            except OSError as error:
                failure = error
            if time.monotonic() >= self._deadline:
                break
        raise failure or OSError("no address")

    def abort(self) -> None:
        """End the connection from another thread: a read that waits for the next byte fails."""
        self.aborted = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Close the connection, whatever its state."""
        self.close()
        if self._socket is not None:
            self._socket.close()

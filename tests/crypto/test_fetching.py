"""Documents from a URL that somebody else chose: nowhere private, nowhere else, not long, not slow."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from flask_oauth_gateway.crypto import fetching as safe_fetch
from flask_oauth_gateway.crypto.fetching import FetchError, RefusedUrl, fetch, tell
from tests.support.key_server import KeyServer, key_server
from tests.support.ports import free_port

LIMIT = 0.4


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyServer]:
    """A server on loopback; what takes longer than 0.4 seconds is too slow."""
    monkeypatch.setattr(safe_fetch, "MAX_SECONDS", LIMIT)
    with key_server() as server:
        yield server


def refused(url: str, **how: Any) -> str:
    """Why a document can't be had."""
    start = time.monotonic()
    with pytest.raises(FetchError) as raised:
        fetch(url, plain_http_on_loopback=True, **how)
    assert time.monotonic() - start < LIMIT + 1
    return str(raised.value)


def test_a_document_and_how_long_it_may_be_kept(server: KeyServer) -> None:
    server.says = {"a": 1}
    assert fetch(f"{server.url}?x=1", plain_http_on_loopback=True) == (b'{"a": 1}', None)
    server.headers = {"Cache-Control": "public, max-age=77"}
    assert fetch(server.url, plain_http_on_loopback=True) == (b'{"a": 1}', 77)
    assert server.requests == ["/jwks?x=1", "/jwks"]


def test_plain_http_is_for_loopback_where_that_is_let_through(server: KeyServer) -> None:
    for url in (
        "http://example.com/", "ftp://127.0.0.1/", "file:///etc/passwd", "//127.0.0.1/", "/jwks", "", "http://", "https://",
        f"http://user@127.0.0.1:{server.port}/", f"http://user:pw@127.0.0.1:{server.port}/", "https://a@b.example/",
        f"http://127.0.0.1.example:{server.port}/", "gopher://127.0.0.1/",
    ):  # fmt: skip
        assert refused(url) == "the URL is not https"
    for url in ("https://[", "http://127.0.0.1:99999/", "https://[::1", "http://127.0.0.1:x/"):
        assert refused(url) == "the URL can't be read"
    with pytest.raises(FetchError, match="not https"):
        fetch(server.url)
    assert server.requests == []


def test_a_name_below_localhost_is_this_machine_and_must_lead_here(
    server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, really = ["127.0.0.1"], socket.getaddrinfo

    def look_up(host: str, *rest: Any, **how: Any) -> Any:
        return [(0, 0, 0, "", (each, 0)) for each in there] if host == "keys.localhost" else really(host, *rest, **how)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    url = server.url.replace("127.0.0.1", "keys.localhost")
    server.says = {"a": 1}
    assert fetch(url, plain_http_on_loopback=True)[0] == b'{"a": 1}'
    for elsewhere in (["10.0.0.1"], ["127.0.0.1", "203.0.113.1"]):
        there[:] = elsewhere
        assert refused(url) == "the host is not this machine, and the URL not https"
    assert len(server.requests) == 1


PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",  # noqa: S104
    "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "fec0::1", "192.0.0.192", "::ffff:192.0.0.192", "3fff::1",
    "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1", "192.0.2.1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_not_asked(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("it was asked")

    monkeypatch.setattr(socket, "create_connection", never)
    for addresses in ([address], [PUBLIC[0], address]):  # not even where another one is public
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (each, 443)) for each in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, found=found, **__: found)
        assert refused("https://keys.example/") == "the host has a private address"


def test_public_addresses_are_asked_one_after_the_other_and_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    looked_up: list[str] = []

    def look_up(host: str, port: int, **_: Any) -> Any:
        looked_up.append(host)
        return [(0, 0, 0, "", (each, port)) for each in PUBLIC]

    def connect(address: Any, timeout: float) -> Any:
        asked.append(address)
        raise ConnectionRefusedError("no")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert refused("https://keys.example/") == "the connection failed: no"
    assert asked == [(each, 443) for each in PUBLIC]
    assert looked_up == ["keys.example"]


def test_a_private_address_may_be_allowed() -> None:
    url = f"https://127.0.0.1:{free_port()}/"
    with pytest.raises(FetchError, match="private address"):
        fetch(url)
    with pytest.raises(FetchError, match="connection failed"):  # it was tried: nobody listens there
        fetch(url, private_addresses=True)


def test_what_may_be_called_here_in_plain_http_may_be_called_here_by_https(monkeypatch: pytest.MonkeyPatch) -> None:
    port, there, really = free_port(), ["127.0.0.1"], socket.getaddrinfo

    def look_up(host: str, *rest: Any, **how: Any) -> Any:
        return [(0, 0, 0, "", (each, 0)) for each in there] if host == "keys.localhost" else really(host, *rest, **how)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for host in ("127.0.0.1", "localhost", "keys.localhost"):
        assert "connection failed" in refused(f"https://{host}:{port}/")
    there[:] = ["127.0.0.1", "10.0.0.1"]
    for host in ("keys.localhost", "10.0.0.1", "192.168.1.1"):
        assert "private address" in refused(f"https://{host}:{port}/")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_on_the_same_host_alone(server: KeyServer, status: int) -> None:
    server.status = status
    for location in (
        f"http://localhost:{server.port}/jwks", "https://evil.example/", "//evil.example/", "http://169.254.169.254/",
        f"http://127.0.0.2:{server.port}/",
    ):  # fmt: skip
        server.headers = {"Location": location}
        assert refused(server.url) == "it redirects to another host"
    server.headers = {"Location": "file:///etc/passwd"}
    assert refused(server.url) == "it redirects to another host"
    server.headers = {"Location": "http://["}
    assert refused(server.url) == "it redirects to what is no URL"
    server.headers = {"Location": "http://127.0.0.1:x/"}
    assert refused(server.url) == "the URL can't be read"
    server.requests.clear()
    server.headers = {"Location": "/elsewhere"}
    assert refused(server.url) == "it redirects again and again"
    assert server.requests == ["/jwks", "/elsewhere", "/elsewhere", "/elsewhere"]
    server.headers = {}
    assert refused(server.url) == f"the server answered {status}"


@pytest.mark.parametrize("status", [204, 304, 400, 401, 404, 500, 503])
def test_only_200_is_an_answer(server: KeyServer, status: int) -> None:
    server.status = status
    assert refused(server.url) == f"the server answered {status}"


@pytest.mark.parametrize("how", ["drip", "hang"])
def test_a_slow_server_is_given_up(server: KeyServer, how: str) -> None:
    server.how, server.says = how, b"x" * 1000
    assert refused(server.url) == "it took too long"


def test_a_slow_name_server_is_given_up(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: server.over.wait(5) and [])
    assert refused("https://slow.example/") == "it took too long"


def test_where_no_name_server_answers_one_thread_waits_for_each_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_fetch, "MAX_SECONDS", LIMIT)
    over, asked = threading.Event(), []

    def look_up(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        over.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    urls = ["https://one.example/", "https://two.example/"]
    for url in urls * 3:
        assert refused(url) == "it took too long"
    ours = [host for host in asked if host.endswith(".example")]  # a thread of a test before may look up its own
    assert ours == ["one.example", "two.example"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(refused, urls[0])
        over.set()
        assert waiting.result() == "the host has a private address"
    assert refused(urls[1]) == "the host has a private address"


def test_a_server_that_is_slow_at_shaking_hands_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_fetch, "MAX_SECONDS", LIMIT)
    over = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):  # the client goes away
            for byte in b"\x16\x03\x03\x40\x00" + b"\x02" * 9000:  # the beginning of a long record
                if over.wait(0.02):
                    return
                connection.send(bytes([byte]))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        assert refused(f"https://127.0.0.1:{listener.getsockname()[1]}/", private_addresses=True) == "it took too long"
        over.set()
        thread.join()


def test_64_kib_and_no_more(server: KeyServer) -> None:
    server.says = b"x" * 65536
    assert len(fetch(server.url, plain_http_on_loopback=True)[0]) == 65536
    server.says = b"x" * 65537
    assert refused(server.url) == "it is longer than 64 KiB"
    server.how = "endless"
    assert refused(server.url) == "it is longer than 64 KiB"


def test_what_speaks_no_http_and_what_is_not_there_is_a_refusal(server: KeyServer) -> None:
    server.how = "down"
    assert "connection failed" in refused(server.url)
    assert "connection failed" in refused("http://127.0.0.1:1/")
    assert "can't be resolved" in refused("https://nowhere.invalid/")
    assert "connection failed" in refused(f"{server.url}\u00e4")
    assert "connection failed" in refused(f"{server.url} x")


@pytest.mark.parametrize("status", [200, 204, 302, 400, 429, 503])
def test_of_whom_is_told_something_the_status_alone_is_read(server: KeyServer, status: int) -> None:
    server.status, server.headers, server.says = status, {"Location": "/elsewhere"}, b"x" * 100_000
    assert tell(server.url, b"a=b", within=LIMIT, plain_http_on_loopback=True) == status
    assert server.forms == [{"a": "b"}]
    assert server.requests == ["/jwks"], "no redirect is followed"
    server.how = "endless"
    assert tell(server.url, b"a=b", within=LIMIT, plain_http_on_loopback=True) == status


def test_who_is_told_something_has_so_long_in_all_and_by_the_same_rules(server: KeyServer) -> None:
    server.how = "hang"
    start = time.monotonic()
    with pytest.raises(FetchError, match="too long"):
        tell(server.url, b"", within=LIMIT, plain_http_on_loopback=True)
    assert time.monotonic() - start < LIMIT + 1
    for url in (server.url, "https://127.0.0.1/", "https://["):
        with pytest.raises(RefusedUrl):
            tell(url, b"", within=LIMIT)
    with pytest.raises(FetchError, match="failed") as raised:
        tell("http://127.0.0.1:1/", b"", within=LIMIT, plain_http_on_loopback=True)
    assert not isinstance(raised.value, RefusedUrl), "it may be there a moment later"


def test_what_a_server_says_instead_of_http_is_shown_in_part_and_printable(server: KeyServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(1000)
                connection.sendall(b"\x1b[31m" + b"x" * 60_000 + b"\r\n")

        thread = threading.Thread(target=speak, daemon=True)
        thread.start()
        why = refused(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()
    assert why.startswith("the connection failed")
    assert len(why) <= 300
    assert why.isprintable()


def test_the_system_s_authorities_are_read_once_for_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    really = ssl.create_default_context

    def slow() -> ssl.SSLContext:
        read.append(1)
        time.sleep(0.05)
        return really()

    monkeypatch.setattr(ssl, "create_default_context", slow)
    safe_fetch._tls_of.cache_clear()
    threads = [threading.Thread(target=safe_fetch._tls) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read) <= 2  # the period may have ended in between


@pytest.mark.parametrize(
    ("port", "plain", "host"),
    [
        (443, False, "keys.example"), (8443, False, "keys.example:8443"), (80, False, "keys.example:80"),
        (80, True, "keys.example"), (443, True, "keys.example:443"),
    ],
)  # fmt: skip
def test_the_port_is_in_the_host_header_where_it_isn_t_the_usual_one(port: int, plain: bool, host: str) -> None:
    heard: list[bytes] = []

    class Socket:
        def sendall(self, data: bytes) -> None:
            heard.append(data)

    connection = safe_fetch._Connection("keys.example", port, [], 0, plain=plain)
    connection.sock = Socket()  # type: ignore[assignment]
    connection.request("GET", "/", headers=safe_fetch.HEADERS)
    lines = b"".join(heard).decode().split("\r\n")
    assert f"Host: {host}" in lines
    assert "User-Agent: flask-oauth-gateway" in lines

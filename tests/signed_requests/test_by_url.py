"""`request_uri`: a signed request that stands at one of its client's registered URLs."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.clock import Clock
from tests.support.key_server import KeyServer, key_server
from tests.support.request_objects import MakeSigning, Signing
from tests.support.site import REDIRECT_URI, Page, answer, location, refused


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with key_server() as found:
        yield found


@pytest.fixture
def signing(make_signing: MakeSigning, server: KeyServer) -> Signing:
    """A client whose requests stand on this machine, at `url_of`."""
    found = make_signing(client={"request_uris": [url_of(server)]}, OAUTH_REQUEST_URIS=True)
    server.says = found.sign().encode()
    return found


def url_of(server: KeyServer, path: str = "/requests/1") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def refused_at(signing: Signing, url: str, error: str = "invalid_request_uri") -> str:
    return signing.refused("", error, request=None, request_uri=url)


def come(signing: Signing, url: str, **beside: Any) -> Any:
    return signing.ask("", request=None, request_uri=url, **beside)


def test_a_code_comes_of_it(signing: Signing, server: KeyServer) -> None:
    found = signing.answer(come(signing, url_of(server), state="outside", redirect_uri="https://other.example/cb"))
    assert found["code"]
    assert found["state"] == "xyz"
    assert set(server.requests) == {"/requests/1"}


def test_a_fragment_is_no_part_of_the_address(make_signing: MakeSigning, server: KeyServer) -> None:
    registered = [url_of(server, "/a#old"), url_of(server, "/b")]
    signing = make_signing(client={"request_uris": registered}, OAUTH_REQUEST_URIS=True)
    server.says = signing.sign().encode()
    for path in ("/a", "/a#new", "/b#x"):
        assert signing.answer(come(signing, url_of(server, path)))["code"]
    assert set(server.requests) == {"/a", "/b"}


def test_no_other_address_is_called(signing: Signing, server: KeyServer) -> None:
    url = url_of(server)
    others = (
        f"{url}/",
        f"{url}?x=1",
        f"{url} ",
        url.replace("/1", "/%31"),
        url.replace("/1", "/2"),
        url.upper(),
        url.replace("127.0.0.1", "localhost"),
        url.replace("http", "https", 1),
        f"http://nobody@{url[7:]}",
        "https://app.example/r",
        "file:///etc/passwd",
        "urn:ietf:params:oauth:request_uri:abc",
        "x",
    )
    for other in others:
        assert "request_uris" in refused_at(signing, other)
    assert refused_at(Signing(signing.site), url), "another client's"
    assert not server.requests


def test_an_address_has_512_characters_at_most(signing: Signing, server: KeyServer) -> None:
    assert "512" in refused_at(signing, url_of(server) + "#" + "x" * 500)
    assert not server.requests


def test_without_the_setting_it_is_not_supported(make_signing: MakeSigning, server: KeyServer) -> None:
    signing = make_signing(client={"request_uris": [url_of(server)]})
    response = come(signing, url_of(server), redirect_uri=REDIRECT_URI, response_type="code")
    assert refused(location(response), "request_uri_not_supported")
    assert not server.requests


def test_both_at_once_are_an_invalid_request(signing: Signing, server: KeyServer) -> None:
    assert signing.refused(signing.sign(), "invalid_request", request_uri=url_of(server))
    assert not server.requests


def test_what_stands_there_is_checked_like_any_other(signing: Signing, server: KeyServer) -> None:
    url = url_of(server)
    for says, error in (
        (Signing(signing.site).sign(), "invalid_request_object"),
        (signing.sign(exp=1), "invalid_request_object"),
        (signing.sign(request_uri=url), "invalid_request"),
        ("x.y.z", "invalid_request_object"),
        ("", "invalid_request_object"),
    ):
        server.says = says.encode()
        assert refused_at(signing, url, error)


def test_a_server_that_redirects_is_slow_or_sends_much_is_not_followed(
    signing: Signing, server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flask_oauth_gateway.crypto import fetching

    clock, url = Clock(monkeypatch), url_of(server)
    monkeypatch.setattr(fetching, "MAX_SECONDS", 0.5)
    good = server.says
    server.places["/elsewhere"] = good
    for status, how, says, headers in (
        (302, "well", good, {"Location": url_of(server, "/elsewhere")}),
        (307, "well", good, {"Location": "https://app.example/"}),
        (404, "well", good, {}),
        (500, "well", good, {}),
        (204, "well", b"", {}),
        (200, "well", b"x" * 70_000, {}),
        (200, "well", "ä".encode(), {}),
        (200, "endless", good, {}),
        (200, "drip", good, {}),
        (200, "hang", good, {}),
        (200, "down", good, {}),
    ):
        server.status, server.how, server.says, server.headers = status, how, says, headers
        text = refused_at(signing, url)
        assert "127.0.0.1" not in text, "nobody learns what is where"
        clock.advance(11)
    assert "/elsewhere" not in server.requests
    server.status, server.how, server.says, server.headers = 200, "well", good, {}
    assert signing.answer(come(signing, url))["code"]


def test_an_address_that_fails_is_not_called_again_at_once(
    signing: Signing, server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    server.status = 500
    for each in ("", "", "#a", "#b", ""):
        assert refused_at(signing, url_of(server) + each)
    assert len(server.requests) == 1, "another fragment makes it no other address"
    server.status = 200
    clock.advance(11)
    assert signing.answer(come(signing, url_of(server)))["code"]


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "169.254.169.254", "fd00::1", "::ffff:10.0.0.1"])
def test_private_addresses_are_not_called(
    make_signing: MakeSigning, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    signing = make_signing(client={"request_uris": ["https://requests.example/r"]}, OAUTH_REQUEST_URIS=True)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    connected: list[Any] = []
    monkeypatch.setattr(socket, "create_connection", lambda *given, **_: connected.append(given))
    assert "can't be fetched" in refused_at(signing, "https://requests.example/r")
    assert not connected


def test_it_is_kept_as_long_as_its_server_says(
    signing: Signing, server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, url = Clock(monkeypatch), url_of(server)
    server.headers = {"Cache-Control": "max-age=60"}
    for _ in range(3):
        assert come(signing, url).status_code == 200
    assert len(server.requests) == 1
    clock.advance(61)
    assert come(signing, url).status_code == 200
    assert len(server.requests) == 2
    server.headers = {"Cache-Control": "no-store"}
    clock.advance(61)
    for _ in range(3):
        assert come(signing, url).status_code == 200
    assert len(server.requests) == 5


def test_what_the_user_was_shown_is_what_they_allow(signing: Signing, server: KeyServer) -> None:
    page = Page(come(signing, url_of(server)))
    server.says = signing.sign(scope="weather:read", nonce="another").encode()
    response = signing.site.send(page)
    assert response.status_code == 400, "it says something else by now, so the user is asked again"
    assert answer(location(signing.site.send(Page(response))))["code"]

"""Key sets from a URL: fetched when they are needed, kept for their time, and a server that is down stops nobody known."""

import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from flask_oauth_gateway.crypto.jwk import load_jwks
from flask_oauth_gateway.crypto.key_sets import RemoteKeys
from tests.support.clock import Clock
from tests.support.key_server import KeyServer, key_server
from tests.support.signing import Signer, b64, claims_of, rsa_key
from tests.support.trading import IDP, MakeTrading

ONE, TWO = Signer(kid="one"), Signer(kid="two")


@pytest.fixture
def server() -> Any:
    with key_server() as server:
        server.says = ONE.jwks()
        yield server


@pytest.fixture
def keys(server: KeyServer) -> RemoteKeys:
    return RemoteKeys(server.url, plain_http_on_loopback=True)


def kids(keys: RemoteKeys, kid: str | None = None) -> list[str]:
    return [key.get("kid") for key in keys.keys(kid)]


def test_they_are_fetched_once_and_kept_for_an_hour(keys: RemoteKeys, server: KeyServer, clock: Clock) -> None:
    assert server.requests == []
    for _ in range(3):
        assert kids(keys) == kids(keys, "one") == ["one"]
    clock.advance(3590)
    kids(keys)
    assert len(server.requests) == 1
    clock.advance(11)
    kids(keys)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("max-age=600", 600),
        ("public, Max-Age=600, must-revalidate", 600),
        ('max-age="600"', 600),
        ("max-age=1", 60),
        ("no-store", 60),
        ("max-age=99999999999999999999", 86400),
        ("max-age=-5", 3600),
        ("max-age=\u00b2", 3600),
        ("max-age", 3600),
    ],
)
def test_they_are_kept_as_long_as_their_server_says_within_reason(
    keys: RemoteKeys, server: KeyServer, clock: Clock, said: str, seconds: int
) -> None:
    server.headers = {"Cache-Control": said}
    kids(keys)
    clock.advance(seconds - 1)
    kids(keys)
    assert len(server.requests) == 1
    clock.advance(2)
    kids(keys)
    assert len(server.requests) == 2


def test_an_unknown_kid_is_looked_for_once_a_minute(keys: RemoteKeys, server: KeyServer, clock: Clock) -> None:
    assert kids(keys, "one") == ["one"]
    server.says = {"keys": [ONE.jwk(), TWO.jwk()]}
    assert kids(keys, "two") == ["one"]  # a fetch was made just now
    clock.advance(61)
    assert kids(keys, "two") == ["one", "two"]
    for number in range(20):
        assert kids(keys, f"made up {number}") == ["one", "two"]
    assert len(server.requests) == 2
    clock.advance(61)
    kids(keys, "made up")
    kids(keys, "made up")
    assert len(server.requests) == 3


def test_one_fetch_at_a_time_however_many_ask(keys: RemoteKeys, server: KeyServer) -> None:
    server.delay = 0.1
    start = Barrier(12)

    def ask(_: int) -> list[str]:
        start.wait()
        return kids(keys, "one")

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(ask, range(12))) == [["one"]] * 12  # nobody goes away without the first keys
    assert len(server.requests) == server.most_at_once == 1


def test_a_new_key_is_there_for_all_who_ask_for_it_at_once(keys: RemoteKeys, server: KeyServer, clock: Clock) -> None:
    assert kids(keys) == ["one"]
    clock.advance(61)
    server.says, server.delay = TWO.jwks(), 0.1
    start = Barrier(6)

    def ask(_: int) -> list[str]:
        start.wait()
        return kids(keys, "two")

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, range(6))) == [["two"]] * 6
    assert len(server.requests) == 2


def test_who_has_keys_does_not_wait_for_the_fetch_of_another(keys: RemoteKeys, server: KeyServer, clock: Clock) -> None:
    assert kids(keys) == ["one"]
    clock.advance(4000)
    server.delay = 0.5
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(kids, keys)
        while not server.at_once:
            pass
        assert kids(keys) == ["one"]
        assert server.at_once == 1  # that one is still at it
        slow.result()
    assert server.most_at_once == 1


GARBAGE: list[Any] = [
    b"", b"<html>", b"[]", b"null", b"5", b'{"keys": 5}', b'{"keys": [5]}', b'{"keys": []}', b"[" * 60_000, b"\xff\xfe",
    {"keys": [{"kty": ["RSA"]}]}, {"keys": [{"kty": "oct", "k": b64(b"x" * 64), "kid": "one"}]},
    {"keys": [Signer(key=rsa_key(1024)).jwk()]}, {"keys": [{"kty": "EC", "crv": {}, "x": [], "y": None}]},
    {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}, b"1" * 5000,
]  # fmt: skip


def test_garbage_leaves_the_known_keys_and_is_said_in_the_log(
    keys: RemoteKeys, server: KeyServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    assert kids(keys) == ["one"]
    for said in GARBAGE:
        server.says = said
        clock.advance(4000)
        caplog.clear()
        assert kids(keys) == ["one"]
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert record.getMessage().startswith(f"The key set {server.url} can't be had: ")
        assert keys.problem
    server.says = {"keys": [*GARBAGE[-2]["keys"], {"kty": "new"}, TWO.jwk()]}  # one can be used
    clock.advance(61)
    assert kids(keys) == ["two"]
    assert keys.problem is None


def test_a_key_that_was_taken_out_of_a_set_in_which_others_stay_is_believed_no_more(
    keys: RemoteKeys, server: KeyServer, clock: Clock
) -> None:
    assert kids(keys) == ["one"]
    server.says = {"keys": [TWO.jwk(use="enc")]}
    clock.advance(4000)
    assert kids(keys) == kids(keys, "one") == []
    assert "no key for signatures" in str(keys.problem)
    server.says = TWO.jwks()
    clock.advance(61)
    assert kids(keys) == ["two"]
    assert keys.problem is None


def test_a_shared_secret_in_a_set_that_all_can_read_is_none(server: KeyServer, keys: RemoteKeys) -> None:
    server.says = {"keys": [*Signer("HS256").jwks()["keys"], ONE.jwk()]}
    assert kids(keys) == ["one"]
    assert load_jwks(server.says, symmetric=True)[0].key_type == "oct"


# Through the token endpoint


def test_a_server_that_is_down_stops_neither_known_keys_nor_other_issuers(
    make_trading: MakeTrading, clock: Clock
) -> None:
    with key_server() as down, key_server() as up:
        issuers = {
            IDP: {"jwks_uri": down.url, "client_id": "partner"},
            "https://up.example": {"jwks_uri": up.url, "client_id": "partner"},
            "https://never.example": {"jwks_uri": "http://127.0.0.1:1/jwks", "client_id": "partner"},
        }
        down.says, up.says = ONE.jwks(), TWO.jwks()
        trading = make_trading(ONE, OAUTH_JWT_ISSUERS=issuers)
        assert trading.trade(trading.assertion())
        down.how = "down"
        clock.advance(4000)
        assert trading.trade(trading.assertion())
        assert trading.trade(TWO.sign(claims_of("https://up.example")))
        assert "no key that can be used: the connection failed" in trading.why(
            TWO.sign(claims_of("https://never.example"))
        )
        assert trading.trade(trading.assertion())
        # A new key there, once it is back.
        down.how, down.says = "well", TWO.jwks()
        clock.advance(61)
        assert trading.trade(TWO.sign(claims_of(IDP)))
        assert "no key of its issuer fits alg 'ES256' and kid 'one'" in trading.why(trading.assertion())


def test_a_client_may_register_where_its_keys_are(make_trading: MakeTrading, monkeypatch: pytest.MonkeyPatch) -> None:
    with key_server() as server:
        server.says = ONE.jwks()
        trading = make_trading()
        made = trading.register_signing(ONE, jwks=None, jwks_uri=server.url)
        for _ in range(3):
            assert trading.trade(ONE.sign(claims_of(made.client_id)))
            client_assertion = ONE.sign(claims_of(made.client_id, sub=made.client_id))
            assert trading.authenticate(client_assertion).status_code == 200
        assert len(server.requests) == 1
        with pytest.raises(ValueError, match="private network"):
            trading.register_signing(ONE, jwks=None, jwks_uri="https://10.0.0.1/jwks")
        private = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: private)
        gone = trading.register_signing(ONE, jwks=None, jwks_uri="https://keys.example/jwks")
        assert "the host has a private address" in trading.why(ONE.sign(claims_of(gone.client_id)))

"""The replay guard: of all who claim a thing at once, from threads and processes, exactly one gets it."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask

from flask_oauth_gateway.stores.once import OnceStore, once_key
from tests.support.app import server_of
from tests.support.clock import Clock
from tests.support.racing import race
from tests.support.signing import claims_of
from tests.support.stored import tokens_of
from tests.support.trading import CLIENT_ASSERTION, GRANT, GRANT_TYPES, IDP, MakeTrading, Trading


@pytest.fixture
def store(app: Flask) -> OnceStore:
    found: OnceStore = server_of(app).once
    return found


def later(seconds: int = 60) -> int:
    return int(time.time()) + seconds


def test_a_key_is_claimed_once(store: OnceStore) -> None:
    assert not store.is_claimed(once_key("a", "b"))
    assert store.claim(once_key("a", "b"), later())
    assert store.is_claimed(once_key("a", "b"))
    assert not store.claim(once_key("a", "b"), later())
    assert store.claim(once_key("a", "c"), later())


def test_a_key_tells_its_parts_apart() -> None:
    keys = [
        once_key("a", "b", "c"),
        once_key("a", "bc"),
        once_key("ab", "c"),
        once_key("a", "b"),
        once_key("b", "a", "c"),
    ]
    assert len(set(keys)) == len(keys)


def test_20_threads_claim_one_key(store: OnceStore) -> None:
    start = Barrier(20)

    def claim(_: int) -> bool:
        start.wait()
        return store.claim(once_key("a"), later())

    with ThreadPoolExecutor(20) as pool:
        assert Counter(pool.map(claim, range(20))) == {True: 1, False: 19}


def test_what_has_expired_is_purged_and_nothing_else(app: Flask, store: OnceStore, clock: Clock) -> None:
    store.claim(once_key("short"), later(10))
    store.claim(once_key("long"), later(100))
    clock.advance(20)
    assert not store.claim(once_key("short"), later())  # taken until it is purged
    assert tokens_of(app).purge() == 1
    assert store.claim(once_key("short"), later())
    assert not store.claim(once_key("long"), later())


# Assertions, through the token endpoint


def test_the_same_assertion_20_times_at_once_is_exactly_one_token(trading: Trading) -> None:
    for claims in (claims_of(IDP), claims_of(IDP, jti=None)):
        assertion, start = trading.signer.sign(claims), Barrier(20)

        def trade(_: int, assertion: str = assertion, start: Barrier = start) -> int:
            start.wait()
            response = trading.app.test_client().post(
                "/oauth/token", data={"grant_type": GRANT, "assertion": assertion}
            )
            return response.status_code

        with ThreadPoolExecutor(20) as pool:
            assert Counter(pool.map(trade, range(20))) == {200: 1, 400: 19}
    with trading.app.app_context():
        assert len(tokens_of(trading.app).find().tokens) == 2


def test_it_is_one_token_from_several_processes_too(make_trading: MakeTrading, database_uri: str) -> None:
    trading = make_trading()
    trading.register_signing(trading.signer, client_id="signing")
    proof = trading.signer.sign(claims_of("signing", sub="signing"))
    forms = [
        {"grant_type": GRANT, "assertion": trading.assertion()},
        {"grant_type": "client_credentials", "client_assertion": proof, "client_assertion_type": CLIENT_ASSERTION},
    ]
    issuers = {IDP: {"jwks": trading.signer.jwks(), "client_id": "partner"}}
    config = {"OAUTH_GRANT_TYPES": GRANT_TYPES, "OAUTH_JWT_ISSUERS": issuers}
    grants, authentications = race([database_uri] * 2, 10, "/oauth/token", forms, **config)
    assert grants == {200: 1, 400: 19}
    assert authentications == {200: 1, 401: 19}
    with trading.app.app_context():
        assert len(tokens_of(trading.app).find().tokens) == 2

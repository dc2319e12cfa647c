"""Too many: 429 with Retry-After for whoever guesses or floods, and nobody else in the way."""

import os
import time
from typing import Any

import pytest
from flask import Flask
from limits import parse

from flask_oauth_gateway.stores.registered_client import Client
from flask_oauth_gateway.web import counts
from tests.support.app import MakeApp, basic, refusal, register, server_of
from tests.support.clock import Clock

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.1"
BROUGHT = "a secret that a person chose"


def ask(app: Flask, client: Client, secret: str | None = None, address: str = HERE, **headers: str) -> Any:
    """A token request from an address, by default with the right secret."""
    credentials = basic(client.client_id, secret or client.client_secret)
    return app.test_client().post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers=credentials | headers,
        environ_overrides={"REMOTE_ADDR": address},
    )


def wait(response: Any) -> int:
    """The seconds that a 429 asks to wait."""
    refusal(response, 429, "temporarily_unavailable")
    return int(response.headers["Retry-After"])


def test_wrong_secrets_meet_a_limit_and_longer_waits(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(OAUTH_RATE_LIMITS={"token_failures": "3/minute;5/hour"})
    client = register(app)
    for _ in range(3):
        refusal(ask(app, client, "wrong"), 401, "invalid_client")
    first = wait(ask(app, client, "wrong"))
    assert first <= 60
    clock.advance(first)
    for _ in range(2):
        refusal(ask(app, client, "wrong"), 401, "invalid_client")
    second = wait(ask(app, client, "wrong"))
    assert 3000 < second <= 3600
    clock.advance(second)
    refusal(ask(app, client, "wrong"), 401, "invalid_client")


def test_nobody_is_locked_out_by_another_s_wrong_secrets(make_app: MakeApp) -> None:
    app = make_app(OAUTH_RATE_LIMITS={"token_failures": "3/minute"})
    client, chosen = register(app), register(app, client_secret=BROUGHT)
    for each in (client, chosen):
        for _ in range(3):
            refusal(ask(app, each, "wrong"), 401, "invalid_client")
        assert wait(ask(app, each, "wrong"))
        assert ask(app, each, address=ELSEWHERE).status_code == 200
        refusal(ask(app, each, "wrong", ELSEWHERE), 401, "invalid_client")
    assert ask(app, client).status_code == 200, "256 random bits are not guessed"
    assert wait(ask(app, chosen)), "what a person chose may be: not even the right one is told from a wrong one"


def test_an_unknown_client_meets_the_same_limits_as_a_known_one(make_app: MakeApp) -> None:
    app = make_app(OAUTH_RATE_LIMITS={"token_failures": "2/minute"})
    client = register(app)

    def try_as(client_id: str, address: str) -> int:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": "wrong"}
        overrides = {"REMOTE_ADDR": address}
        return app.test_client().post("/oauth/token", data=form, environ_overrides=overrides).status_code

    assert [try_as("nobody", HERE) for _ in range(4)] == [try_as(client.client_id, HERE) for _ in range(4)]
    several = [f"nobody {number}" for number in range(30)]
    statuses = [try_as(name, "2001:db8::1") for name in several]
    assert statuses == [401] * 20 + [429] * 10, "ten times as many from one address"
    assert try_as(client.client_id, "2001:db8::2") == 429, "its network"
    assert try_as(client.client_id, "2001:db8:0:1::2") == 401
    assert ask(app, client, address="2001:db8::1").status_code == 200


def test_tokens_and_introspection_are_limited_by_client_and_address_where_asked_for(make_app: MakeApp) -> None:
    app = make_app(OAUTH_RATE_LIMITS={"token": "2/minute", "introspect": "1/minute"})
    client, other = register(app), register(app)
    for _ in range(5):
        ask(app, client, "wrong")
    assert [ask(app, client).status_code for _ in range(3)] == [200, 200, 429]
    assert ask(app, other).status_code == 200
    assert ask(app, client, address=ELSEWHERE).status_code == 200

    def introspect() -> int:
        headers = basic(other.client_id, other.client_secret)
        return app.test_client().post("/oauth/introspect", data={"token": "x"}, headers=headers).status_code

    assert [introspect() for _ in range(2)] == [200, 429]


def test_well_behaved_clients_meet_no_limit(app: Flask) -> None:
    client = register(app)
    assert {ask(app, client).status_code for _ in range(300)} == {200}


def test_one_limit_can_be_turned_off(make_app: MakeApp) -> None:
    app = make_app(OAUTH_RATE_LIMITS={"token_failures": None})
    client = register(app)
    assert {ask(app, client, "wrong").status_code for _ in range(50)} == {401}


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        (0, "203.0.113.9", HERE),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.9.9.9, 203.0.113.9", "203.0.113.9"),  # what the caller wrote there itself
        (2, "10.9.9.9, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, None, HERE),
        (1, "203.0.113.9:41234", "203.0.113.9"),
        (1, "[2001:db8::1]:41234", "2001:db8::1"),
        (1, "unknown", "unknown"),
        (["192.0.2.0/24"], "203.0.113.9", "203.0.113.9"),
        (["192.0.2.0/24"], None, HERE),
        (["192.0.2.0/24", "10.0.0.0/8"], "203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (["192.0.2.0/24", "10.0.0.0/8"], "10.0.0.2, 10.0.0.1", "10.0.0.2"),
        (["10.0.0.0/8"], "203.0.113.9", HERE),  # it comes from no proxy
    ],
)
def test_behind_proxies(make_app: MakeApp, trusted: Any, forwarded: str | None, address: str) -> None:
    app = make_app(OAUTH_TRUSTED_PROXIES=trusted)
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert ask(app, register(app), **headers).status_code == 200
    entry = server_of(app).audit.newest(1, {"event": "token_issued"})[0]
    assert entry.address == address


def test_whoever_writes_the_header_itself_gains_nothing(make_app: MakeApp) -> None:
    app = make_app(OAUTH_RATE_LIMITS={"token_failures": "2/minute"}, OAUTH_TRUSTED_PROXIES=1)
    client = register(app)
    headers = [{"X-Forwarded-For": f"10.0.0.{number}, 203.0.113.9"} for number in range(4)]
    assert [ask(app, client, "wrong", **each).status_code for each in headers] == [401, 401, 429, 429]


def test_a_flood_of_names_fills_no_memory(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MAX_COUNTS", 100)
    limiter = server_of(app).rate_limiter
    for number in range(1000):
        limiter.take(parse("5/minute"), "flood", "x" * 10_000 + str(number))
        assert len(limiter._memory._counts) <= 100
    assert len(str(limiter._memory._counts)) < 20_000
    assert limiter.take(parse("5/minute"), "flood", "x" * 10_000 + "999").remaining == 3


def test_what_expired_is_counted_anew(app: Flask, clock: Clock) -> None:
    limiter = server_of(app).rate_limiter
    used = [limiter.take(parse("2/minute"), "quota", "a") for _ in range(3)]
    assert [(use.allowed, use.remaining) for use in used] == [(True, 1), (True, 0), (False, 0)]
    clock.advance(used[-1].reset)
    assert limiter.take(parse("2/minute"), "quota", "a") == (True, 2, 1, 60, 1)


def test_counting_goes_on_after_a_fork_in_the_midst_of_it(app: Flask) -> None:
    limiter = server_of(app).rate_limiter
    limiter.take(parse("5/minute"), "quota", "a")
    with limiter._memory._lock:
        child = os.fork()
        if not child:
            os._exit(limiter.take(parse("5/minute"), "quota", "a").remaining)
    deadline = time.monotonic() + 5
    while not (done := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(done[1]) == 3

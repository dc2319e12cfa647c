"""Guesses are counted before anybody looks at them: of 200 at once, no more are looked at than the limit allows."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway.authentication import secret as authentication
from flask_oauth_gateway.errors import InvalidGrantError
from flask_oauth_gateway.web.rate_limits import RateLimiter
from tests.support.app import MakeApp, basic, gateway_of, register, server_of
from tests.support.databases import sqlite_only
from tests.support.device import start
from tests.support.redis_server import own_redis
from tests.support.site import DEVICE_CODE, MakeSite, Page, Site

pytestmark = sqlite_only
CHOSEN = "a secret that a person chose"


@pytest.fixture(params=["in memory", pytest.param("in Redis", marks=pytest.mark.redis)])
def counting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The settings with which counts are kept in this process, or in Redis."""
    if request.param == "in memory":
        yield {}
        return
    with own_redis(tmp_path) as server:
        yield {"OAUTH_REDIS_URL": server.url}


class Looked:
    """Notes how many guesses are looked at, and takes its time over each."""

    def __init__(self) -> None:
        self.times = 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.times += 1
        time.sleep(0.05)


def at_once(times: int, guess: Callable[[], int]) -> list[int]:
    with ThreadPoolExecutor(40) as pool:
        return [each.result() for each in [pool.submit(guess) for _ in range(times)]]


def test_of_200_passwords_at_once_the_hook_is_asked_for_5(make_app: MakeApp, counting: dict[str, Any]) -> None:
    app = make_app(OAUTH_RATE_LIMITS={"password": "5/minute"}, OAUTH_GRANT_TYPES=["password"], **counting)
    client, looked = register(app, grant_types=["password"]), Looked()
    gateway_of(app).check_password(lambda *_: looked())

    def guess() -> int:
        data = {"grant_type": "password", "username": "alice", "password": "guessed"}
        headers = basic(client.client_id, client.client_secret)
        return app.test_client().post("/oauth/token", data=data, headers=headers).status_code

    statuses = at_once(200, guess)
    assert looked.times == 5
    assert sorted(set(statuses)) == [400, 429]
    assert statuses.count(400) == 5


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_of_200_secrets_at_once_of_a_client_whose_secret_a_person_chose_5_are_looked_at(
    make_app: MakeApp, counting: dict[str, Any], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(OAUTH_RATE_LIMITS={"token_failures": "5/minute"}, **counting)
    client, looked = register(app, client_secret=CHOSEN, token_endpoint_auth_method=method), Looked()
    guesses = set()

    def look(secret: str, digest: str) -> bool:
        if secret not in guesses:  # a wrong one is compared with what another process may have stored meanwhile, too
            guesses.add(secret)
            looked()
        return secret == CHOSEN

    monkeypatch.setattr(authentication, "verify_secret", look)
    numbers = iter(range(1000))

    def ask(secret: str) -> int:
        headers, data = {}, {"grant_type": "client_credentials"}
        if method == "client_secret_basic":
            headers = basic(client.client_id, secret)
        else:
            data |= {"client_id": client.client_id, "client_secret": secret}
        return app.test_client().post("/oauth/token", data=data, headers=headers).status_code

    statuses = at_once(200, lambda: ask(f"guess-{next(numbers)}"))
    assert looked.times == 5
    assert statuses.count(401) == 5
    assert statuses.count(429) == 195
    assert ask(CHOSEN) == 429, "not looked at meanwhile, right or wrong"


def test_of_200_user_codes_at_once_5_are_looked_up(
    make_site: MakeSite, counting: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    site: Site = make_site(OAUTH_RATE_LIMITS={"device_codes": "5/minute"}, **counting)
    store, looked = server_of(site.app).devices, Looked()
    find = store.find_by_user_code

    def look(user_code_hash: bytes) -> Any:
        looked()
        return find(user_code_hash)

    monkeypatch.setattr(store, "find_by_user_code", look)
    page = Page(site.browser.get("/oauth/device"))
    cookies = site.browser.get_cookie("session")
    assert cookies is not None

    def guess() -> int:
        browser = site.app.test_client()
        browser.set_cookie("session", cookies.value)
        data = {"user_code": "BBBB-BBBB", "form_token": page.hidden("form_token")}
        return browser.post("/oauth/device", data=data).status_code

    statuses = at_once(200, guess)
    assert looked.times == 5
    assert statuses.count(400) == 5
    assert statuses.count(429) == 195


def test_a_right_guess_gives_its_count_back(make_site: MakeSite, counting: dict[str, Any]) -> None:
    """Passwords, chosen secrets and user codes: fifty of each, one after the other, under a limit of three."""
    limits = {"password": "3/minute", "token_failures": "3/minute", "device_codes": "3/minute", "device": None}
    site = make_site(OAUTH_RATE_LIMITS=limits, **counting)
    site.gateway.check_password(lambda username, _: site.people.get(username))
    client = site.register(grant_types=["password", "client_credentials"], client_secret=CHOSEN)
    device = site.register(grant_types=[DEVICE_CODE])
    for _ in range(50):
        assert site.token(client, "password", username="alice", password="right").status_code == 200
        assert site.token(client, "client_credentials").status_code == 200
    for _ in range(10):
        code = start(site, device)["user_code"]
        page = Page(site.browser.get("/oauth/device"))
        data = {"user_code": code, "form_token": page.hidden("form_token")}
        assert site.browser.post("/oauth/device", data=data).status_code == 200


def wrong(limiter: RateLimiter, identities: dict[str, int]) -> None:
    with limiter.guess("password", identities):
        pass


def test_right_passwords_at_once_wait_for_each_other_and_are_all_taken(
    make_site: MakeSite, counting: dict[str, Any]
) -> None:
    """All users of a backend come from its one address."""
    site = make_site(OAUTH_RATE_LIMITS={"password": "3/minute"}, **counting)

    @site.gateway.check_password
    def check_password(username: str, password: str) -> Any:
        time.sleep(0.05)
        return site.people["alice"] if password == "right" else None

    client = site.register(grant_types=["password"])
    numbers = iter(range(1000))

    def sign_in() -> int:
        return site.token(client, "password", username=f"user {next(numbers)}", password="right").status_code

    assert at_once(20, sign_in) == [200] * 20


@pytest.mark.parametrize("error", [InvalidGrantError("The password is wrong."), ValueError("does not match")])
def test_a_hook_that_says_by_an_error_that_the_password_is_wrong_is_counted_too(
    make_site: MakeSite, error: Exception
) -> None:
    site = make_site(OAUTH_RATE_LIMITS={"password": "3/minute"}, PROPAGATE_EXCEPTIONS=False, TESTING=False)
    client, asked = site.register(grant_types=["password"]), []

    @site.gateway.check_password
    def check_password(username: str, password: str) -> Any:
        asked.append(username)
        raise error

    statuses = [site.token(client, "password", username="alice", password="guessed").status_code for _ in range(10)]
    assert len(asked) == 3
    assert statuses[3:] == [429] * 7


def test_whom_a_limit_refuses_waits_for_nobody_else(make_site: MakeSite) -> None:
    """Alice's limit is used up by wrong guesses; somebody else at her address is just being looked at."""
    site = make_site(OAUTH_RATE_LIMITS={"password": "3/minute"})
    limiter, refused_after = server_of(site.app).rate_limiter, []
    for number in range(3):
        wrong(limiter, {"user:alice": 1, f"address:192.0.2.{number}": 1})
    with limiter.guess("password", {"user:bob": 1, "address:198.51.100.1": 1}):
        started = time.monotonic()
        with pytest.raises(Exception, match="Too many"):
            wrong(limiter, {"user:alice": 1, "address:198.51.100.1": 1})
        refused_after.append(time.monotonic() - started)
    assert refused_after[0] < 1


def test_a_refusal_counts_for_nobody_else(make_app: MakeApp, counting: dict[str, Any]) -> None:
    """The address has used up its limit: a user whose password it goes on guessing has not."""
    app = make_app(OAUTH_RATE_LIMITS={"password": "2/minute"}, **counting)
    limiter = server_of(app).rate_limiter
    for _ in range(2):
        wrong(limiter, {"user:alice": 1, "address:192.0.2.1": 1})
    for _ in range(5):
        with pytest.raises(Exception, match="Too many"):
            wrong(limiter, {"user:bob": 1, "address:192.0.2.1": 1})
    for _ in range(2):
        wrong(limiter, {"user:bob": 1, "address:198.51.100.1": 1})


def test_a_count_that_expired_meanwhile_is_not_given_back_into_the_next(make_app: MakeApp) -> None:
    app: Flask = make_app(OAUTH_RATE_LIMITS={"password": "2/second"})
    limiter = server_of(app).rate_limiter
    with limiter.guess("password", {"user:alice": 1}) as guess:
        time.sleep(1.1)
        guess.is_given_back = True
    wrong(limiter, {"user:alice": 1})
    wrong(limiter, {"user:alice": 1})
    with pytest.raises(Exception, match="Too many"):
        wrong(limiter, {"user:alice": 1})

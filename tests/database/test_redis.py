"""Redis between the processes of one gateway: shared limits, news of revocations, and what happens when it is away.

Two apps on one database are two processes: they share no memory. (`tests/flows/test_many_processes.py` has real ones.)
"""

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from limits import parse

from tests.support.app import basic, bearer, register, server_of, token_for
from tests.support.databases import sqlite_only
from tests.support.redis_server import PASSWORD, RedisServer, own_redis

pytestmark = [pytest.mark.redis, sqlite_only]
MakeApp = Callable[..., Flask]


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    with own_redis(tmp_path) as server:
        yield server


@pytest.fixture
def make_two(make_app: MakeApp, redis_server: RedisServer) -> Callable[..., tuple[Flask, Flask]]:
    def make_two(**config: Any) -> tuple[Flask, Flask]:
        return make_app(OAUTH_REDIS_URL=redis_server.url, **config), make_app(
            OAUTH_REDIS_URL=redis_server.url, **config
        )

    return make_two


def status(app: Flask, token: str) -> int:
    return app.test_client().get("/weather", headers=bearer(token)).status_code


def eventually(found: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not found():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def listens(app: Flask, redis_server: RedisServer) -> bool:
    redis = server_of(app).redis
    return eventually(lambda: bool(redis._subscription and redis._subscription.subscribed))


def take(app: Flask, times: int, limit: str = "5/minute") -> list[Any]:
    return [server_of(app).rate_limiter.take(parse(limit), "quota", "client:a") for _ in range(times)]


def test_counts_are_shared(make_two: Any) -> None:
    one, other = make_two()
    assert [use.remaining for use in take(one, 3) + take(other, 3)] == [4, 3, 2, 1, 0, 0]
    last = take(one, 1)[0]
    assert (last.allowed, last.limit) == (False, 5)
    assert 1 <= last.reset <= 60


def test_a_revocation_is_known_at_once_in_the_other_process(make_two: Any, redis_server: RedisServer) -> None:
    one, other = make_two(OAUTH_TOKEN_CACHE_SECONDS=3600)
    client = register(one)
    tokens = [token_for(one.test_client(), client)["access_token"] for _ in range(2)]
    assert status(other, tokens[0]) == 200
    assert listens(other, redis_server)
    assert [status(other, token) for token in tokens] == [200, 200]
    headers = basic(client.client_id, client.client_secret)
    one.test_client().post("/oauth/revoke", data={"token": tokens[0]}, headers=headers)
    assert eventually(lambda: status(other, tokens[0]) == 401)
    assert status(other, tokens[1]) == 200
    one.extensions["oauth_gateway"].tokens.revoke(client_id=client.client_id)
    assert eventually(lambda: status(other, tokens[1]) == 401)


def test_a_revoked_jwt_is_known_at_once_in_the_other_process(make_two: Any, redis_server: RedisServer) -> None:
    one, other = make_two(OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_REVOCATION_POLL_SECONDS=3600)
    token = token_for(one.test_client(), register(one))["access_token"]
    assert status(other, token) == 200
    assert listens(other, redis_server)
    assert status(other, token) == 200
    one.extensions["oauth_gateway"].tokens.revoke(token=token)
    assert eventually(lambda: status(other, token) == 401)


def test_away_and_back(make_two: Any, redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    one, other = make_two(OAUTH_TOKEN_CACHE_SECONDS=2)
    client = register(one)
    token = token_for(one.test_client(), client)["access_token"]
    assert status(other, token) == 200
    assert listens(other, redis_server)
    assert take(one, 3)[-1].remaining == 2
    redis_server.stop()
    assert [use.remaining for use in take(one, 3)] == [4, 3, 2], "counted by each process"
    assert take(other, 1)[0].remaining == 4
    assert eventually(lambda: not server_of(other).token_cache._tokens), "it may miss what is told from now on"
    assert status(other, token) == 200
    one.extensions["oauth_gateway"].tokens.revoke(token=token)
    assert eventually(lambda: status(other, token) == 401, 4), "no longer than OAUTH_TOKEN_CACHE_SECONDS"
    complaints = [record for record in caplog.records if "Redis did not answer" in record.message]
    assert 1 <= len(complaints) <= 2, "one line for each process"
    redis_server.start()
    assert eventually(lambda: take(one, 1)[0].remaining + take(other, 1)[0].remaining in (7, 5, 3)), "shared again"
    token = token_for(one.test_client(), client)["access_token"]
    assert status(other, token) == 200
    assert eventually(lambda: "Redis answers again" in caplog.text)
    assert PASSWORD not in caplog.text
    assert all(record.levelno >= logging.WARNING for record in caplog.records if "Redis" in record.message)


POLL = 1


@pytest.mark.parametrize("trouble", ["every connection is in use", "it can't be reached from here", "it is frozen"])
def test_news_that_can_t_be_told_are_known_within_the_poll_seconds(
    make_app: MakeApp, redis_server: RedisServer, trouble: str
) -> None:
    config = {"OAUTH_TOKEN_CACHE_SECONDS": 3600, "OAUTH_REVOCATION_POLL_SECONDS": POLL, "OAUTH_RATE_LIMITS": None}
    nowhere = "redis://127.0.0.1:1/0"
    one = make_app(OAUTH_REDIS_URL=nowhere if "reached" in trouble else redis_server.url, **config)
    other = make_app(OAUTH_REDIS_URL=redis_server.url, **config)
    client = register(one)
    revoked, kept = (token_for(one.test_client(), client)["access_token"] for _ in range(2))
    assert status(other, revoked) == 200
    assert listens(other, redis_server)
    assert [status(other, token) for token in (revoked, kept)] == [200, 200], "both are remembered there"
    pool, held = server_of(one).redis._connect().client.connection_pool, []
    if "in use" in trouble:
        wants_command = signature(pool.get_connection).parameters.get("command_name")  # of redis-py 5, which ignores it
        with suppress(redis.ConnectionError):
            for _ in range(100):
                no_default = wants_command is not None and wants_command.default is Parameter.empty
                held.append(pool.get_connection(*(("PING",) if no_default else ())))
        assert len(held) < 100
    if "frozen" in trouble:
        redis_server.freeze()
    one.extensions["oauth_gateway"].tokens.revoke(token=revoked)
    at = time.monotonic()
    for connection in held:
        pool.release(connection)
    assert eventually(lambda: status(other, revoked) == 401)
    if "frozen" in trouble:
        redis_server.thaw()
    assert time.monotonic() - at < POLL + 1, "not only after OAUTH_TOKEN_CACHE_SECONDS"
    assert status(other, kept) == 200


def test_a_process_that_redis_says_nothing_to_any_more_remembers_nothing(
    make_two: Any, redis_server: RedisServer
) -> None:
    """Its connection may be dead, and what the others say in the meantime is lost."""
    one, other = make_two(OAUTH_TOKEN_CACHE_SECONDS=3600, OAUTH_REVOCATION_POLL_SECONDS=POLL)
    token = token_for(one.test_client(), register(one))["access_token"]
    assert status(other, token) == 200
    assert listens(other, redis_server)
    assert status(other, token) == 200
    redis_server.freeze()
    at = time.monotonic()
    assert eventually(lambda: not server_of(other).token_cache._tokens)
    assert time.monotonic() - at < POLL + 1.5
    redis_server.thaw()


def test_one_that_answers_nothing_holds_nobody_up_for_long(make_two: Any, redis_server: RedisServer) -> None:
    one, other = make_two(OAUTH_TOKEN_CACHE_SECONDS=3600)
    take(one, 1)
    redis_server.freeze()
    started = time.monotonic()
    assert [use.remaining for use in take(one, 4) + take(other, 4)] == [4, 3, 2, 1] * 2
    assert time.monotonic() - started < 3
    started = time.monotonic()
    take(one, 1000, "5000/minute")
    assert time.monotonic() - started < 2, "a thousand times: it is not asked again"
    redis_server.thaw()
    assert eventually(lambda: take(one, 1, "7000/minute")[0].remaining != take(other, 1, "7000/minute")[0].remaining)


def test_the_doctor_sees_that_it_is_away_or_lets_nobody_in(make_app: MakeApp, redis_server: RedisServer) -> None:
    def weak(url: str) -> list[str]:
        result = make_app(OAUTH_REDIS_URL=url).test_cli_runner().invoke(args=["oauth", "doctor"])
        assert PASSWORD not in result.output
        return [line for line in result.output.splitlines() if "Redis does not answer" in line]

    assert not weak(redis_server.url)
    assert weak(redis_server.url.replace(PASSWORD, "another"))
    redis_server.stop()
    assert weak(redis_server.url)


@pytest.mark.parametrize(
    ("rights", "said"),
    [
        ("-evalsha", "evalsha"),
        ("-publish", "publish"),
        ("-subscribe", "subscribe"),
        ("-ttl", "ttl"),
        ("-incrby", "script can't run this command"),
        ("resetchannels", "channel"),
        ("resetkeys", "key"),
        ("-set", "'set'"),
    ],
)
def test_the_doctor_sees_what_a_user_of_redis_may_not_do(
    make_app: MakeApp, redis_server: RedisServer, rights: str, said: str
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "engines" / "redis.md").read_text()
    (listed,) = (line for line in page.splitlines() if line.startswith("ACL SETUSER"))
    command = listed.replace("<password>", PASSWORD).split()
    redis_server.ask(*command)
    url = redis_server.url.replace("//:", "//oauth:")

    def found() -> list[str]:
        output = (
            make_app(OAUTH_REDIS_URL=url, OAUTH_DPOP=True).test_cli_runner().invoke(args=["oauth", "doctor"]).output
        )
        return [line for line in output.splitlines() if line.startswith("OAUTH_REDIS_URL")]

    assert not found(), "what the page lists is enough"
    redis_server.ask("ACL", "SETUSER", "oauth", rights)
    (line,) = found()
    assert said in line
    assert "docs/engines/redis.md" in line


def test_what_lets_this_process_do_nothing_is_away_until_it_does(
    make_app: MakeApp, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.ask("ACL", "SETUSER", "default", "-evalsha")
    app = make_app(OAUTH_REDIS_URL=redis_server.url)
    assert take(app, 1)[0].remaining == 4
    assert not eventually(lambda: "Redis answers again" in caplog.text, 2.5)
    redis_server.ask("ACL", "SETUSER", "default", "+evalsha")
    assert eventually(lambda: "Redis answers again" in caplog.text)
    assert [use.remaining for use in take(app, 2)] == [4, 3], "counted by Redis"


def test_nothing_of_redis_is_imported_unless_configured(app: Flask, tmp_path: Path) -> None:
    code = (
        "import sys; from tests.support.app import build_app, close_app; app = build_app(instance_path=sys.argv[1]);"
        "assert app.test_client().get('/weather', headers={'Authorization': 'Bearer x'}).status_code == 401;"
        "close_app(app); sys.exit('redis' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 0

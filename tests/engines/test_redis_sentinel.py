"""With Redis Sentinel: every use of Redis works, and goes on when the master is killed, hangs or comes back."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flask_oauth_gateway.database.redis.shared import RedisAway
from tests.support.app import MakeApp, bearer, register, server_of, token_for
from tests.support.other_process import OtherProcess
from tests.support.redis_load import (
    CONFIG,
    POLL,
    eventually,
    held_what_is_promised,
    shares_counts,
    tells_news,
    two_processes,
    under_load,
)
from tests.support.redis_sentinel import SENTINEL_PASSWORD, SERVICE, Sentinels, own_sentinels
from tests.support.redis_server import PASSWORD

pytestmark = pytest.mark.redis_programs


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    with own_sentinels(tmp_path) as sentinels:
        yield sentinels


@pytest.fixture
def processes(sentinels: Sentinels, database_uri: str, tmp_path: Path) -> Iterator[tuple[OtherProcess, OtherProcess]]:
    with two_processes(sentinels.url, database_uri, tmp_path) as processes:
        yield processes


def test_by_tls_counts_are_shared_and_news_are_told(tmp_path: Path, database_uri: str) -> None:
    with ExitStack() as held:
        url = held.enter_context(own_sentinels(tmp_path, encrypted=True)).url.replace("rediss", "valkeys", 1)
        one, other = held.enter_context(two_processes(url, database_uri, tmp_path))
        assert shares_counts(one, other, "counts")
        assert tells_news(one, other)


def test_when_the_master_is_killed_under_load(
    sentinels: Sentinels, processes: tuple[OtherProcess, OtherProcess]
) -> None:
    one, other = processes
    assert shares_counts(one, other, "before")
    assert tells_news(one, other)
    killed = sentinels.master()
    held_what_is_promised(under_load(one, other, killed.stop))
    assert sentinels.master() is not killed
    assert shares_counts(one, other, "after")
    assert tells_news(one, other)
    logged = [line for process in processes for line in process.ask("logged") if "Redis" in line]
    assert 2 <= len(logged) <= 4, logged
    assert not any(PASSWORD in line or SENTINEL_PASSWORD in line for line in logged)


def test_when_the_master_hangs_under_load_and_comes_back(
    sentinels: Sentinels, processes: tuple[OtherProcess, OtherProcess]
) -> None:
    one, other = processes
    hangs = sentinels.master()
    held_what_is_promised(under_load(one, other, hangs.freeze, hangs.thaw))
    assert shares_counts(one, other, "after")
    assert tells_news(one, other)


def test_when_everything_hangs_under_load_sentinels_too(
    sentinels: Sentinels, processes: tuple[OtherProcess, OtherProcess]
) -> None:
    one, other = processes
    held_what_is_promised(under_load(one, other, sentinels.freeze, sentinels.thaw))
    assert eventually(lambda: shares_counts(one, other, "after") or shares_counts(one, other, "later")) is not None


def test_when_it_is_away_altogether_under_load(
    sentinels: Sentinels, processes: tuple[OtherProcess, OtherProcess]
) -> None:
    one, other = processes
    held_what_is_promised(under_load(one, other, sentinels.stop, sentinels.start), times=4)  # it begins again empty
    assert tells_news(one, other)


def test_news_that_a_replaced_master_takes_are_known_within_the_poll_seconds(
    make_app: MakeApp, sentinels: Sentinels
) -> None:
    """It hung while another became the master, and doesn't know yet."""
    one, other = (make_app(OAUTH_REDIS_URL=sentinels.url, **CONFIG) for _ in range(2))

    def status(token: str) -> int:
        return other.test_client().get("/weather", headers=bearer(token)).status_code

    token = token_for(one.test_client(), register(one))["access_token"]
    assert server_of(one).redis.trouble() is None, "it is connected to the first master"
    assert status(token) == 200
    replaced, heard = sentinels.master(), server_of(other).redis
    replaced.freeze()
    assert eventually(lambda: sentinels.master() is not replaced) is not None

    def heard_of_another() -> bool:
        connection = getattr(heard._subscription, "connection", None)
        return connection is not None and connection.port != replaced.port and heard._subscription.subscribed

    assert eventually(heard_of_another) is not None
    assert status(token) == 200, "remembered"
    replaced.thaw()
    one.extensions["oauth_gateway"].tokens.revoke(token=token)
    assert not server_of(one).redis._is_away, "the replaced one took the news"
    late = eventually(lambda: status(token) == 401)
    assert late is not None
    assert late < POLL + 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (f":{PASSWORD}@", "invalid username-password pair"),
        (f"/{SERVICE}/", "No master found for 'another'"),
        (f"={SENTINEL_PASSWORD}", "No master found for 'gateway'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    make_app: MakeApp, sentinels: Sentinels, caplog: pytest.LogCaptureFixture, wrong: str, why: str
) -> None:
    url = sentinels.url.replace(wrong, {"/": "/another/", ":": ":not-this@", "=": "=not-this"}[wrong[0]])
    app = make_app(OAUTH_REDIS_URL=url)
    with pytest.raises(RedisAway):
        server_of(app).redis.run(lambda connected: connected.client.ping())
    (line,) = (record.getMessage() for record in caplog.records if "Redis" in record.getMessage())
    assert why in line
    found = make_app(OAUTH_REDIS_URL=url).test_cli_runner().invoke(args=["oauth", "doctor"]).output
    (said,) = (line for line in found.splitlines() if line.startswith("OAUTH_REDIS_URL"))
    assert why in said
    assert not any(secret in line + said for secret in (PASSWORD, SENTINEL_PASSWORD, "not-this"))


def test_where_the_service_is_left_out_the_number_of_the_database_is_taken_for_it(
    make_app: MakeApp, sentinels: Sentinels
) -> None:
    url = sentinels.url.replace(f"/{SERVICE}/0", "/3").replace(f"/{SERVICE}", "/3")
    found = make_app(OAUTH_REDIS_URL=url).test_cli_runner().invoke(args=["oauth", "doctor"]).output
    (said,) = (line for line in found.splitlines() if line.startswith("OAUTH_REDIS_URL"))
    assert "No master found for '3', the name before the database: /<service>/<database>" in said

"""With Redis Cluster: every use of Redis works, and goes on when a master is killed, hangs or hands slots over."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flask_oauth_gateway.database.redis.shared import RedisAway
from tests.support.app import MakeApp, server_of
from tests.support.other_process import OtherProcess
from tests.support.redis_cluster import Cluster, own_cluster
from tests.support.redis_load import (
    eventually,
    held_what_is_promised,
    key_of,
    shares_counts,
    tells_news,
    two_processes,
    under_load,
)
from tests.support.redis_server import PASSWORD, own_redis

pytestmark = pytest.mark.redis_programs
NEWS = "flask_oauth_gateway:0:news"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with own_cluster(tmp_path) as cluster:
        yield cluster


@pytest.fixture
def processes(cluster: Cluster, database_uri: str, tmp_path: Path) -> Iterator[tuple[OtherProcess, OtherProcess]]:
    with two_processes(cluster.url, database_uri, tmp_path) as processes:
        yield processes


def test_by_tls_counts_are_shared_and_news_are_told(tmp_path: Path, database_uri: str) -> None:
    with ExitStack() as held:
        url = held.enter_context(own_cluster(tmp_path, encrypted=True)).url.replace("rediss", "valkeys", 1)
        one, other = held.enter_context(two_processes(url, database_uri, tmp_path))
        assert all(shares_counts(one, other, f"counts {number}") for number in range(20)), "on whichever node they are"
        assert tells_news(one, other)


def test_when_a_master_is_killed_under_load(cluster: Cluster, processes: tuple[OtherProcess, OtherProcess]) -> None:
    """The one by which the news go."""
    one, other = processes
    assert shares_counts(one, other, "before")
    assert tells_news(one, other)
    killed = cluster.owner_of(NEWS)
    held_what_is_promised(under_load(one, other, killed.stop, seconds=6))
    assert all(shares_counts(one, other, f"after {number}") for number in range(20)), "on whichever node they are"
    assert tells_news(one, other)
    logged = [line for process in processes for line in process.ask("logged") if "Redis" in line]
    assert 2 <= len(logged) <= 4, logged
    assert not any(PASSWORD in line for line in logged)


def test_when_a_master_hangs_under_load_and_comes_back(
    cluster: Cluster, processes: tuple[OtherProcess, OtherProcess]
) -> None:
    one, other = processes
    hangs = cluster.owner_of(NEWS)
    held_what_is_promised(under_load(one, other, hangs.freeze, hangs.thaw, seconds=6))
    assert all(shares_counts(one, other, f"after {number}") for number in range(20)), "on whichever node they are"
    assert tells_news(one, other)


def test_when_every_node_hangs_under_load(cluster: Cluster, processes: tuple[OtherProcess, OtherProcess]) -> None:
    one, other = processes
    held_what_is_promised(under_load(one, other, cluster.freeze, cluster.thaw))
    assert eventually(lambda: shares_counts(one, other, "after") or shares_counts(one, other, "later")) is not None


def test_when_slots_go_to_another_master_under_load(
    cluster: Cluster, processes: tuple[OtherProcess, OtherProcess]
) -> None:
    """To one that the processes have never heard of."""
    one, other = processes
    assert shares_counts(one, other, "before"), "they know the nodes that there are"
    cluster.add_node()

    def happen() -> None:
        for key in (NEWS, key_of("through")):
            cluster.hand_over(key)

    held_what_is_promised(under_load(one, other, happen))
    assert cluster.owner_of(NEWS) is cluster.owner_of(key_of("through")) is cluster.servers[6]
    assert all(shares_counts(one, other, f"after {number}") for number in range(20)), "on whichever node they are"
    assert tells_news(one, other)


def test_what_is_wrong_is_said_in_one_line(
    make_app: MakeApp, cluster: Cluster, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    def said(url: str) -> str:
        caplog.clear()
        app = make_app(OAUTH_REDIS_URL=url)
        for _ in range(2):
            with pytest.raises(RedisAway):
                server_of(app).redis.run(lambda connected: connected.client.ping())
        (line,) = (record.getMessage() for record in caplog.records if "Redis" in record.getMessage())
        found = make_app(OAUTH_REDIS_URL=url).test_cli_runner().invoke(args=["oauth", "doctor"]).output
        (finding,) = (line for line in found.splitlines() if line.startswith("OAUTH_REDIS_URL"))
        assert not any(secret in line + finding for secret in (PASSWORD, "not-this"))
        return line + finding

    assert said(cluster.url.replace(PASSWORD, "not-this")).count("invalid username-password pair") == 2
    of_one_node = cluster.servers[0].url
    app = make_app(OAUTH_REDIS_URL=of_one_node)
    found = app.test_cli_runner().invoke(args=["oauth", "doctor"]).output
    assert "(a node of a Cluster: use redis+cluster://)" in found
    with own_redis(tmp_path / "alone") as alone:
        url = alone.url.replace("redis", "redis+cluster")
        assert said(url).count("Cluster mode is not enabled on this node") == 2

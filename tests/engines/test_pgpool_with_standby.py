"""pgpool before a primary and a standby: what was stored a moment ago is found where reads don't go to a standby that is late."""

from collections.abc import Iterator

import pytest

from tests.support.pgpool import own_pgpool
from tests.support.site import MakeSite, every_flow
from tests.support.standby import Cluster, own_cluster

pytestmark = [pytest.mark.standby, pytest.mark.pgpool, pytest.mark.parametrize("database_uri", ["own"], indirect=True)]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with own_cluster() as cluster:
        yield cluster


@pytest.fixture
def database_uri(cluster: Cluster) -> str:
    return cluster.primary.uri


def test_without_load_balancing_a_standby_may_be_as_late_as_it_likes(make_site: MakeSite, cluster: Cluster) -> None:
    standby = cluster.standby("standby1")
    standby.lag("10s")
    with own_pgpool(cluster.primary.uri, [standby.port], balance=False) as pgpool:
        site = make_site(OAUTH_DATABASE_URI=pgpool.url_of(cluster.primary.uri))
        for _ in range(5):
            every_flow(site)


def test_with_load_balancing_every_flow_works_where_the_primary_waits_for_the_standby(
    make_site: MakeSite, cluster: Cluster
) -> None:
    standby = cluster.standby("standby1")
    cluster.primary.ask("CREATE EXTENSION pg_stat_statements")
    cluster.primary.set(synchronous_standby_names="standby1", synchronous_commit="remote_apply")
    with own_pgpool(cluster.primary.uri, [standby.port]) as pgpool:
        site = make_site(OAUTH_DATABASE_URI=pgpool.url_of(cluster.primary.uri))
        for _ in range(5):
            every_flow(site)
        reads = "SELECT sum(calls) FROM pg_stat_statements WHERE query LIKE '%oauth_access_token%'"
        assert standby.ask(reads) > 0, "it was read at the standby"

"""Connects to what `OAUTH_REDIS_URL` names, by redis-py: one server, the master that Sentinels name, or a Cluster.

Each is made so that a request waits for one answer at most: nothing is tried again and again, and a Cluster's map of its nodes
is not read anew in the middle of a request, where each node that hangs would be waited for. `Redis` connects anew instead.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import redis
from limits.storage import RedisClusterStorage, RedisStorage
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import ClusterDownError, RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from limits.storage import Storage

    from ...config.readers.redis_url import RedisServers

    Client = redis.Redis | RedisCluster

TIMEOUT = 0.5  # the most seconds that a request waits when a server stops answering
SENTINEL_TIMEOUT = 0.2  # the same for each Sentinel: they are asked one after the other
MAX_CONNECTIONS = 50
CHECKS = 16  # keys that are counted to see whether it works: one node of a Cluster hardly has all of them
NO_NEWS = b"-"
PROOF_PREFIX = b"oauth/proof/"  # of the keys that stand for proofs which were used
#: AttributeError: redis-py looks for a node that its map lacks, as where slots move to a new one.
FAILURES = (redis.RedisError, RedisClusterException, AttributeError)
_TIMEOUTS = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}
_NO_RETRY = Retry(NoBackoff(), 0)


class Connected:
    """Connections to one server, or to all of a Cluster. `counts` is where the limits library counts."""

    def __init__(self, client: Client, make_counts: Callable[[], Storage]) -> None:
        self.client: Any = client  # redis-py's own types differ from version to version
        self._is_cluster = isinstance(client, RedisCluster)
        self._make_counts = make_counts

    @cached_property
    def counts(self) -> Storage:
        return self._make_counts()

    def check(self, channel: str, *, keeps_proofs: bool) -> None:
        """Raise an error of `FAILURES` unless every server that is needed answers, counts, and tells news by this channel.

        `keeps_proofs`: it must keep the keys of proofs, too.
        """
        if self._is_cluster:
            for node in self.client.get_primaries():
                if self.client.cluster_info(target_nodes=node)["cluster_state"] != "ok":
                    raise ClusterDownError("CLUSTERDOWN The cluster is down")
        for number in range(CHECKS):
            self.counts.incr(f"LIMITER/oauth/check/{number}", 1)
        self.counts.get_expiry("LIMITER/oauth/check/0")
        if keeps_proofs:
            self.client.set(PROOF_PREFIX + b"check", b"", nx=True, px=1000)
        with self.client.pubsub() as subscription:
            subscription.subscribe(channel)
            if subscription.get_message(timeout=TIMEOUT) is None:
                raise redis.TimeoutError("no news can be heard")
        self.client.publish(channel, NO_NEWS)

    def nodes(self) -> list[tuple[str, int]]:
        """The nodes of a Cluster, as it said when it was connected to."""
        return [(node.host, node.port) for node in self.client.get_nodes()] if self._is_cluster else []

    def close(self) -> None:
        if self._is_cluster:
            self.client.disconnect_connection_pools()
        else:
            self.client.connection_pool.disconnect()


def connect(servers: RedisServers, known: Iterable[tuple[str, int]] = ()) -> Connected:
    """Connect on first use; to a Cluster at once, by any of the URL's nodes or those `known` before.

    Raises an error of `FAILURES`.
    """
    if servers.kind == "cluster":
        return _to_cluster(servers._replace(hosts=tuple(dict.fromkeys((*servers.hosts, *known)))))
    return _to_master(servers) if servers.kind == "sentinel" else _to_server(servers)


def _to_server(servers: RedisServers) -> Connected:
    # One more try, as the connections in the pool are dead after a restart of Redis.
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    options: dict[str, Any] = {"max_connections": MAX_CONNECTIONS, "retry": retry, **_TIMEOUTS, **servers.options}
    return _on_pool(redis.ConnectionPool(**options))


def _to_master(servers: RedisServers) -> Connected:
    timeouts = dict.fromkeys(_TIMEOUTS, SENTINEL_TIMEOUT)
    sentinels = Sentinel(servers.hosts, sentinel_kwargs={**timeouts, "retry": _NO_RETRY, **servers.sentinel})  # type: ignore[no-untyped-call]
    options = {"max_connections": MAX_CONNECTIONS, "retry": _NO_RETRY, **_TIMEOUTS, **servers.options}
    return _on_pool(SentinelConnectionPool(servers.service, sentinels, **options))  # type: ignore[no-untyped-call]


def _on_pool(pool: redis.ConnectionPool) -> Connected:
    def counts() -> Storage:
        return RedisStorage("redis://", connection_pool=pool)

    return Connected(redis.Redis(connection_pool=pool), counts)


def _to_cluster(servers: RedisServers) -> Connected:
    hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in servers.hosts)
    options: dict[str, Any] = {"max_connections": MAX_CONNECTIONS, "retry": _NO_RETRY, "reinitialize_steps": 0}
    counts = RedisClusterStorage(f"redis+cluster://{hosts}", **{**options, **_TIMEOUTS, **servers.options})
    client: Any = counts.storage
    client.cluster_error_retry_attempts = 0  # of redis-py 5, which doesn't go by `retry`
    client.nodes_manager.initialize = lambda *_, **__: None  # reads the map of nodes anew, after any error
    return Connected(client, lambda: counts)

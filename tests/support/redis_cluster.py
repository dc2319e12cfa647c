"""A Redis Cluster of one test's own: three masters with a replica each, which takes over in two or three seconds, and a spare."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_ports
from tests.support.redis_server import PASSWORD, RedisServer
from tests.support.redis_sets import RedisSet, certificate, until

NODE_TIMEOUT = 1000  # milliseconds


class Cluster(RedisSet):
    """`url` names two of its nodes."""

    def __init__(self, folder: Path, *, encrypted: bool = False) -> None:
        tls = certificate(folder) if encrypted else None
        secure = {} if tls is None else {"tls_cluster": "yes", "tls_replication": "yes"}
        ports = free_ports(14)
        self.servers = []
        for port, bus in zip(ports[:7], ports[7:], strict=True):
            options = {
                "save": '""',
                "masterauth": PASSWORD,
                "cluster_enabled": "yes",
                "cluster_node_timeout": NODE_TIMEOUT,
                "cluster_port": bus,
                "cluster_replica_validity_factor": 0,
                "repl_diskless_sync_delay": 0,
                **secure,
            }
            self.servers.append(RedisServer(folder / str(port), port=port, tls=tls, **options))
        scheme, query = ("redis", "") if tls is None else ("rediss", f"?ssl_ca_certs={tls['tls_ca_cert_file']}")
        self._cli = ["redis-cli", "-a", PASSWORD, "--no-auth-warning"]
        if tls is not None:
            self._cli += ["--tls", "--cacert", str(tls["tls_ca_cert_file"])]
        self._places = [f"127.0.0.1:{port}@{bus}" for port, bus in zip(ports[:7], ports[7:], strict=True)]
        self.url = f"{scheme}+cluster://:{PASSWORD}@127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}{query}"

    def start(self) -> None:
        for server in self.servers:
            server.start()
        self._do("create", *self._places[:6], "--cluster-replicas", "1")
        until(lambda: all(self._knows(server) for server in self.servers[:6]))

    def add_node(self) -> None:
        """Take the spare into the Cluster, as a master that has nothing."""
        self._do("add-node", self._places[6], self._places[0])
        until(lambda: all(b"cluster_known_nodes:7" in server.ask("CLUSTER", "INFO") for server in self.servers))

    def hand_over(self, key: str, seconds: float = 0.5) -> None:
        """Give the slot of a key to the spare. On the way, which takes some seconds, each of the two has a part of its keys."""
        old, new = self.owner_of(key), self.servers[6]
        slot = old.ask("CLUSTER", "KEYSLOT", key)
        ids = {server.port: server.ask("CLUSTER", "MYID").decode() for server in (old, new)}
        new.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[old.port])
        old.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[new.port])
        time.sleep(seconds)
        for found in old.ask("CLUSTER", "GETKEYSINSLOT", slot, 100):
            old.ask("MIGRATE", "127.0.0.1", new.port, found, 0, 5000, "AUTH", PASSWORD)
        time.sleep(seconds)
        for server in (new, old):
            server.ask("CLUSTER", "SETSLOT", slot, "NODE", ids[new.port])

    def _do(self, *command: str) -> None:
        done = subprocess.run(
            [*self._cli, "--cluster", *command, "--cluster-yes"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _knows(self, server: RedisServer) -> bool:
        links = server.ask("INFO", "replication")
        is_whole = b"cluster_state:ok" in server.ask("CLUSTER", "INFO")
        return is_whole and (links.get("connected_slaves") == 1 or links.get("master_link_status") == "up")

    def owner_of(self, key: str) -> RedisServer:
        """The master that has a key, as some other node says."""
        slot = self.servers[0].ask("CLUSTER", "KEYSLOT", key)
        for first, last, (_, port, *_), *_ in self.servers[0].ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                (found,) = (server for server in self.servers if server.port == port)
                return found
        raise AssertionError("Nobody has it.")


@contextmanager
def own_cluster(folder: Path, *, encrypted: bool = False) -> Iterator[Cluster]:
    cluster = Cluster(folder, encrypted=encrypted)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()

"""A master of Redis, two replicas and three Sentinels of one test's own, which agree on another master in a second or two."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_ports
from tests.support.redis_server import PASSWORD, RedisServer
from tests.support.redis_sets import RedisSet, certificate, until

SERVICE = "gateway"
SENTINEL_PASSWORD = "also-for-tests"


class Sentinels(RedisSet):
    """`url` names the Sentinels."""

    def __init__(self, folder: Path, *, encrypted: bool = False, down_after: int = 500) -> None:
        tls = certificate(folder) if encrypted else None
        secure = {} if tls is None else {"tls_replication": "yes"}
        ports = free_ports(6)
        self.nodes = []
        for port in ports[:3]:
            follows = {} if port == ports[0] else {"replicaof": f"127.0.0.1 {ports[0]}"}
            options = {"save": '""', "masterauth": PASSWORD, "repl_diskless_sync_delay": 0, **follows, **secure}
            self.nodes.append(RedisServer(folder / str(port), port=port, tls=tls, **options))
        watching = (
            f"{SERVICE} 127.0.0.1 {ports[0]} 2\n"
            f"sentinel auth-pass {SERVICE} {PASSWORD}\n"
            f"sentinel down-after-milliseconds {SERVICE} {down_after}\n"
            f"sentinel failover-timeout {SERVICE} 4000\n"
            f"sentinel sentinel-pass {SENTINEL_PASSWORD}"
        )
        options = {"requirepass": SENTINEL_PASSWORD, "sentinel monitor": watching, **secure}
        self.sentinels = [
            RedisServer(folder / str(port), "--sentinel", port=port, tls=tls, **options) for port in ports[3:]
        ]
        self.servers = self.nodes + self.sentinels
        places = ",".join(f"127.0.0.1:{port}" for port in ports[3:])
        scheme, query = ("redis", "") if tls is None else ("rediss", f"&ssl_ca_certs={tls['tls_ca_cert_file']}")
        self.url = f"{scheme}+sentinel://:{PASSWORD}@{places}/{SERVICE}/1?sentinel_password={SENTINEL_PASSWORD}{query}"

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        until(lambda: all(node.ask("INFO")["master_link_status"] == "up" for node in self.nodes[1:]))
        for sentinel in self.sentinels:
            sentinel.start()
        until(self._know)

    def _know(self) -> bool:
        states = [sentinel.ask("INFO", "sentinel")["master0"] for sentinel in self.sentinels]
        return all((state["status"], state["slaves"], state["sentinels"]) == ("ok", 2, 3) for state in states)

    def master(self) -> RedisServer:
        """Whom the first Sentinel calls the master."""
        _, port = self.sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        (found,) = (node for node in self.nodes if node.port == int(port))
        return found


@contextmanager
def own_sentinels(folder: Path, *, encrypted: bool = False, down_after: int = 500) -> Iterator[Sentinels]:
    sentinels = Sentinels(folder, encrypted=encrypted, down_after=down_after)
    try:
        sentinels.start()
        yield sentinels
    finally:
        sentinels.stop()

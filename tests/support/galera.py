"""A Galera cluster of one test module's own: three nodes of MariaDB on this machine, each a copy that takes writes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

import pymysql
from sqlalchemy import URL

from tests.support.ports import free_ports
from tests.support.proxy import Proxy
from tests.support.services import GALERA, MARIADBD

NODES = 3
OPTIONS = (
    "--no-defaults", "--bind-address=127.0.0.1", "--binlog-format=ROW", "--default-storage-engine=InnoDB",
    "--innodb-autoinc-lock-mode=2", "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=64M", "--wsrep-on=ON",
    f"--wsrep-provider={GALERA}", "--wsrep-cluster-name=gateway", "--wsrep-sst-method=rsync",
    "--wsrep-node-address=127.0.0.1", "--wsrep-slave-threads=2", "--max-connections=300",
)  # fmt: skip
# A node that says nothing for so long is left out; a killed one is noticed at once, by its closed connections.
PROVIDER = "gcache.size=16M;evs.suspect_timeout=PT3S;evs.inactive_timeout=PT6S;evs.install_timeout=PT6S"


class Galera:
    """The nodes are numbered from 0. `url` names a database by way of one of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        ports = free_ports(NODES * 4)
        self._ports = [ports[start : start + 4] for start in range(0, len(ports), 4)]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self.ports = [own for own, *_ in self._ports]

    def url(self, node: int, database: str, port: int | None = None) -> str:
        url = URL.create(
            "mariadb+pymysql", "root", None, "127.0.0.1", port or self.ports[node], database, {"charset": "utf8mb4"}
        )
        return url.render_as_string(hide_password=False)

    def start(self) -> None:
        for node in range(NODES):
            (self._folder / f"data{node}").mkdir()
        command = ["mariadb-install-db", "--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]
        if os.getuid() == 0:  # rsync, by which the others get their copy, gives up root's rights
            shutil.chown(self._folder, "mysql")
            for node in range(NODES):
                shutil.chown(self._folder / f"data{node}", "mysql")
            command.append("--user=mysql")
        with (self._folder / "install.log").open("wb") as log:
            subprocess.run([*command, f"--datadir={self._folder / 'data0'}"], check=True, stdout=log, stderr=log)
        self._launch(0, first=True)
        self._wait_for(0)
        for node in range(1, NODES):
            self._launch(node)
        for node in range(1, NODES):
            self._wait_for(node)

    def start_node(self, node: int) -> None:
        """Start a node, and wait until it has everything that the others have."""
        self._launch(node)
        self._wait_for(node)

    def _launch(self, node: int, *, first: bool = False) -> None:
        own, group, incremental, copy = self._ports[node]
        peers = ",".join(f"127.0.0.1:{group}" for _, group, _, _ in self._ports)
        place = f"base_port={group};gmcast.listen_addr=tcp://127.0.0.1:{group};ist.recv_addr=127.0.0.1:{incremental}"
        command = [
            str(MARIADBD), *OPTIONS, f"--datadir={self._folder / f'data{node}'}", f"--port={own}",
            f"--socket={self._folder / f'{node}.sock'}", f"--pid-file={self._folder / f'{node}.pid'}",
            f"--wsrep-cluster-address=gcomm://{peers}", f"--wsrep-node-name=node{node}",
            f"--wsrep-sst-receive-address=127.0.0.1:{copy}", f"--wsrep-provider-options={PROVIDER};{place}",
        ]  # fmt: skip
        command += ["--wsrep-new-cluster"] if first else []
        command += ["--user=mysql"] if os.getuid() == 0 else []
        with (self._folder / f"log{node}").open("ab") as log:
            self._processes[node] = subprocess.Popen(command, stdout=log, stderr=log)

    def _wait_for(self, node: int) -> None:
        ends = time.monotonic() + 100
        while not self.is_ready(node):
            assert self._processes[node].poll() is None, (self._folder / f"log{node}").read_text()[-2000:]
            assert time.monotonic() < ends, "The node does not join."
            time.sleep(0.1)

    def is_ready(self, node: int) -> bool:
        """Whether the node is part of the cluster, and takes statements."""
        with suppress(pymysql.Error):
            return self.run(node, "SHOW STATUS LIKE 'wsrep_local_state_comment'") == "Synced"
        return False

    def make_database(self, name: str) -> None:
        """An empty one, instead of the one of that name. (In a cluster, REPLACE and DROP go by foreign keys.)"""
        for statement in (f"CREATE DATABASE IF NOT EXISTS {name}", f"DROP DATABASE {name}"):
            self.run(0, f"SET STATEMENT foreign_key_checks = 0 FOR {statement}")
        self.run(0, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")

    def connection(self, node: int) -> pymysql.Connection[pymysql.cursors.Cursor]:
        return pymysql.connect(
            host="127.0.0.1", port=self.ports[node], user="root", connect_timeout=5, read_timeout=60, autocommit=True
        )

    def run(self, node: int, statement: str) -> object:
        """The last column of the first row that a statement returns on a node."""
        with self.connection(node) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone()
            return None if row is None else row[-1]

    @contextmanager
    def behind(self, node: int) -> Iterator[Callable[[], None]]:
        """Meanwhile the node gets nothing of what the others commit. Gives "go on"."""
        with self.connection(node) as connection, connection.cursor() as cursor:

            def go_on() -> None:
                cursor.execute("UNLOCK TABLES")

            cursor.execute("FLUSH TABLES WITH READ LOCK")
            try:
                yield go_on
            finally:
                go_on()

    def kill(self, node: int) -> None:
        """As by a crash, at once."""
        process = self._processes.pop(node)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for node in list(self._processes):
            self.kill(node)


class Spread(Proxy):
    """Leads each new connection to the next node."""

    def __init__(self, galera: Galera) -> None:
        self._nodes = cycle(galera.ports)
        super().__init__("127.0.0.1", 0)

    def server(self) -> tuple[str, int]:
        return "127.0.0.1", next(self._nodes)


@contextmanager
def own_galera() -> Iterator[Galera]:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    galera = Galera(folder)
    try:
        galera.start()
        yield galera
    finally:
        galera.stop()
        shutil.rmtree(folder)

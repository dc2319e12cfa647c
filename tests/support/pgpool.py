"""A pgpool of one test's own in front of PostgreSQL: a client has a connection of the server's for as long as it stays."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from tests.support.ports import free_ports, wait_for
from tests.support.services import PGPOOL, POSTGRESQL_URL

CONFIG = """
backend_clustering_mode = 'streaming_replication'
listen_addresses = '127.0.0.1'
port = {own}
unix_socket_directories = '{folder}'
pcp_listen_addresses = '127.0.0.1'
pcp_port = {control}
pcp_socket_dir = '{folder}'
pid_file_name = '{folder}/pid'
logdir = '{folder}'
sr_check_user = '{user}'
sr_check_period = 0
health_check_period = 0
enable_pool_hba = off
num_init_children = 30
max_pool = 1
load_balance_mode = {balance}
"""
SERVER = """
backend_hostname{number} = '{host}'
backend_port{number} = {port}
backend_weight{number} = {weight}
backend_flag{number} = 'DISALLOW_TO_FAILOVER'
"""


class Pgpool:
    """`url_of` names a database by way of it. It tells the server's own process id: a name stands for what it did before."""

    connections = 2  # as many as a test has for its neighbours
    keeps_names = True

    def __init__(self, folder: Path, url: str, standbys: Sequence[int], *, balance: bool) -> None:
        server = make_url(url)
        self.port, control = free_ports(2)
        text = CONFIG.format(
            own=self.port, control=control, folder=folder, user=server.username, balance="on" if balance else "off"
        )
        for number, port in enumerate([server.port or 5432, *standbys]):
            weight = int(bool(number) or not standbys)  # what may be read at a standby is read there
            text += SERVER.format(number=number, host=server.host, port=port, weight=weight)
        (folder / "pgpool.conf").write_text(text)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def url_of(self, url: str) -> str:
        return make_url(url).set(host="127.0.0.1", port=self.port).render_as_string(hide_password=False)

    def start(self) -> None:
        command = [str(PGPOOL), "-n", "-f", str(self._folder / "pgpool.conf"), "-F", "/dev/null", "-a", "/dev/null"]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self.port, self._process)

    def stop(self) -> None:
        """Its clients' connections are cut. (SIGKILL would leave its other processes, and its shared memory.)"""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
            self._process = None


@contextmanager
def own_pgpool(url: str = POSTGRESQL_URL, standbys: Sequence[int] = (), *, balance: bool = True) -> Iterator[Pgpool]:
    """One before a server, and before its standbys on these ports. `balance`: whether it reads at them."""
    folder = Path(tempfile.mkdtemp())
    pgpool = Pgpool(folder, url, standbys, balance=balance)
    try:
        pgpool.start()
        yield pgpool
    finally:
        pgpool.stop()
        shutil.rmtree(folder)

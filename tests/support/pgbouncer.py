"""A PgBouncer of one test's own in front of PostgreSQL, in transaction mode: statements run on whatever connection is free."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from tests.support.ports import free_port, wait_for
from tests.support.services import PGBOUNCER, POSTGRESQL_URL

CONNECTIONS = 2  # that the server has for everybody
CONFIG = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 500
"""


class PgBouncer:
    """`url_of` names a database by way of it."""

    connections = CONNECTIONS
    keeps_names = False

    def __init__(self, folder: Path) -> None:
        server = make_url(POSTGRESQL_URL)
        self.port = free_port()
        (folder / "users").write_text(f'"{server.username}" "{server.password or ""}"\n')
        config = CONFIG.format(
            host=server.host, port=server.port or 5432, own=self.port, folder=folder, connections=CONNECTIONS
        )
        (folder / "pgbouncer.ini").write_text(config)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def url_of(self, url: str) -> str:
        return make_url(url).set(host="127.0.0.1", port=self.port).render_as_string(hide_password=False)

    def start(self) -> None:
        assert PGBOUNCER is not None
        command = [PGBOUNCER, *(["-u", "nobody"] if os.getuid() == 0 else []), str(self._folder / "pgbouncer.ini")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self.port, self._process)

    def stop(self) -> None:
        """As by a crash: its clients' connections are cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def own_pgbouncer() -> Iterator[PgBouncer]:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)  # it gives up root's rights before it reads what is in there
    bouncer = PgBouncer(folder)
    try:
        bouncer.start()
        yield bouncer
    finally:
        bouncer.stop()
        shutil.rmtree(folder)

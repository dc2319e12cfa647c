"""A PostgreSQL of one test's own with standbys, each in a folder and on a port of its own: killed, promoted, held back."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.support.ports import free_port
from tests.support.services import POSTGRESQL_PROGRAMS

NAME = "postgres"  # of the user, and of the database
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 60
shared_buffers = 32MB
wal_level = replica
max_wal_senders = 6
hot_standby = on
wal_receiver_status_interval = 100ms
wal_retrieve_retry_interval = 100ms
max_standby_streaming_delay = -1
autovacuum = off
shared_preload_libraries = 'pg_stat_statements'
"""


def as_other_user() -> dict[str, Any]:
    """What a program is started with that refuses to run as root."""
    if os.getuid() != 0:
        return {}
    with suppress(KeyError):
        return {"user": NAME, "group": pwd.getpwnam(NAME).pw_gid, "extra_groups": []}
    return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}


def _run(program: str, *arguments: str) -> None:
    assert POSTGRESQL_PROGRAMS is not None
    command = [str(POSTGRESQL_PROGRAMS / program), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", **as_other_user())
    assert done.returncode == 0, done.stderr


class Server:
    """One server: a primary, or a standby of one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"postgresql+psycopg://{NAME}@127.0.0.1:{self.port}/{NAME}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        address = f"host=127.0.0.1 port={self.port} user={NAME} dbname={NAME} connect_timeout=5"
        return psycopg.connect(address, **options)

    def ask(self, statement: str) -> Any:
        """The first value of the first row, on a connection of its own."""
        with self.connect(autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            row = cursor.fetchone() if cursor.description else None
            return None if row is None else row[0]

    def set(self, **settings: str) -> None:
        """Change settings that need no restart."""
        for name, value in settings.items():
            self.ask(f"ALTER SYSTEM SET {name} = '{value}'")
        self.ask("SELECT pg_reload_conf()")

    def start(self) -> None:
        assert POSTGRESQL_PROGRAMS is not None
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(POSTGRESQL_PROGRAMS / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)],
                stdout=log, stderr=log, cwd="/", **as_other_user(),
            )  # fmt: skip
        self.wait_until(lambda: self.ask("SELECT true"))

    def wait_until(self, is_so: Callable[[], Any], seconds: float = 40) -> None:
        until = time.monotonic() + seconds
        while True:
            with suppress(psycopg.Error):
                if is_so():
                    return
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.02)

    def lag(self, delay: str) -> None:
        """Have a standby do everything so much later from now on."""
        with (self.folder / "data" / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"recovery_min_apply_delay = '{delay}'\n")
        self.ask("SELECT pg_reload_conf()")
        self.wait_until(lambda: self.ask("SHOW recovery_min_apply_delay") == delay)

    def hold(self) -> None:
        """Have a standby stand still as it is now."""
        self.ask("SELECT pg_wal_replay_pause()")
        self.wait_until(lambda: self.ask("SELECT pg_get_wal_replay_pause_state()") == "paused")

    def let_go(self) -> None:
        self.ask("SELECT pg_wal_replay_resume()")

    def kill(self) -> None:
        """SIGKILL, for every process of it: nothing is said to anybody, and nothing written."""
        if self._process is None:
            return
        its = self.children()
        self._process.kill()
        for pid in its:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def children(self) -> list[int]:
        """Its processes but the first."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                if int(entry.read_text().rpartition(")")[2].split()[1]) == self.pid:
                    found.append(int(entry.parent.name))
        return found

    def promote(self) -> None:
        """Make the standby a primary, and wait until it is one."""
        _run("pg_ctl", "promote", "-D", str(self.folder / "data"), "-w", "-t", "40")

    def end_connections(self) -> None:
        """End every connection of clients."""
        self.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


class Cluster:
    """A primary and its standbys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: list[Server] = []
        self.primary = self._server()

    def start(self) -> None:
        """Make the primary, and start it."""
        data = self.primary.folder / "data"
        _run("initdb", "-D", str(data), "-U", NAME, "--auth=trust", "--no-sync", "--locale=C.UTF-8")
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS)
        self.primary.start()

    def _server(self) -> Server:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        if os.getuid() == 0:
            shutil.chown(folder, as_other_user()["user"])
        server = Server(folder)
        self._servers.append(server)
        return server

    def standby(self, name: str, *, port: int | None = None) -> Server:
        """A standby that streams from the primary, as `name`; by way of a proxy's `port`, if there is one."""
        server = self._server()
        data = server.folder / "data"
        address = f"host=127.0.0.1 port={port or self.primary.port} user={NAME} application_name={name}"
        _run("pg_basebackup", "-D", str(data), "-d", address, "-c", "fast", "-X", "stream", "-R", "--no-sync")
        with (data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = '{address}'\nsynchronous_standby_names = ''\n")
        server.start()
        streaming = f"SELECT bool_or(application_name = '{name}' AND state = 'streaming') FROM pg_stat_replication"  # noqa: S608
        self.primary.wait_until(lambda: self.primary.ask(streaming))
        return server

    def wait_for(self, standby: Server) -> None:
        """Until a standby has done all that the primary has done by now."""
        position = self.primary.ask("SELECT pg_current_wal_lsn()")
        standby.wait_until(lambda: standby.ask(f"SELECT pg_last_wal_replay_lsn() >= '{position}'"))

    def several_hosts(self, *servers: Server) -> str:
        """A URL that finds out which of them is the primary."""
        hosts = "&".join(f"host={server.host}" for server in servers)
        return f"postgresql+psycopg://{NAME}@/{NAME}?{hosts}&target_session_attrs=read-write&connect_timeout=3"

    def remove(self) -> None:
        for server in self._servers:
            server.kill()


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()
        shutil.rmtree(folder, ignore_errors=True)

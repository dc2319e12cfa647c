"""Starts the contestants: each on a server with 2 workers, and with a database of its own that is gone afterwards."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine, make_url

from . import machine
from .contestants import CONTESTANTS, Contestant

ROOT = Path(__file__).parents[1]
POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
WORKERS = 2
#: The backends of other databases; those that serve all, like the one that writes the WAL, have no database.
OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname <> %(name)s AND pid <> pg_backend_pid()"


class Database:
    """An empty database on a PostgreSQL server of this machine, and what its processes use. `drop` when all is done."""

    def __init__(self, number: int) -> None:
        self._url = make_url(os.environ.get("BENCH_POSTGRES_URL", POSTGRES))
        self._name = f"oauth_bench_{os.getpid()}_{number}"
        self.uri = self._url.set(database=self._name).render_as_string(hide_password=False)
        self._server = _engine(str(self._url.render_as_string(hide_password=False)))
        with self._server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {self._name}")
            backend = int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        self._postmaster = machine.now().processes[backend][0]

    def drop(self) -> None:
        with self._server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {self._name} WITH (FORCE)")
        self._server.dispose()

    def analyse(self) -> None:
        """Have PostgreSQL look at the tables, as it does by itself within minutes."""
        engine = _engine(self.uri)
        with engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
        engine.dispose()

    def cpu(self, before: machine.Moment, after: machine.Moment) -> float:
        """Return the CPU seconds of the server's processes, without the backends of other databases."""
        with self._server.connect() as connection:
            others = {row.pid for row in connection.exec_driver_sql(OTHERS, {"name": self._name})}
        theirs = after.cpu(others) - before.cpu(others)
        return machine.used(before, after, self._postmaster) - theirs


def end_when_told() -> None:
    """Have SIGTERM end this process as Ctrl-C does: servers stop and databases go."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))


def _engine(uri: str) -> Engine:
    return create_engine(uri, isolation_level="AUTOCOMMIT")


@dataclass
class Running:
    """A contestant's server."""

    name: str
    contestant: Contestant
    port: int
    environment: dict[str, str]
    database: Database | None
    process: subprocess.Popen[bytes]

    def python(self, expression: str) -> None:
        """Run a line of Python in a process of its own, with the contestant's module as `it`."""
        _python(self.contestant, self.environment, expression)

    def seed(self, work: str, number: int, file: Path) -> None:
        """Make requests ahead, and store what they need."""
        self.python(f"open({str(file)!r}, 'wb').write(b'\\0'.join(it.seed({work!r}, {number})))")
        if self.database is not None and self.contestant.analysed:
            self.database.analyse()

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        found = machine.children(self.process.pid)
        return sorted(found, key=lambda pid: machine.memory(pid).resident)[-WORKERS:]  # uvicorn has another child


def _python(contestant: Contestant, environment: dict[str, str], expression: str) -> None:
    code = f"from bench.contestants import {contestant.module} as it; {expression}"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)  # noqa: S603


@contextmanager
def serving(name: str, folder: Path, *more: str) -> Iterator[Running]:
    """Serve a contestant, with its database made and its client registered; `more` is for gunicorn's command line."""
    contestant, port = CONTESTANTS[name], _free_port()
    database = Database(port) if contestant.database == "postgresql" else None
    own = folder / str(port)
    own.mkdir()
    environment = {
        **os.environ, "BENCH_DATABASE": database.uri if database else f"sqlite:///{own}/bench.db",
        "BENCH_OPTIONS": json.dumps(contestant.options), "BENCH_FOLDER": str(own),
    }  # fmt: skip
    environment.setdefault("PYTHONPATH", str(ROOT))
    process = None
    try:
        _python(contestant, environment, "it.prepare()")
        process = subprocess.Popen(_command(contestant, port, *more), cwd=ROOT, env=environment)  # noqa: S603
        _wait_for(port)
        yield Running(name, contestant, port, environment, database, process)
    finally:
        if process is not None:
            process.terminate()
            process.wait(60)  # gunicorn gives requests 30 seconds to end
        if database is not None:
            database.drop()


def _command(contestant: Contestant, port: int, *more: str) -> list[str]:
    app = f"bench.contestants.{contestant.module}:make_app"
    if contestant.server == "uvicorn":
        return [
            sys.executable, "-m", "uvicorn", "--workers", str(WORKERS), "--port", str(port), "--log-level", "error",
            "--no-access-log", "--factory", app,
        ]  # fmt: skip
    return [
        sys.executable, "-m", "gunicorn", "--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}", "--backlog", "512",
        "--log-level", "error", *more, f"{app}()",
    ]  # fmt: skip


def _free_port() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return int(any_port.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(150):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5):
                return
        except urllib.error.HTTPError as error:
            error.close()
            return  # the server answers that it wants a token, so it is up
        except OSError:
            time.sleep(0.2)
    sys.exit(f"Nothing answers on port {port}.")

"""Measures over HTTP: every contestant runs on gunicorn with 2 workers, they take turns, and wrk sends the requests.

`python -m bench.http [--rounds N] [--seconds N] [--only NAME…] [--work NAME…] [--json FILE] [--worker-class NAME]`

Each figure is the median of its rounds, and its ratio the median of the ratios to the bare view just before and after.
It needs wrk, and a PostgreSQL server on which it may make databases (`BENCH_POSTGRES_URL`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, make_url

from .contestants import CONTESTANTS, ONCE, WORK, Contestant

POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
LUA = Path(__file__).with_name("wrk.lua")
ROOT = LUA.parent.parent
FIRST_PORT = 5610
CONNECTIONS = 8
WARM_UP_SECONDS = 0.5
REQUESTS_A_SECOND = 4000  # no contestant answers more requests made ahead than this


@dataclass
class Running:
    """A contestant's server, and its results: (requests a second, ratio, p50 ms, p99 ms) by round."""

    name: str
    contestant: Contestant
    environment: dict[str, str]
    port: int
    process: subprocess.Popen[bytes]
    rounds: dict[str, list[tuple[float, float, float, float]]] = field(default_factory=dict)

    def python(self, expression: str) -> None:
        """Run a line of Python in a process of its own, with the contestant's module as `it`."""
        code = f"from bench.contestants import {self.contestant.module} as it; {expression}"
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=self.environment, check=True)  # noqa: S603

    def memory(self) -> float:
        """Return the MiB that a worker holds, with its share of common memory (PSS): the median of all workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return statistics.median(_pss(int(child)) for child in children)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.http", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--only", nargs="*", default=list(CONTESTANTS), choices=list(CONTESTANTS))
    parser.add_argument("--work", nargs="*", default=list(WORK), choices=list(WORK))
    parser.add_argument("--worker-class", default="sync", help="gunicorn's; gthread keeps connections open")
    parser.add_argument("--json", type=Path, help="write the result here too")
    given = parser.parse_args()
    for command in ("wrk",):
        if shutil.which(command) is None:
            sys.exit(f"{command} is not there: install it.")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        names = dict.fromkeys(["bare Flask", *given.only])
        running = [
            stack.enter_context(serving(name, Path(folder), FIRST_PORT + number, given.worker_class))
            for number, name in enumerate(names)
        ]
        bare, *others = running
        for number in range(given.rounds):
            for contestant in others:
                for work in contestant.contestant.work:
                    if work in given.work:
                        measure(contestant, work, bare, Path(folder), given.seconds)
            print(f"round {number + 1} of {given.rounds} is done", file=sys.stderr)
        result = {item.name: summary(item) for item in others}
        print(table(result, given.work))
        memory = {item.name: round(item.memory(), 1) for item in running}
        print("\n| | MiB a worker |\n| --- | --- |")
        print("\n".join(f"| {name} | {value} |" for name, value in memory.items()))
    if given.json:
        given.json.write_text(json.dumps({"work": result, "memory": memory}, indent=2) + "\n")


@contextmanager
def serving(name: str, folder: Path, port: int, worker_class: str) -> Iterator[Running]:
    """Serve a contestant on gunicorn, with its database made and its client registered."""
    contestant = CONTESTANTS[name]
    with database(contestant.database, folder, port) as uri:
        own = folder / str(port)
        own.mkdir()
        environment = {
            **os.environ, "BENCH_DATABASE": uri, "BENCH_OPTIONS": json.dumps(contestant.options), "BENCH_FOLDER": str(own),
        }  # fmt: skip
        environment.setdefault("PYTHONPATH", str(ROOT))
        command = [
            sys.executable, "-m", "gunicorn", "--workers", "2", "--worker-class", worker_class, "--bind", f"127.0.0.1:{port}",
            "--backlog", "512", "--log-level", "error", *(("--threads", "4") if worker_class == "gthread" else ()),
            f"bench.contestants.{contestant.module}:make_app()",
        ]  # fmt: skip
        made = Running(name, contestant, environment, port, None)  # type: ignore[arg-type]
        made.python("it.prepare()")
        made.process = subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603
        try:
            _wait_for(port)
            yield made
        finally:
            made.process.terminate()
            made.process.wait(20)


@contextmanager
def database(kind: str | None, folder: Path, number: int) -> Iterator[str]:
    """Yield the URL of an empty database, which is deleted at the end."""
    if kind != "postgresql":
        yield "" if kind is None else f"sqlite:///{folder / f'{number}.db'}"
        return
    url = make_url(os.environ.get("BENCH_POSTGRES_URL", POSTGRES))
    name = f"oauth_bench_{os.getpid()}_{number}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        engine.dispose()


def measure(running: Running, work: str, bare: Running, folder: Path, seconds: float) -> None:
    """Measure one round of an operation, between two rounds of the bare view."""
    ahead = int(REQUESTS_A_SECOND * (seconds + WARM_UP_SECONDS)) if work in ONCE else 1
    file = folder / "requests"

    def seed(who: Running, name: str, number: int) -> Path:
        who.python(f"open({str(file)!r}, 'wb').write(b'\\0'.join(it.seed({name!r}, {number})))")
        return file

    simple = folder / "bare-requests"
    if not simple.exists():
        seed(bare, "view", 1).rename(simple)
    seed(running, work, ahead)
    if work not in ONCE:
        ask(running.port, file, WARM_UP_SECONDS, again=True)
    if work == "view_seen":
        ask(running.port, file, WARM_UP_SECONDS, again=True)
    before = ask(bare.port, simple, seconds / 2, again=True)
    found = ask(running.port, file, seconds, again=work not in ONCE)
    after = ask(bare.port, simple, seconds / 2, again=True)
    if found["refused"] or found["lost"] > CONNECTIONS:
        sys.exit(
            f"{running.name}, {work}: {found['refused']} of {found['requests']} were refused, {found['lost']} lost."
        )
    rate = found["requests"] / found["seconds"]
    print(f"  {running.name}, {work}: {rate:.0f}/s", file=sys.stderr)
    limit = (before["requests"] / before["seconds"] + after["requests"] / after["seconds"]) / 2
    running.rounds.setdefault(work, []).append((rate, rate / limit, found["p50"], found["p99"]))


def ask(port: int, file: Path, seconds: float, *, again: bool) -> dict[str, float]:
    """Send these requests with wrk, and return its results."""
    command = [
        "wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{max(1, round(seconds))}s", "-s", str(LUA),
        f"http://127.0.0.1:{port}", "--", str(file), "again" if again else "once",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return dict(json.loads(done.stdout.strip().rsplit("\n", 1)[-1]))


def summary(running: Running) -> dict[str, dict[str, float]]:
    """Return the medians of each operation."""
    names: tuple[tuple[str, Callable[[float], float]], ...] = (
        ("requests_a_second", round),
        ("ratio", lambda value: round(value, 3)),
        ("p50_ms", lambda value: round(value, 2)),
        ("p99_ms", lambda value: round(value, 2)),
    )
    return {
        work: {name: form(statistics.median(one[place] for one in rounds)) for place, (name, form) in enumerate(names)}
        for work, rounds in running.rounds.items()
    }


def table(result: dict[str, dict[str, dict[str, float]]], work: list[str]) -> str:
    """Return Markdown: a row for each contestant, a column for each operation, with ratio and requests a second."""
    shown = [name for name in work if any(name in found for found in result.values())]
    lines = ["| ratio to a bare view (requests a second; p50, p99 in ms) | " + " | ".join(shown) + " |"]
    lines.append("| --- |" + " --- |" * len(shown))
    for name, found in result.items():
        cells = [
            "{ratio:.2f} ({requests_a_second:.0f}; {p50_ms:.1f}, {p99_ms:.1f})".format(**found[each])
            if each in found
            else "–"
            for each in shown
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


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


def _pss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()

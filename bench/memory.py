"""Measures what a worker holds in memory after some seconds of work, and how much of it is left where gunicorn preloads the app.

`python -m bench.memory [--only NAME,…] [--seconds N] [--write]`: each contestant runs alone on 2 workers. Resident is what
`ps` shows; the share counts what processes have in common, the interpreter's and the libraries' pages above all, once.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from . import machine, tables
from .contestants import BARE, CONTESTANTS, ONCE
from .http import ask, names
from .servers import Running, end_when_told, serving

SERVERS = (
    BARE, "bare-db", "gateway-sqlite", "gateway-postgresql", "gateway-cache", "gateway-redis", "gateway-es256", "gateway-rs256",
    "authlib", "toolkit-tuned", "fastapi-es256",
)  # fmt: skip
DIFFERENT = 5000  # tokens


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    parser.add_argument("--only", type=names(CONTESTANTS), default=list(SERVERS), help=", ".join(SERVERS))
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not there: install it.")
    end_when_told()
    rows = []
    for name in given.only:
        started = after_work(name, given.seconds)
        preloaded = after_work(name, given.seconds, "--preload") if CONTESTANTS[name].server == "gunicorn" else None
        found = [started.resident, started.share, *((preloaded.share, preloaded.private) if preloaded else ())]
        rows.append(
            [CONTESTANTS[name].label, *(f"{mib:.1f}" for mib in found), *([] if preloaded else [tables.NOTHING] * 2)]
        )
        print(f"  {name} is done", file=sys.stderr)
    part = tables.table(["MiB a worker", "resident", "share", "share with --preload", "of it private"], rows)
    print(part)
    if given.write:
        tables.write({"memory": part})


def after_work(name: str, seconds: int, *more: str) -> machine.Memory:
    """Return the medians of a server's workers after these seconds of each of its operations."""
    with tempfile.TemporaryDirectory() as folder, serving(name, Path(folder), *more) as running:
        for work in running.contestant.work or ("view",):  # bare-db is here alone
            work_at(running, work, Path(folder) / "requests", seconds)
        found = [machine.memory(pid) for pid in running.workers()]
        figures = zip(*((each.resident, each.share, each.private) for each in found), strict=True)
        return machine.Memory(*(statistics.median(each) for each in figures))


def work_at(running: Running, work: str, file: Path, seconds: int) -> None:
    """Have the server do one operation with thousands of different tokens."""
    running.seed(work, min(DIFFERENT, running.contestant.fastest), file)
    ask(running, file, seconds, again=work not in ONCE)


if __name__ == "__main__":
    main()

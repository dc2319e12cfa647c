"""Measures over HTTP: every contestant runs on a server with 2 workers, they take turns, and wrk sends the requests.

`python -m bench.http [--only NAME,…] [--work NAME,…] [--rounds N] [--seconds N] [--tries N] [--json FILE] [--write]`

Each figure is the median of its rounds, and each ratio one to the bare view just before and after. A round in which others
used the machine is done again. It needs wrk, and a PostgreSQL server on this machine on which it may make databases
(`BENCH_POSTGRES_URL`); `--write` puts the tables into docs/performance.md.
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
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from . import machine, tables
from .contestants import BARE, CONTESTANTS, ONCE, WORK
from .servers import Running, end_when_told, serving

LUA = Path(__file__).with_name("wrk.lua")
CONNECTIONS = 8
DIFFERENT = 500  # tokens, where a request may be sent again
OTHERS = 0.1  # of one core: where others used more, a round is done again
Rounds = dict[str, dict[str, list["Round"]]]


@dataclass(frozen=True)
class Round:
    """What one round of an operation found. CPU in µs a request, times in ms; `others`: the cores that others used."""

    rate: float
    ratio: float
    server_cpu: float
    database_cpu: float
    p50: float
    p99: float
    others: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.http", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--tries", type=int, default=3, help="of a round in which others used the machine")
    known = {name: each for name, each in CONTESTANTS.items() if each.work}
    parser.add_argument("--only", type=names(known), default=list(known), help=", ".join(known))
    parser.add_argument("--work", type=names(WORK), default=list(WORK), help=", ".join(WORK))
    parser.add_argument("--worker-class", default="sync", help="gunicorn's; gthread keeps connections open")
    parser.add_argument("--json", type=Path, help="write what was found here too")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    given = parser.parse_args()
    if given.write and (given.only != list(known) or given.work != list(WORK)):
        parser.error("--write is for all contestants and operations: a table of some would take the place of the whole")
    if shutil.which("wrk") is None:
        sys.exit("wrk is not there: install it.")
    end_when_told()
    began, load = time.monotonic(), os.getloadavg()[0]
    more = ("--worker-class", given.worker_class, *(("--threads", "4") if given.worker_class == "gthread" else ()))
    found: Rounds = {name: {} for name in dict.fromkeys([BARE, *given.only])}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        running = [stack.enter_context(serving(name, Path(folder), *more)) for name in found]
        bench = Bench(running[0], Path(folder), given.seconds, given.tries, found)
        for number in range(given.rounds):
            for each in running[1:] if given.only != [BARE] else running:
                for work in each.contestant.work:
                    if work in given.work:
                        bench.measure(each, work)
            print(f"round {number + 1} of {given.rounds} is done", file=sys.stderr)
    took = (time.monotonic() - began) / 60
    parts = {name: make(found, given.work) for name, make in TABLES.items()}
    for name, part in parts.items():
        print(f"\n{name}:\n\n{part}")
    print(f"\n{took:.0f} minutes; the load was {load:.1f} before. `~`: others used the machine too, each time.")
    if given.json:
        plain = {name: {work: list(map(asdict, rounds)) for work, rounds in of.items()} for name, of in found.items()}
        given.json.write_text(json.dumps(plain, indent=2) + "\n")
    if given.write:
        tables.write(parts)


class Bench:
    """Measures rounds, each beside rounds of the bare view."""

    def __init__(self, bare: Running, folder: Path, seconds: int, tries: int, found: Rounds) -> None:
        self._bare = bare
        self._file, self._simple = folder / "requests", folder / "bare-requests"
        self._seconds = seconds
        self._tries = tries
        self._found = found
        bare.seed("view", 1, self._simple)
        ask(bare, self._simple, 1, again=True)

    def measure(self, running: Running, work: str) -> None:
        """Measure one round of an operation."""
        rounds = self._found[running.name].setdefault(work, [])

        def take(number: int) -> Round:
            found = self._round(running, work, first=not rounds and not number)
            figures = f"{found.rate:.0f}/s, ratio {found.ratio:.2f}, others used {found.others:.2f} cores"
            print(f"  {running.name}, {work}: {figures}", file=sys.stderr)
            return found

        rounds.append(quietest(take, self._tries))

    def _round(self, running: Running, work: str, *, first: bool) -> Round:
        again = work not in ONCE
        ahead = DIFFERENT if again else running.contestant.fastest * self._seconds + CONNECTIONS
        running.seed(work, ahead, self._file)
        if again and (first or work == "view-seen"):  # this process saw none of these tokens
            ask(running, self._file, 1, again=True)
        half = max(1, self._seconds // 2)
        before = ask(self._bare, self._simple, half, again=True)
        found = ask(running, self._file, self._seconds, again=again)
        after = ask(self._bare, self._simple, half, again=True)
        bare = (before.rate + after.rate) / 2
        others = max(each.others for each in (before, found, after))
        if running is not self._bare:
            self._found[BARE].setdefault("view", []).append(Round(**asdict(before) | {"ratio": before.rate / bare}))
        return Round(**asdict(found) | {"ratio": found.rate / bare, "others": others})


def quietest(take: Callable[[int], Round], tries: int) -> Round:
    """Take rounds until one in which the machine was ours; after so many tries return the one with the fewest of others."""
    taken: list[Round] = []
    while len(taken) < tries and (not taken or taken[-1].others > OTHERS):
        taken.append(take(len(taken)))
    return min(taken, key=lambda each: each.others)


def ask(running: Running, file: Path, seconds: int, *, again: bool) -> Round:
    """Send these requests with wrk."""
    command = [
        "wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--timeout", "20s", "-s", str(LUA),
        f"http://127.0.0.1:{running.port}", "--", str(file), "again" if again else "once",
    ]  # fmt: skip
    before = machine.now()
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    after = machine.now()
    said = json.loads(done.stdout.strip().rsplit("\n", 1)[-1])
    if said["refused"] or said["lost"] > CONNECTIONS or not (said["requests"] or again):
        sys.exit(f"{running.name}: {said['refused']} of {said['requests']} were refused, {said['lost']} lost.")
    if not said["requests"] and again:  # others left it nothing, or each takes long
        return ask(running, file, seconds * 2, again=again)
    database = running.database.cpu(before, after) if running.database else 0.0
    return Round(
        rate=said["requests"] / said["seconds"],
        ratio=1.0,
        server_cpu=machine.used(before, after, running.process.pid) / said["requests"] * 1e6,
        database_cpu=database / said["requests"] * 1e6,
        p50=said["p50"],
        p99=said["p99"],
        others=machine.used_by_others(before, after, machine.used(before, after, os.getpid()) + database),
    )


def names(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    """Return what reads a list of some of the known names from the command line."""

    def read(text: str) -> list[str]:
        if unknown := set(text.split(",")) - known.keys():
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(known)}")
        return text.split(",")

    return read


def median(rounds: list[Round], figure: Callable[[Round], float]) -> float:
    """Return the median of the rounds in which the machine was ours; of all where there is none."""
    return statistics.median(figure(each) for each in [each for each in rounds if each.others <= OTHERS] or rounds)


def _of_each(cell: Callable[[list[Round]], str]) -> Callable[[Rounds, list[str]], str]:
    """Make a table: a row for each contestant, a column for each operation; `~` before what others disturbed each time."""

    def make(found: Rounds, work: list[str]) -> str:
        shown = [each for each in work if any(each in of for of in found.values())]
        rows = []
        for name, of in found.items():
            cells = []
            for each in shown:
                noisy = "~" if all(one.others > OTHERS for one in of.get(each, ())) else ""
                cells.append(noisy + cell(of[each]) if each in of else tables.NOTHING)
            if set(cells) != {tables.NOTHING}:
                rows.append([CONTESTANTS[name].label, *cells])
        return tables.table(["", *(WORK[each] for each in shown)], rows)

    return make


def _ratio(rounds: list[Round]) -> str:
    return f"{tables.ratio(median(rounds, lambda each: each.ratio))} ({median(rounds, lambda each: each.rate):.0f})"


def _cpu(rounds: list[Round]) -> str:
    server, database = median(rounds, lambda each: each.server_cpu), median(rounds, lambda each: each.database_cpu)
    return f"{server + database:.0f} ({server:.0f} + {database:.0f})" if database else f"{server:.0f}"


def _times(rounds: list[Round]) -> str:
    return f"{median(rounds, lambda each: each.p50):.1f}, {median(rounds, lambda each: each.p99):.1f}"


TABLES = {
    "ratios": _of_each(_ratio),
    "CPU": _of_each(_cpu),
    "percentiles": _of_each(_times),
}


if __name__ == "__main__":
    main()

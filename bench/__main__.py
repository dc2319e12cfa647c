"""Measures direct WSGI calls in one process: interleaved rounds, medians, and ratios to the bare view of the same run.

`python -m bench [--rounds N] [--calls N] [--tokens N] [--database URI] [--json FILE] [--write]`

`python -m bench --check` says with status 1 what has become slower than the committed ratios, `--commit` renews them.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from . import check, tables
from .apps import Call
from .work import operations

WARM_UP = 20


def measure(work: dict[str, tuple[Call, str | None]], rounds: int, calls: int) -> dict[str, float]:
    """Return the median time of a call, in microseconds. Rounds are interleaved, so that a busy minute hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for name, (perform, _) in work.items():
        for _ in range(WARM_UP):
            status = perform()
        print(f"  {name}: answers {status}")
    gc.collect()
    for _ in range(rounds):
        for name, (perform, _) in work.items():
            start = time.perf_counter()
            for _ in range(calls):
                perform()
            times[name].append((time.perf_counter() - start) / calls * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--tokens", type=int, default=20_000, help="other tokens in the table")
    parser.add_argument("--database", help="an SQLAlchemy URL; left out: SQLite in a temporary folder")
    parser.add_argument("--json", type=Path, help="write the result here too")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--check", action="store_true", help="compare with the committed ratios, in half a minute")
    parser.add_argument("--commit", action="store_true", help="write the ratios that --check compares with")
    given = parser.parse_args()
    if given.check or given.commit:
        sys.exit(check.commit() if given.commit else check.check())
    with tempfile.TemporaryDirectory() as folder:
        work = operations(folder, given.database, given.tokens, WARM_UP + given.rounds * given.calls)
        medians = measure(work, given.rounds, given.calls)
    result = {
        name: {
            "microseconds": round(medians[name], 1),
            "ratio": round(medians[name] / medians[base or name], 2),
            "base": base,
        }
        for name, (_, base) in work.items()
    }
    rows = [
        [
            name,
            f"{each['microseconds']:.0f}",
            f"{each['ratio']:.2f}" if each["base"] else "1",
            str(each["base"] or tables.NOTHING),
        ]
        for name, each in result.items()
    ]
    part = tables.table(["work", "µs", "ratio", "to"], rows)
    print(f"\n{part}")
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n")
    if given.write:
        tables.write({"in process": part})


if __name__ == "__main__":
    main()

"""Shows where the time of each hot path goes: the share of each package (the profiler overstates the cost of small calls).

`python -m bench.profile [--calls N] [--database URI]`
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import re
import tempfile
from collections import Counter
from pathlib import Path

from .__main__ import WARM_UP
from .work import operations

HOT = (
    "protected view, looked up",
    "protected view, token seen",
    "client credentials",
    "introspect",
    "jwt assertion ES256",
)
NAMES = {
    "psycopg": "driver",
    "psycopg_binary": "driver",
    "pymysql": "driver",
    "sqlite3": "driver",
    "cryptography": "crypto",
}
PACKAGE = re.compile(r"site-packages/(\w+)")


def shares(profile: cProfile.Profile) -> dict[str, float]:
    """Return each package's share of the time, the largest first."""
    spent: Counter[str] = Counter()
    for (file, _, function), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        spent[_package(file, function)] += own
    total = sum(spent.values())
    return {name: own / total for name, own in spent.most_common()}


def _package(file: str, function: str) -> str:
    if file == "~":  # a function in C: its module is part of its name
        found = re.search(r"of '(\w+)[.']|<built-in method (\w+)\.", function)
        name = next((group for group in found.groups() if group), "python") if found else "python"
        return NAMES.get(name, "crypto" if "openssl" in function.lower() or "rust" in function else "python")
    found = PACKAGE.search(file)
    if found is None:
        folder = Path(file).parent
        return "gateway" if "flask_oauth_gateway" in folder.parts else "bench" if folder.name == "bench" else "python"
    return NAMES.get(found[1], found[1])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--database", help="an SQLAlchemy URL; left out: SQLite in a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = operations(folder, given.database, 20_000, WARM_UP + given.calls, HOT)
        for name in HOT:
            perform, _ = work[name]
            for _ in range(WARM_UP):
                perform()
            profile = cProfile.Profile()
            profile.enable()
            for _ in range(given.calls):
                perform()
            profile.disable()
            found = ", ".join(f"{package} {share:.0%}" for package, share in shares(profile).items() if share >= 0.02)
            print(f"{name}: {found}")


if __name__ == "__main__":
    main()

"""Has something become slower? Compares ratios of CPU time, in one process on SQLite, with the committed ones (`ratios.json`).

Each operation takes turns with what it is compared with, call by call, so that a busy machine slows both alike. Only the
calling thread's CPU time counts, and of a thousand calls one that is nearly the quickest.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from .apps import Call
from .bound import AT_ENDPOINTS, CERTIFICATE, IN_DATABASE, TOKEN_BOUND, TOKEN_UNBOUND, UNBOUND
from .flows import FAPI, PLAIN, PUSHED
from .openid import EXCHANGE, PROTECTED, USERINFO, WITH_ES256
from .registration import JSON, REGISTRATION
from .resources import WITH_AUDIENCE, WITHOUT
from .work import FORM, VIEW, operations

RATIOS = Path(__file__).with_name("ratios.json")
CHECKED = (
    "protected view, looked up", "protected view, token seen", "JWT, new ES256", "client credentials",
    "client credentials, JWT ES256", "introspect", "refresh", "revoke",
)  # fmt: skip
MOST = 1.15  # times the committed ratio
#: What OpenID Connect may cost: times the same without it; registration, times a bare view that reads JSON; an audience,
#: times the same view without; a bound token, times the same view with an unbound one, which takes 1.5 bare views: a proof
#: may take 1.8 of these more, 3.5 where the database keeps it, a certificate .15; a bound token's issue, times that of an
#: unbound one; a pushed request and FAPI 2.0, times the plain code flow.
BARS = {
    WITH_ES256: 1.25, USERINFO: 1.35, REGISTRATION: 6.0, WITH_AUDIENCE: 1.03,
    AT_ENDPOINTS: 2.2, IN_DATABASE: 3.3, CERTIFICATE: 1.1, TOKEN_BOUND: 1.35,
    PUSHED: 1.3, FAPI: 2.2,
}  # fmt: skip
#: Bars that are not reached, and what is held until they are. A token is bound within its bar on PostgreSQL, over HTTP; on
#: SQLite, in one process, the check of a signature alone takes a quarter of what an unbound token takes.
NOT_REACHED = {TOKEN_BOUND: 1.75}
TRIES = 3
WARM_UP, CALLS = 50, 800
QUICK = 0.03  # of the calls are quicker than the one that counts
TOKENS = 2000


def check() -> int:
    """Print every operation's ratio, and return 1 where one is too large in each of three tries, else 0."""
    committed = json.loads(RATIOS.read_text())
    most = {name: committed[name] * MOST for name in CHECKED}
    most |= {name: NOT_REACHED.get(name, bar) for name, bar in BARS.items()}
    over: dict[str, float] = dict.fromkeys(most, 0.0)
    for _ in range(TRIES):
        found = measure(tuple(over))
        for name, ratio in found.items():
            missed = (
                f"; its bar, {BARS[name]:.2f}, is not reached" if name in NOT_REACHED and ratio > BARS[name] else ""
            )
            print(f"{name}: {ratio:.2f} times what it is compared with, at most {most[name]:.2f}{missed}")
        over = above(found, most)
        if not over:
            return 0
    for name, by in over.items():
        advice = "it may not" if name in BARS else "where that is right: python -m bench --commit"
        print(f"{name} takes {by:.0%} more than it may; {advice}.", file=sys.stderr)
    return 1


def commit() -> int:
    """Write the ratios that `check` compares with, each the median of three tries; returns 0."""
    tries = [measure(CHECKED) for _ in range(TRIES)]
    found = {name: round(statistics.median(each[name] for each in tries), 3) for name in CHECKED}
    RATIOS.write_text(json.dumps(found, indent=2) + "\n")
    print(RATIOS.read_text(), end="")
    return 0


def above(found: dict[str, float], most: dict[str, float]) -> dict[str, float]:
    """Return what takes more than the most that it may, and by how much of that."""
    return {name: ratio / most[name] - 1 for name, ratio in found.items() if ratio > most[name]}


def measure(names: tuple[str, ...]) -> dict[str, float]:
    """Return the ratio of each operation's CPU time to that of the bare view or form with which it took turns."""
    with tempfile.TemporaryDirectory() as folder:
        work = operations(
            folder,
            None,
            TOKENS,
            WARM_UP + CALLS,
            (VIEW, FORM, JSON, EXCHANGE, PROTECTED, WITHOUT, UNBOUND, TOKEN_UNBOUND, PLAIN, *names),
        )
        gc.collect()
        gc.disable()
        try:
            return {name: _ratio(work[name][0], work[str(work[name][1])][0]) for name in names}
        finally:
            gc.enable()


def _ratio(perform: Call, bare: Call) -> float:
    for _ in range(WARM_UP):
        assert {perform(), bare()} <= {200, 201}
    times = [(_timed(perform), _timed(bare)) for _ in range(CALLS)]
    own, other = (sorted(each)[int(CALLS * QUICK)] for each in zip(*times, strict=True))
    return own / other


def _timed(perform: Call) -> float:
    began = time.thread_time()
    perform()
    return time.thread_time() - began

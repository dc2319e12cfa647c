"""Work that several threads, or several processes, begin at the same moment."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from subprocess import PIPE
from typing import Any

from tests.support.processes import finished, python


def together(threads: int, work: Callable[[int], None]) -> None:
    """Do it in each of so many threads, with its number."""
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, number) for number in range(threads)]:
            done.result()


def eventually(is_so: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends
        time.sleep(0.05)


def race(
    uris: Sequence[str], threads: int, path: str, forms: Sequence[dict[str, str]], **config: Any
) -> list[Counter[int]]:
    """Send each form from a process for each URI of the database, in so many threads of each at once.

    Returns how often each status came, for each form.
    """
    processes = []
    for uri in uris:
        settings = json.dumps({"OAUTH_DATABASE_URI": uri, "OAUTH_RATE_LIMITS": None, **config})
        arguments = (settings, path, json.dumps(forms), str(threads))
        processes.append(python("-m", "tests.stores.race", *arguments, stdin=PIPE))
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    of_each = [json.loads(finished(process)) for process in processes]
    return [sum(map(Counter, statuses), Counter()) for statuses in zip(*of_each, strict=True)]

"""Begins anew what the database has undone, because two transactions waited for each other or because it takes no writes.

Nothing of it has happened.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError

from ..errors import TemporarilyUnavailable
from .servers.standbys import is_read_only

TIMES = 4
SECONDS = 5  # less than servers give a request
PAUSE, MAX_PAUSE = 0.02, 0.2  # seconds at most, more each time, and by chance, so that the two don't meet again
SQLSTATES = ("40P01", "40001")  # deadlock_detected, serialization_failure (PostgreSQL)
UNDONE = (1213, 1020)  # ER_LOCK_DEADLOCK; ER_CHECKREAD, with innodb_snapshot_isolation (MariaDB, MySQL)

logger = logging.getLogger(__name__)

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Deadlock(TemporarilyUnavailable):
    """The database has rolled this transaction back, so that another one can go on, or as it takes no writes.

    `why`: in the database's words.
    """

    def __init__(self, why: str = "") -> None:
        super().__init__()
        self.why = why


def is_deadlock(error: DBAPIError) -> bool:
    """Whether the database has undone the whole transaction: in favour of another one, or as it takes no writes."""
    raised = error.orig
    if is_read_only(raised):
        return True
    if getattr(raised, "sqlstate", None) in SQLSTATES or getattr(raised, "pgcode", None) in SQLSTATES:
        return True
    return raised is not None and raised.args[:1] in [(number,) for number in UNDONE]


def again_after_deadlock(transaction: Callable[Given, Result]) -> Callable[Given, Result]:
    """Let a function whose one effect is a transaction or statement begin anew. Raises `Deadlock`.

    It is done `TIMES` times at most where the database takes no writes. One that prefers others may do so many times: there,
    the function goes on for `SECONDS`.
    """

    @wraps(transaction)
    def begun_anew(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        ends, times = time.monotonic() + SECONDS, 0
        while True:
            times += 1
            try:
                return transaction(*args, **kwargs)
            except Deadlock as error:
                may_go_on = time.monotonic() < ends and not is_read_only(getattr(error.__cause__, "orig", None))
                if times >= TIMES and not may_go_on:
                    logger.error("The database undid this transaction each of %d times: %s", times, error.why)
                    raise
                time.sleep(random.uniform(0, min(PAUSE * times, MAX_PAUSE)))  # noqa: S311 (not for secrecy)

    return begun_anew

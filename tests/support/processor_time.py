"""How long something takes of a processor's time, on a machine that may be busy."""

import time
from collections.abc import Callable


def takes_longer(call: Callable[[], object], seconds: float) -> bool:
    """Whether a call takes longer than that. What seems to is measured three times more: what is slow is so each time."""
    return _seconds_of(call) > seconds and min(_seconds_of(call) for _ in range(3)) > seconds


def _seconds_of(call: Callable[[], object]) -> float:
    begun = time.thread_time()
    call()
    return time.thread_time() - begun

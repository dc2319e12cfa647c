"""Guesses that are being looked at in this process: others of the same user or address wait for them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import TooManyRequests
from ..locks import Lock

WAIT_SECONDS = 5.0  # the longest time for which a guess waits for others
LOOK_AGAIN_SECONDS = 0.02


@dataclass(slots=True)
class Guess:
    """A guess that is being looked at. Its count is given back where it was right, or where looking failed."""

    is_given_back: bool = False


class Looking:
    """Lets no more guesses be looked at than a limit allows, and refuses none for others that may turn out to be right."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._looked_at: Counter[str] = Counter()  # by who guesses

    def begin(self, identities: Iterable[str], take: Callable[[], list[float]]) -> None:
        """Begin to look at a guess, once `take` has counted it. Raises `TooManyRequests`.

        `take` returns when the limits begin anew that are used up, in seconds since 1970.
        """
        until = time.monotonic() + WAIT_SECONDS
        while True:
            with self._lock:
                resets = take()
                if not resets:
                    self._looked_at.update(identities)
                    return
                may_be_given_back = any(self._looked_at[identity] for identity in identities)
            if not may_be_given_back or time.monotonic() > until:
                refuse(resets)
            time.sleep(LOOK_AGAIN_SECONDS)

    def end(self, identities: Iterable[str]) -> None:
        """Note that a guess was looked at, and given back if it was right."""
        with self._lock:
            self._looked_at.subtract(identities)
            for identity in identities:
                if self._looked_at[identity] <= 0:
                    del self._looked_at[identity]


def refuse(resets: list[float]) -> None:
    """Raises `TooManyRequests` where there are any: until the last of the limits begins anew."""
    last = max(resets, default=0.0)
    if last:
        raise TooManyRequests(max(1, int(last - time.time()) + 1))

"""Guesses that are being looked at in this process: others of the same user or address wait for them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import TooManyRequests
from ..locks import Lock

WAIT_SECONDS = 5.0  # the longest time for which a guess waits for others
MAX_WAITING = 32
LOOK_AGAIN_SECONDS = 0.02


@dataclass(slots=True)
class Guess:
    """A guess that is being looked at. Its count is given back where it was right, or where looking failed."""

    is_given_back: bool = False


class Refused(NamedTuple):
    """A limit that refuses a guess: who has used it up, its size, how much of it is counted, and when it begins anew."""

    who: str
    limit: int
    counted: int
    reset_at: float


class Looking:
    """Lets no more guesses be looked at than a limit allows, and refuses none for others that may turn out to be right."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._looked_at: Counter[str] = Counter()  # by who guesses
        self._waiting = 0

    def begin(self, identities: Iterable[str], take: Callable[[], list[Refused]]) -> None:
        """Begin to look at a guess, once `take` has counted it, and says who is beyond a limit. Raises `TooManyRequests`."""
        until, waits = time.monotonic() + WAIT_SECONDS, False
        try:
            while True:
                with self._lock:
                    refused = take()
                    if not refused:
                        self._looked_at.update(identities)
                        return
                    if not self._may_be_given_back(refused) or time.monotonic() > until or self._waiting > MAX_WAITING:
                        refuse([each.reset_at for each in refused])
                    self._waiting += not waits
                    waits = True
                time.sleep(LOOK_AGAIN_SECONDS)
        finally:
            if waits:
                with self._lock:
                    self._waiting -= 1

    def end(self, identities: Iterable[str]) -> None:
        """Note that a guess was looked at, and given back if it was right."""
        with self._lock:
            self._looked_at.subtract(identities)
            for identity in identities:
                if self._looked_at[identity] <= 0:
                    del self._looked_at[identity]

    def _may_be_given_back(self, refused: list[Refused]) -> bool:
        """Whether guesses that are being looked at have used up each of these limits: without them there would be room."""
        return all(each.counted - self._looked_at[each.who] < each.limit for each in refused)


def refuse(resets: list[float]) -> None:
    """Raises `TooManyRequests` where there are any: until the last of the limits begins anew."""
    last = max(resets, default=0.0)
    if last:
        raise TooManyRequests(max(1, int(last - time.time()) + 1))

"""What the clients are told that the playground plays: it keeps each logout token for whoever knows the `sid`."""

from __future__ import annotations

import json
from threading import Condition

from ..flows.use import decoded

MAX_TOLD = 200
WAIT = 10  # seconds in which the server tells it: it does so after it has answered the browser


class Told:
    """The logout tokens that came, by `sid`. Nothing is done with them here: the walk checks what it is shown."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}
        self._came = Condition()

    def keep(self, token: str) -> bool:
        """Keep a logout token; returns whether it is one."""
        try:
            sid = json.loads(decoded(token.split(".")[1]))["sid"]
        except (IndexError, KeyError, TypeError, ValueError):
            return False
        with self._came:
            self._tokens[str(sid)] = token
            while len(self._tokens) > MAX_TOLD:
                self._tokens.pop(next(iter(self._tokens)))
            self._came.notify_all()
        return True

    def wait_for(self, sid: str) -> str | None:
        """Return the logout token of a session, and forget it; `None` where none comes in time."""
        with self._came:
            self._came.wait_for(lambda: sid in self._tokens, WAIT)
            return self._tokens.pop(sid, None)

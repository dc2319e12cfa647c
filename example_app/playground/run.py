"""One user's walk through a flow. It is kept in this process's memory, and is gone when the process ends."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from ..flows import module, parts
from ..flows.approval import Refused, said_in
from ..flows.exchange import Step, UnexpectedAnswer
from ..flows.walk import Approval, DeviceApproval, OwnToken, Walk
from ..users import USERS
from .catalogue import Entry

MAX_RUNS = 200


class OnPurpose(UnexpectedAnswer):
    """A walk can't go on, as something was broken on purpose."""


@dataclass
class Run:
    entry: Entry
    token_format: str
    owner: str
    to: Walk
    parts: Generator[Any, Any, None]
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    #: The next step; `None` at the end.
    next: Step | Approval | DeviceApproval | OwnToken | None = None
    #: How many steps were done. A button sends the number that its page showed, so a button of an old page does nothing.
    position: int = 0
    #: Why the walk ended early.
    problem: str = ""
    refused: bool = False
    #: Whether it ended because something was broken on purpose, and how much was broken.
    on_purpose: bool = False
    broken: int = 0
    lock: Lock = field(default_factory=Lock)

    def press(self, position: int) -> None:
        """Do the next step, if it is the one that the button's page showed: never twice, and never out of order."""
        with self.lock:
            if position != self.position or self.next is None or isinstance(self.next, Approval | OwnToken):
                return
            if isinstance(self.next, DeviceApproval):
                self.next.is_done = True
                self.to.story.append(self.next)
                self._go_on(None)
                return
            try:
                answer = self.to.send(self.next)
            except UnexpectedAnswer as error:
                self.end(error)
            else:
                self._go_on(answer)

    def bring(self, position: int, token: str) -> None:
        """Go on with a token that the user has made for themselves."""
        with self.lock:
            if position == self.position and isinstance(self.next, OwnToken):
                self.next.token = token
                self.to.story.append(self.next)
                self._go_on(token)

    def awaits(self, state: str) -> bool:
        """Whether this is the `state` of the request with which the user's browser was sent away."""
        return isinstance(self.next, Approval) and hmac.compare_digest(self.next.state.encode(), state.encode())

    def come_back(self, brought: dict[str, str]) -> None:
        """Go on: the user's browser came back with these parameters."""
        with self.lock:
            if isinstance(self.next, Approval) and self.awaits(said_in(brought).get("state", "")):
                self.next.brought = brought
                self.to.story.append(self.next)
                self._go_on(brought)

    def begin(self) -> None:
        self.to.begin(self.entry.name, module(self.entry.name).__doc__ or "")
        self._go_on(None)

    def _go_on(self, came: Any) -> None:
        self.position += 1
        try:
            self.next = self.parts.send(came)
        except StopIteration:
            self.next = None
        except KeyError as error:
            self.end(UnexpectedAnswer(f"the answer has no {error}"))
        except UnexpectedAnswer as error:
            self.end(error)

    def end(self, error: UnexpectedAnswer) -> None:
        """End the walk before its time."""
        self.next, self.problem, self.refused = None, str(error), isinstance(error, Refused)
        self.on_purpose = isinstance(error, OnPurpose)
        self.position += 1


class Runs:
    """All runs, by their id; each belongs to the session that began it. When there are too many, the oldest are dropped."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def begin(self, owner: str, entry: Entry, token_format: str, url: str, client_secrets: Mapping[str, str]) -> Run:
        suffix = "-jwt" if token_format == "jwt" else ""
        station = f"weather-station{suffix}"
        to = Walk(
            url,
            station,
            client_secrets[station],
            app_id=f"weather-app{suffix}",
            redirect_uri=f"{url}/playground/callback",
            users=tuple(USERS),
            api=("weather-api", client_secrets["weather-api"]),
            quiet=True,
        )
        run = Run(entry, token_format, owner, to, parts(entry.name, to, whole=True))
        run.begin()
        self._runs[run.id] = run
        while len(self._runs) > MAX_RUNS:
            self._runs.pop(next(iter(self._runs)), None)
        return run

    def get(self, owner: str, identity: str) -> Run | None:
        run = self._runs.get(identity)
        return run if run is not None and run.owner == owner else None

    def awaiting(self, owner: str, state: str) -> Run | None:
        """Return this session's run that waits for this `state`, or `None`."""
        mine = (run for run in list(self._runs.values()) if run.owner == owner)
        return next((run for run in mine if run.awaits(state)), None)

"""What processes do to tokens at the same time, by chance, and the small model of what must be so then, whoever was first."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import Any

from tests.support.other_process import OtherProcess

PEOPLE = ("alice", "bob")
CLIENTS = ("one", "two")


@dataclass(frozen=True)
class Given:
    """A token, whose it is, and between which moments it was given; `allowed`: and what it comes of."""

    token: str
    client: str
    person: str
    asked: float
    answered: float
    allowed: Given | None = None

    @property
    def root(self) -> Given:
        return self if self.allowed is None else self.allowed


@dataclass(frozen=True)
class End:
    """A revocation of all that fits, which took effect between two moments."""

    client: str | None
    person: str | None
    asked: float
    answered: float

    def fits(self, given: Given) -> bool:
        return self.client in (None, given.client) and self.person in (None, given.person)


class Model:
    """What was given and ended, by all processes. `play` lets one of them do something, many times."""

    def __init__(self) -> None:
        self.given: list[Given] = []
        self.ends: list[End] = []
        self._began: list[End] = []  # also those that go on
        self._refreshable: list[tuple[str, Given]] = []
        self._lock = threading.Lock()

    def play(self, process: OtherProcess, seed: int, times: int = 40) -> None:
        chance = random.Random(seed)  # noqa: S311 (not for secrecy)
        for _ in range(times):
            what = chance.choice((self._password, self._password, self._refresh, self._refresh, self._end, self._look))
            what(process, chance)

    def _password(self, process: OtherProcess, chance: random.Random) -> None:
        client, person = chance.choice(CLIENTS), chance.choice(PEOPLE)
        asked = time.monotonic()
        answer = process.ask("password", client_id=client, username=person)
        assert answer, "The password is right."
        self._keep(answer, Given(answer["access_token"], client, person, asked, time.monotonic()))

    def _keep(self, answer: dict[str, Any], given: Given) -> None:
        with self._lock:
            self.given.append(given)
            self._refreshable.append((answer["refresh_token"], given.root))

    def _refresh(self, process: OtherProcess, chance: random.Random) -> None:
        with self._lock:
            if not self._refreshable:
                return
            refresh_token, root = self._refreshable.pop(chance.randrange(len(self._refreshable)))
        asked = time.monotonic()
        answer = process.ask("refresh", client_id=root.client, refresh_token=refresh_token)
        answered = time.monotonic()
        if answer is None:
            assert not self._must_be_live(root, answered), "The refresh token was refused."
            return
        assert not self._must_be_dead(root, asked), "The approval had ended."
        self._keep(answer, Given(answer["access_token"], root.client, root.person, asked, answered, root))

    def _end(self, process: OtherProcess, chance: random.Random) -> None:
        client, person = chance.choice([(None, "alice"), ("one", "bob"), ("two", "bob"), ("two", None)])
        whose = {name: value for name, value in (("client_id", client), ("subject", person)) if value is not None}
        began = End(client, person, time.monotonic(), 0)
        with self._lock:
            self._began.append(began)
        process.ask("revoke", **whose)
        with self._lock:
            self.ends.append(End(client, person, began.asked, time.monotonic()))

    def _look(self, process: OtherProcess, chance: random.Random) -> None:
        with self._lock:
            some = chance.sample(self.given, min(3, len(self.given)))
        self.check(process, some)

    def check(self, process: OtherProcess, some: list[Given]) -> None:
        """Hold what a process says of tokens now against what must be so."""
        asked = time.monotonic()
        good = process.ask("are_good", tokens=[given.token for given in some])
        answered = time.monotonic()
        for given, is_good in zip(some, good, strict=True):
            if is_good:
                assert not self._must_be_dead(given, asked), "It was revoked."
            else:
                assert not self._must_be_live(given, answered), "Nobody has revoked it."

    def _must_be_dead(self, given: Given, now: float) -> bool:
        """Whether some revocation began after it was given, and was over by then; a token ends with what it comes of."""
        with self._lock:
            ends = [end for end in self.ends if end.fits(given) and end.answered < now]
        return any(end.asked > given.answered or end.asked > given.root.answered for end in ends)

    def _must_be_live(self, given: Given, now: float) -> bool:
        """Whether no revocation was under way since it began, nor one of a client whose tokens may be revoked late."""
        with self._lock:
            ended, began = list(self.ends), list(self._began)
        over = {(end.asked, end.client, end.person): end.answered for end in ended}
        return not any(
            end.fits(given)
            and end.asked < now
            and over.get((end.asked, end.client, end.person), now) > given.root.asked
            for end in began
        )

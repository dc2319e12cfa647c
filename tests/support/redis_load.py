"""Two processes of one gateway under load, with one Redis between them, however many servers that is."""

from __future__ import annotations

import hashlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from limits import parse

from tests.support.app import basic, bearer, server_of
from tests.support.other_process import PASSWORD, Doing, OtherProcess

POLL = 1  # OAUTH_REVOCATION_POLL_SECONDS
BUSY = 2.5  # seconds that a machine may take longer, which has much else to do
THREADS = 3
LIMIT = 50
CONFIG = {
    "OAUTH_TOKEN_CACHE_SECONDS": 3600,
    "OAUTH_REVOCATION_POLL_SECONDS": POLL,
    "OAUTH_RATE_LIMITS": {"token": "1000000/hour", "revoke": None},
}


class Answer(NamedTuple):
    """What came of a request with a token, or for one. `away`: whether its process went on without Redis."""

    token: str
    status: int
    began: float
    seconds: float
    away: bool


class Loading(Doing):
    """A process with threads that send one request after the other, and note what came of each."""

    def __init__(self, config: dict[str, Any], folder: str) -> None:
        super().__init__(CONFIG | config, folder)
        self.log: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: self.log.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("flask_oauth_gateway").addHandler(handler)
        self._threads: list[threading.Thread] = []
        self._goes_on = False
        self._answers: list[Answer] = []
        self._allowed = 0

    def load(self, tokens: list[str]) -> None:
        self._goes_on = True
        self._threads = [threading.Thread(target=self._send, args=(tokens,)) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def _send(self, tokens: list[str]) -> None:
        browser = self.app.test_client()
        number = 0
        while self._goes_on:
            number += 1
            began = time.monotonic()
            if number % 3:
                what = tokens[number % len(tokens)]
                status = browser.get("/weather", headers=bearer(what)).status_code
            else:
                what = ""
                form = {"grant_type": "client_credentials"}
                status = browser.post("/oauth/token", data=form, headers=basic("one", PASSWORD)).status_code
            self._answers.append(Answer(what, status, began, time.monotonic() - began, self.is_away()))
            self._allowed += sum(self.take("through"))
            time.sleep(0.005)

    def stop(self) -> tuple[list[Answer], int]:
        """What came of each request, and how many were within the limit that every one was counted for."""
        self._goes_on = False
        for thread in self._threads:
            thread.join()
        return self._answers, self._allowed

    def take(self, name: str, times: int = 1, limit: int = LIMIT) -> list[bool]:
        limiter = server_of(self.app).rate_limiter
        return [limiter.take(parse(f"{limit}/hour"), name, "everybody").allowed for _ in range(times)]

    def end(self, token: str) -> int:
        """Revoke a token, as its client does."""
        return self.client.post("/oauth/revoke", data={"token": token}, headers=basic("one", PASSWORD)).status_code

    def logged(self) -> list[str]:
        return self.log

    def is_away(self) -> bool:
        return bool(server_of(self.app).redis._is_away)  # type: ignore[union-attr]

    def hears(self) -> bool:
        subscription = server_of(self.app).redis._subscription  # type: ignore[union-attr]
        return bool(subscription and subscription.subscribed)


def key_of(name: str) -> str:
    """Where Redis counts what `take` takes."""
    everybody = hashlib.sha256(b"everybody").hexdigest()[:32]
    return f"LIMITS:{parse(f'{LIMIT}/hour').key_for('oauth', name, everybody)}"


@contextmanager
def two_processes(url: str, database_uri: str, folder: Path) -> Iterator[tuple[OtherProcess, OtherProcess]]:
    config = {"OAUTH_REDIS_URL": url, "OAUTH_DATABASE_URI": database_uri}
    with OtherProcess(config, folder, Loading) as one, OtherProcess(config, folder, Loading) as other:
        one.ask("begin")
        yield one, other


def eventually(found: Callable[[], bool], seconds: float = 20) -> float | None:
    """After how many seconds something was so; None where it never was."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if found():
            return time.monotonic() - began
        time.sleep(0.02)
    return None


def shares_counts(one: OtherProcess, other: OtherProcess, name: str) -> bool:
    """Whether the two count together: of three takes of two, the last is refused."""
    return [*one.ask("take", name=name, times=1, limit=2), *other.ask("take", name=name, times=2, limit=2)] == [
        True, True, False,
    ]  # fmt: skip


def tells_news(one: OtherProcess, other: OtherProcess) -> bool:
    """Whether the other process learns of a revocation before it polls."""
    token = one.ask("client_credentials", client_id="one")["access_token"]
    assert other.ask("are_good", tokens=[token]) == [True]
    assert eventually(lambda: other.ask("hears")) is not None
    assert other.ask("are_good", tokens=[token]) == [True]
    assert one.ask("end", token=token) == 200
    return eventually(lambda: other.ask("are_good", tokens=[token]) == [False], POLL / 3) is not None


class Failing:
    """What two processes saw while something happened to Redis."""

    def __init__(self, answers: list[Answer], revoked: dict[str, float], revoking: list[float], allowed: int) -> None:
        self.answers, self.allowed = answers, allowed
        self.statuses = {answer.status for answer in answers}
        self.longest = max(*(answer.seconds for answer in answers), *revoking)
        accepted = [answer for answer in answers if answer.status == 200 and answer.token]
        #: For how many seconds a revoked token was good.
        self.latest = max(answer.began - revoked[answer.token] for answer in accepted)
        without = [answer.began for answer in answers if answer.away]
        #: For how many seconds a process went on without Redis.
        self.gap = max(without) - min(without) if without else 0.0

    def __str__(self) -> str:
        return (
            f"{len(self.answers)} answers, the longest after {self.longest:.2f} s; without Redis for {self.gap:.2f} s;"
            f" a revoked token good for {self.latest:.2f} s; {self.allowed} within a limit of {LIMIT}"
        )


def under_load(
    one: OtherProcess,
    other: OtherProcess,
    happen: Callable[[], object],
    mend: Callable[[], object] = int,
    seconds: float = 4,
) -> Failing:
    """Let something happen to Redis under load, and revoke tokens by the first process meanwhile; then mend it."""
    both = (one, other)
    tokens = [one.ask("client_credentials", client_id="one")["access_token"] for _ in range(16)]
    assert all(all(each.ask("are_good", tokens=tokens)) for each in both), "both remember them"
    assert eventually(lambda: all(each.ask("hears") for each in both)) is not None
    assert all(all(each.ask("are_good", tokens=tokens)) for each in both)
    for each in both:
        each.ask("load", tokens=tokens)
    revoked, revoking = {}, []
    for number, token in enumerate(tokens):
        if number == 2:
            happen()
        began = time.monotonic()
        assert one.ask("end", token=token) == 200
        revoked[token] = time.monotonic()
        revoking.append(revoked[token] - began)
        time.sleep(seconds / len(tokens))
    mend()
    assert eventually(lambda: not any(each.ask("is_away") for each in both), 40) is not None
    time.sleep(POLL + BUSY)  # long enough for the last one
    stopped = [each.ask("stop") for each in both]
    assert not any(any(each.ask("are_good", tokens=tokens)) for each in both)
    failing = Failing(
        [answer for answers, _ in stopped for answer in answers],
        revoked,
        revoking,
        sum(allowed for _, allowed in stopped),
    )
    sys.stderr.write(f"{failing}\n")  # the figures of docs/engines/redis.md
    return failing


def held_what_is_promised(failing: Failing, times: int = 3) -> None:
    """No request fails or waits for long, no revocation is lost for longer than the poll seconds, and limits go on.

    `times`: how often a limit may be used up: in Redis, and in each of two processes while it is away.
    """
    assert failing.statuses == {200, 401}
    assert failing.longest < 1 + BUSY, failing
    assert failing.latest < POLL + BUSY, failing
    assert LIMIT <= failing.allowed <= times * LIMIT, failing

"""Tells clients that a session has ended (OpenID Connect Back-Channel Logout): from threads of its own, never in a request.

Whoever ends a session writes down whom to tell, and calls `soon`. Each process looks now and then for what others have written
and not sent. A client that can't be told is told again, with growing waits; one that refuses to hear of it never is.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Queue
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from ..database.background import Later
from ..database.sqlite.in_memory import InMemoryDatabase
from ..errors import NotConfigured, TemporarilyUnavailable
from ..locks import Lock
from ..signals import logout_delivered, logout_failed
from ..stores.openid.logouts import MANY, Claimed
from ..web.first_request import at_first_request

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy.engine import Row

    from ..config import Settings
    from ..database.engine import Database
    from ..stores.openid.logouts import LogoutStore
    from ..web.issuer import Issuer
    from .logout_letter import LogoutLetter, LogoutLetters

LOOK_SECONDS = 5.0  # between two looks for what other processes wrote, or left behind
START_SECONDS = 0.05  # so that the answer to whoever signs out is on its way before
FIRST_WAIT, MAX_DOUBLINGS = 5, 10  # seconds before the second try; each further wait is twice as long
GRACE_SECONDS = 10  # for which a claim lasts longer than the call
AT_ONCE, OF_ONE_CLIENT = 128, 4  # calls: a client that is down, and owes us many answers, holds up no other

logger = logging.getLogger(__name__)


class Delivered(NamedTuple):
    """What came of the logouts that were due: how many clients were told, will be told again, never will be."""

    told: int
    waiting: int
    given_up: int


class _Answer(NamedTuple):
    """What came of one call. `problem`: `None` where the client was told; `again`: whether to try again."""

    claimed: Claimed
    client_id: str | None
    problem: str | None
    again: bool = False


class BackchannelLogout:
    """Tells the clients of one app. `by_itself`: whether threads do it; else only `deliver_due` does."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        issuer: Issuer,
        database: Database,
        logouts: LogoutStore,
        letters: LogoutLetters,
    ) -> None:
        self.by_itself = True
        self._app = app
        self._issuer = issuer
        self._database = database
        self._logouts = logouts
        self._letters = letters
        self._claimed_seconds = settings.backchannel_timeout + GRACE_SECONDS
        self._known_issuer: str | None = None  # as the last request had it, where the setting doesn't say it
        self._looks = False
        self._at_work = Lock()
        self._later = Later(self._work, self._after_fork)
        self._forget()

    def _forget(self) -> None:
        self._news: Queue[_Answer | None] = Queue()  # None: there may be more to send
        self._unsettled: list[Callable[[], None]] = []  # what could not be written, as the database was away

    def _after_fork(self) -> None:
        self._forget()
        if self._looks:
            self._looks = False
            at_first_request(self._app, self.begin)

    def begin(self) -> None:
        """Look for due logouts every `LOOK_SECONDS` from now on. Called in the process's first request, after any fork."""
        self._learn_issuer()
        if self.by_itself and not self._app.testing:
            self._looks = True
            self._later.hasten(START_SECONDS)

    def soon(self) -> None:
        """Send what was just written, from another thread."""
        self._learn_issuer()
        if self.by_itself:
            self._news.put(None)
            self._later.hasten(START_SECONDS)

    def close(self) -> None:
        """End the threads, once the calls that are under way are over. What is not sent yet, another process sends."""
        self._looks = False
        self._later.close()

    def deliver_due(self) -> Delivered:
        """Send all that is due, and wait for the answers: each client has `OAUTH_BACKCHANNEL_TIMEOUT`.

        Raises `TemporarilyUnavailable`, and `NotConfigured` where something is due and the server has no name.
        """
        with self._at_work:
            return self._deliver()

    def _work(self, last: bool) -> None:
        if last:
            return
        seconds: float | None = LOOK_SECONDS
        try:
            with suppress(TemporarilyUnavailable, NotConfigured):  # the log says so, or the next request
                self.deliver_due()
                if not self._looks or isinstance(self._database, InMemoryDatabase):  # nobody else writes there
                    seconds = self._until_the_next()
        finally:
            if seconds is not None and not self._later.is_closing:
                self._later.start(seconds)

    def _until_the_next(self) -> float | None:
        soonest = self._logouts.soonest()
        return None if soonest is None else max(soonest - time.time(), 1.0)

    def _deliver(self) -> Delivered:
        news = self._news = Queue()
        sending: dict[bytes, Claimed] = {}
        outcomes: Counter[str] = Counter()
        looks, more, trouble = True, False, None
        due_by = int(time.time())  # what is put back meanwhile is for another time: a client that is down ends this too
        while True:
            if looks and not self._later.is_closing:
                looks = False
                try:
                    more = self._send_due(sending, news, due_by)
                except (TemporarilyUnavailable, NotConfigured) as error:  # what is under way is waited for all the same
                    trouble, more = error, False
            if not sending:
                break
            answer = news.get()
            if answer is None:
                looks, due_by = True, int(time.time())
                continue
            sending.pop(answer.claimed.key, None)  # gone, where a clock was put forward and it was sent once more
            outcomes[self._settle(answer)] += 1
            looks = looks or more
        if trouble is not None:
            raise trouble
        return Delivered(outcomes["told"], outcomes["waiting"], outcomes["given_up"])

    def _send_due(self, sending: dict[bytes, Claimed], news: Queue[_Answer | None], due_by: int) -> bool:
        """Send what is due, as far as there may be more calls at once; returns whether something is left."""
        while self._unsettled:
            self._unsettled[0]()
            del self._unsettled[0]
        while len(sending) < AT_ONCE:
            calls = Counter(each.client for each in sending.values())
            without = [client for client, number in calls.items() if number >= OF_ONE_CLIENT]
            now = int(time.time())
            rows = self._logouts.due(due_by, without)
            chosen: list[Row[Any]] = []
            for row in rows:
                if calls[row.client] < OF_ONE_CLIENT and len(sending) + len(chosen) < AT_ONCE:
                    calls[row.client] += 1
                    chosen.append(row)
            if chosen:
                letters = self._letters.to(chosen, self._known_issuer or self._issuer.identifier())
                for claimed in self._logouts.claim(chosen, now, now + self._claimed_seconds):
                    sending[claimed.key] = claimed
                    self._send(claimed, letters[claimed.key], news)
            if len(rows) < MANY:
                return bool(without) or len(chosen) < len(rows)
        return True

    def _send(self, claimed: Claimed, letter: LogoutLetter, news: Queue[_Answer | None]) -> None:
        if letter.why_not is not None:
            news.put(_Answer(claimed, letter.client_id, letter.why_not))
            return
        thread = Thread(target=self._call, args=(claimed, letter, news), name="oauth gateway logout", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the process has too many, or is ending
            news.put(_Answer(claimed, letter.client_id, str(error), again=True))

    def _call(self, claimed: Claimed, letter: LogoutLetter, news: Queue[_Answer | None]) -> None:
        answer = _Answer(claimed, letter.client_id, "it could not be sent", again=True)
        try:
            answer = _Answer(claimed, letter.client_id, *self._letters.send(letter, claimed.until))
        except Exception:
            logger.exception("The client %s can't be told of a logout.", letter.client_id)
        finally:
            news.put(answer)

    def _settle(self, answer: _Answer) -> str:
        """Write what came of a call, and say it; returns the name of the outcome, one of `Delivered`'s."""
        claimed, now = answer.claimed, int(time.time())
        write, outcome = partial(self._logouts.told, claimed), "told" if answer.problem is None else "given_up"
        if answer.again and now < claimed.give_up_at:
            wait = FIRST_WAIT * 2 ** min(claimed.tries - 1, MAX_DOUBLINGS)
            write, outcome = partial(self._logouts.put_back, claimed, min(now + wait, claimed.give_up_at)), "waiting"
        elif answer.again:
            write = partial(self._logouts.give_up, claimed)
        try:
            write()
        except TemporarilyUnavailable:
            self._unsettled.append(write)
        self._say(answer, given_up=outcome == "given_up")
        return outcome

    def _say(self, answer: _Answer, *, given_up: bool) -> None:
        app, client_id, (subject, tries) = self._app, answer.client_id, (answer.claimed.subject, answer.claimed.tries)
        try:
            with app.app_context():
                if answer.problem is None:
                    logout_delivered.send(app, client_id=client_id, subject=subject, tries=tries)
                else:
                    why = answer.problem
                    logout_failed.send(
                        app, client_id=client_id, subject=subject, tries=tries, reason=why, given_up=given_up
                    )
        except Exception:  # a listener's mistake: the next client is told all the same
            logger.exception("A listener of a logout's signal failed.")

    def _learn_issuer(self) -> None:
        """Keep the server's name, which may be this request's in debug and testing alone: the threads have no request."""
        with suppress(NotConfigured):
            self._known_issuer = self._issuer.identifier()

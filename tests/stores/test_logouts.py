"""Logouts that clients must be told of: claimed by one process at a time, and kept until the client was told or given up.

The processes are two stores on one database; what each of them read may be old by the time at which it acts.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import delete, insert, select

from flask_oauth_gateway.database.engine import Database
from flask_oauth_gateway.database.tables import logout
from flask_oauth_gateway.stores.openid import logouts
from flask_oauth_gateway.stores.openid.logouts import Claimed, LogoutStore
from tests.support.stored import database_of

SEQUENCES = int(os.environ.get("TEST_SEQUENCES", "12"))
BEGIN, CLAIM, RETRY = 1_000_000, 15, 60  # the clock is the tests' own


def write(database: Database, now: int, client: int = 1, give_up_at: int | None = None) -> bytes:
    """A logout, as the transaction that ends a session leaves it."""
    key = secrets.token_bytes(16)
    times = {"created_at": now, "next_try_at": now, "give_up_at": now + RETRY if give_up_at is None else give_up_at}
    database.run(insert(logout).values(id=key, client=client, subject="alice", sid="sid", tries=0, **times))
    return key


@dataclass
class Owed:
    """The model of a row. `holder`: the process that claimed it last, and its claim."""

    next_try_at: int
    tries: int = 0
    claimed_until: int = 0
    holder: tuple[int, Claimed] | None = None

    def is_due(self, now: int) -> bool:
        return self.next_try_at <= now and self.claimed_until <= now


class Deliveries(RuleBasedStateMachine):
    """Two processes; each rule is done by one of them, or is the clock's."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.database.run(delete(logout))
        self.stores = [LogoutStore(self.database) for _ in range(2)]
        self.now = BEGIN
        self.owed: dict[bytes, Owed] = {}
        self.seen: list[list[Any]] = [[], []]  # what each process read, and maybe long ago
        self.mine: list[list[Claimed]] = [[], []]  # what each believes that it is sending

    @rule()
    def write(self) -> None:
        self.owed[write(self.database, self.now)] = Owed(self.now)

    @rule(side=st.integers(0, 1))
    def look(self, side: int) -> None:
        self.seen[side] = self.stores[side].due(self.now)
        assert {bytes(row.id) for row in self.seen[side]} == {
            k for k, each in self.owed.items() if each.is_due(self.now)
        }

    @rule(side=st.integers(0, 1))
    def claim(self, side: int) -> None:
        """Whoever saw it may try; it gets those alone that are still as it saw them, and free."""
        seen, until = self.seen[side], self.now + CLAIM
        expected = {
            bytes(row.id)
            for row in seen
            if (owed := self.owed.get(bytes(row.id))) and owed.is_due(self.now) and owed.tries == row.tries
        }
        claimed = self.stores[side].claim(seen, self.now, until)
        assert {each.key for each in claimed} == expected
        for each in claimed:
            owed = self.owed[each.key]
            owed.tries, owed.claimed_until, owed.holder = owed.tries + 1, until, (side, each)
            assert each.tries == owed.tries
        self.mine[side] += claimed

    @rule(side=st.integers(0, 1))
    def crash(self, side: int) -> None:
        self.mine[side], self.seen[side] = [], []

    @precondition(lambda self: self.mine[0] or self.mine[1])
    @rule(side=st.integers(0, 1), which=st.integers(0, 99), how=st.sampled_from(["told", "again", "given up"]))
    def answer(self, side: int, which: int, how: str) -> None:
        """The client's answer, which may come when the claim is long over and another process has it."""
        if not self.mine[side]:
            return
        claimed = self.mine[side].pop(which % len(self.mine[side]))
        owed = self.owed.get(claimed.key)
        is_mine = owed is not None and owed.tries == claimed.tries
        if how == "told":
            self.stores[side].told(claimed)
            self.owed.pop(claimed.key, None)
        elif how == "again":
            self.stores[side].put_back(claimed, self.now + 5)
            if owed is not None and is_mine:
                owed.next_try_at, owed.claimed_until, owed.holder = self.now + 5, 0, None
        else:
            self.stores[side].give_up(claimed)
            if is_mine:
                del self.owed[claimed.key]

    @rule(seconds=st.sampled_from([1, 5, CLAIM, 100]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @invariant()
    def all_that_is_owed_is_there(self) -> None:
        rows = self.database.all(select(logout))
        found = {bytes(row.id): (row.tries, row.next_try_at, row.claimed_until or 0) for row in rows}
        assert found == {k: (each.tries, each.next_try_at, each.claimed_until) for k, each in self.owed.items()}
        soonest = min((max(each.next_try_at, each.claimed_until) for each in self.owed.values()), default=None)
        assert self.stores[0].soonest() == soonest
        assert self.stores[1].how_many() == len(self.owed)


def test_no_logout_is_lost_and_none_is_anothers_while_it_is_sent(app: Flask) -> None:
    machine = type("Deliveries", (Deliveries,), {"database": database_of(app)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=SEQUENCES, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_the_longest_due_come_first_and_those_of_some_clients_not_at_all(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logouts, "_DUE", logouts._DUE.limit(3))
    database, store = database_of(app), LogoutStore(database_of(app))
    keys = [write(database, BEGIN - 10 * number, client=1 + number % 2) for number in range(4)]
    later = write(database, BEGIN + 1)
    assert [bytes(row.id) for row in store.due(BEGIN)] == keys[:0:-1]
    assert [bytes(row.id) for row in store.due(BEGIN, without=[1])] == [keys[3], keys[1]]
    assert [bytes(row.id) for row in store.due(BEGIN + 1, without=[2])] == [keys[2], keys[0], later]


def test_what_waits_is_listed_with_its_client(app: Flask) -> None:
    database, store = database_of(app), LogoutStore(database_of(app))
    assert store.soonest() is None
    write(database, BEGIN, client=4711)
    (row,) = store.waiting(10)
    assert (row.client_id, row.subject, row.created_at, row.give_up_at, row.tries) == (
        None, "alice", BEGIN, BEGIN + RETRY, 0,
    )  # fmt: skip
    assert store.waiting(0) == []

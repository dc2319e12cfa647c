"""Sign-ins, exchanges, refreshes and sign-outs in every order, by two processes' apps on one database, against a small model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.support.app import close_app
from tests.support.databases import every_database
from tests.support.revocations import SEQUENCES
from tests.support.signing_in import SigningIn, claims_in

FORMATS = ["opaque", "jwt"]
CLIENTS, PEOPLE, BROWSERS = ("one", "two"), ("alice", "bob"), ("laptop", "phone")


class Story(RuleBasedStateMachine):
    """`sides` are two apps on one database; each rule is done by one of them.

    The model: `live` has the `sid` of each (browser value, person, client) that lasts; whatever was given in a session that
    doesn't last is worth nothing, unless it was allowed with `offline_access`.
    """

    sides: tuple[SigningIn, SigningIn]
    values = count()

    def __init__(self) -> None:
        super().__init__()
        self.cookies = dict.fromkeys(BROWSERS, "")
        self.value: dict[str, int | None] = dict.fromkeys(
            BROWSERS
        )  # which value stands for the browser; None: none yet
        self.person: dict[str, str | None] = dict.fromkeys(BROWSERS)
        self.live: dict[tuple[int, str, str], str] = {}
        self.seen: set[str] = set()
        self.codes: list[tuple[str, str, str, bool]] = []  # code, client, sid, whether it outlives the session
        self.given: list[dict[str, Any]] = []
        for person in PEOPLE:
            self.sides[0].end(subject=person)

    def is_live(self, sid: str) -> bool:
        return sid in self.live.values()

    def ended(self, lives: Any) -> int:
        gone = [key for key, sid in self.live.items() if lives(key, sid)]
        for key in gone:
            del self.live[key]
        return len(gone)

    def draw(self, number: int, found: list[Any]) -> Any:
        return found[number % len(found)]

    @rule(
        browser=st.sampled_from(BROWSERS), person=st.sampled_from(PEOPLE), side=st.integers(0, 1), clear=st.booleans()
    )
    def sign_in(self, browser: str, person: str, side: int, clear: bool) -> None:
        self.cookies[browser] = self.sides[side].sign_in(self.cookies[browser], f"{person}", clear=clear)
        self.person[browser] = person
        if clear:
            self.value[browser] = None

    @rule(
        browser=st.sampled_from(BROWSERS),
        client=st.sampled_from(CLIENTS),
        side=st.integers(0, 1),
        offline=st.booleans(),
    )
    def authorize(self, browser: str, client: str, side: int, offline: bool) -> None:
        person = self.person[browser]
        if person is None:
            return
        scope = "openid weather:read offline_access" if offline else "openid weather:read"
        more = {"response_type": "code id_token", "nonce": "n"}
        self.cookies[browser], found = self.sides[side].authorize(self.cookies[browser], client, scope, **more)
        claims = claims_in(found["id_token"])
        sid, key = claims["sid"], (self.value_of(browser), person, client)
        assert claims["sub"] == person
        if key in self.live:
            assert sid == self.live[key], "the same while it lasts"
        else:
            assert sid not in self.seen, "another one for another user, client or browser, and after a sign-out"
        self.live[key] = sid
        self.seen.add(sid)
        self.codes.append((found["code"], client, sid, offline))

    def value_of(self, browser: str) -> int:
        found = self.value[browser]
        if found is None:
            found = self.value[browser] = next(self.values)
        return found

    @precondition(lambda self: self.codes)
    @rule(number=st.integers(0, 99), side=st.integers(0, 1))
    def exchange(self, number: int, side: int) -> None:
        code, client, sid, offline = self.codes.pop(number % len(self.codes))
        answer = self.sides[side].exchange(client, code)
        assert ("access_token" in answer) == self.is_live(sid), answer
        if "access_token" in answer:
            assert claims_in(answer["id_token"])["sid"] == sid
            self.given.append({"client": client, "sid": sid, "offline": offline, **answer})

    @precondition(lambda self: self.given)
    @rule(number=st.integers(0, 99), side=st.integers(0, 1))
    def refresh(self, number: int, side: int) -> None:
        each = self.draw(number, self.given)
        answer = self.sides[side].refresh(each["client"], each["refresh_token"])
        assert ("access_token" in answer) == self.is_worth_something(each), answer
        if "access_token" in answer:
            assert claims_in(answer["id_token"])["sid"] == each["sid"]
            each |= answer

    @precondition(lambda self: self.seen)
    @rule(number=st.integers(0, 99), side=st.integers(0, 1))
    def end_one(self, number: int, side: int) -> None:
        which = self.draw(number, sorted(self.seen))
        assert self.sides[side].end(sid=which) == self.ended(lambda _, sid: sid == which)

    @rule(who=st.sampled_from(PEOPLE), side=st.integers(0, 1))
    def end_all_of(self, who: str, side: int) -> None:
        assert self.sides[side].end(subject=who) == self.ended(lambda key, _: key[1] == who)

    @rule(browser=st.sampled_from(BROWSERS), side=st.integers(0, 1))
    def sign_out(self, browser: str, side: int) -> None:
        value, who = self.value[browser], self.person[browser]
        self.cookies[browser] = self.sides[side].sign_out(self.cookies[browser])
        if who is not None:
            self.ended(lambda key, _: key[:2] == (value, who))
            self.person[browser], self.value[browser] = None, None

    def is_worth_something(self, each: dict[str, Any]) -> bool:
        return bool(each["offline"] or self.is_live(each["sid"]))

    @invariant()
    def nothing_outlives_its_session_and_everything_else_works(self) -> None:
        wanted = [self.is_worth_something(each) for each in self.given]
        for side in self.sides:
            assert side.are_good([each["access_token"] for each in self.given]) == wanted


@pytest.fixture
def sides(database_uri: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[SigningIn, SigningIn]]:
    config = {"OAUTH_DATABASE_URI": database_uri, "OAUTH_ACCESS_TOKEN_FORMAT": request.param}
    here, there = (SigningIn(config, str(tmp_path)) for _ in range(2))
    for client_id in CLIENTS:
        here.create(client_id)
    yield here, there
    for side in (here, there):
        close_app(side.app)


@every_database
@pytest.mark.timeout(600)
@pytest.mark.parametrize("sides", FORMATS, indirect=True)
def test_what_belongs_to_a_session_ends_with_it_and_with_nothing_else(sides: tuple[SigningIn, SigningIn]) -> None:
    run_state_machine_as_test(
        type("Story", (Story,), {"sides": sides}),
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        ),
    )

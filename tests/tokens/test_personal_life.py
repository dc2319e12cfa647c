"""The life of personal access tokens: made, used, ended, switched off and on, and time, in every order, against a small model."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from flask_oauth_gateway.tokens.personal.making import CLIENT_ID
from tests.support import personal
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.site import Site

pytestmark = sqlite_only

DAY = 86400
PEOPLE = ("alice", "bob")


@dataclass
class Token:
    """The model of one: it is good until it is ended, its time is over or its client is gone, while that is on."""

    value: str
    person: str
    ends: float
    is_ended: bool = False


class Life(RuleBasedStateMachine):
    site: Site
    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.is_on = True
        self.tokens: list[Token] = []
        self.site.gateway.tokens.revoke(client_id=CLIENT_ID)
        if self.site.gateway.clients.get(CLIENT_ID) is not None:
            self.site.gateway.clients.update(CLIENT_ID, enabled=True)

    def live(self, person: str) -> list[Token]:
        return [t for t in self.tokens if t.person == person and not t.is_ended and self.now < t.ends]

    @precondition(lambda self: self.is_on)
    @rule(person=st.sampled_from(PEOPLE), days=st.sampled_from([1, 7, 30]))
    def make(self, person: str, days: int) -> None:
        value = personal.make(self.site, person, expires="custom", days=str(days))
        self.tokens.append(Token(value, person, self.now + days * DAY))

    @rule(seconds=st.sampled_from([60, DAY, 8 * DAY]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.now += seconds

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), how=st.sampled_from(["by its user", "by another", "in code", "leaked"]))
    def end(self, data: st.DataObject, how: str) -> None:
        token = data.draw(st.sampled_from(self.tokens))
        if how in ("by its user", "by another"):
            is_own = how == "by its user"
            self.site.person = token.person if is_own else next(name for name in PEOPLE if name != token.person)
            if not personal.ids(self.site):
                return
            personal.end(self.site, token_id=personal.id_of(token.value))
            token.is_ended |= is_own
        elif how == "in code":
            self.site.gateway.tokens.revoke(token=token.value)
            token.is_ended = True
        else:
            assert (
                self.site.app.test_client().post("/oauth/tokens/leaked", data={"token": token.value}).status_code == 200
            )
            token.is_ended = True

    @rule(person=st.sampled_from(PEOPLE))
    def end_all(self, person: str) -> None:
        self.site.person = person
        if personal.ids(self.site):
            personal.end(self.site, all="yes")
        for token in self.live(person):
            token.is_ended = True

    @precondition(lambda self: self.tokens)
    @rule()
    def switch(self) -> None:
        if self.site.gateway.clients.get(CLIENT_ID) is not None:
            self.is_on = not self.is_on
            self.site.gateway.clients.update(CLIENT_ID, enabled=self.is_on)

    @precondition(lambda self: self.is_on)
    @rule()
    def delete_the_client(self) -> None:
        if self.site.gateway.clients.get(CLIENT_ID) is not None:
            self.site.gateway.clients.delete(CLIENT_ID)
        for token in self.tokens:
            token.is_ended = True

    @invariant()
    def each_is_good_or_not_as_it_should_be(self) -> None:
        for token in self.tokens:
            is_good = self.is_on and not token.is_ended and self.now < token.ends
            assert self.site.is_live(token.value) == is_good, token

    @invariant()
    def the_list_has_those_that_are_left(self) -> None:
        for person in PEOPLE:
            self.site.person = person
            assert sorted(personal.ids(self.site)) == sorted(personal.id_of(each.value) for each in self.live(person))


@pytest.fixture
def life(make_site: Any, clock: Clock) -> type[Life]:
    class ThisLife(Life):
        pass

    ThisLife.site, ThisLife.clock = make_site(**personal.ON, OAUTH_RATE_LIMITS=None), clock
    return ThisLife


def test_every_order_of_what_may_happen(life: type[Life]) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        life,
        settings=settings(
            max_examples=15,
            stateful_step_count=15,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )

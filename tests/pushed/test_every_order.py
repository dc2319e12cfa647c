"""The life of pushed requests: visits, sign-ins, answers, changes and time in every order, against a small model."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.pushing import come, push
from tests.support.site import MakeSite, Page, Site, answer, location

pytestmark = sqlite_only

PUSHED_SECONDS, OPEN_SECONDS = 60, 3600


@dataclass
class Request:
    """The model of one: it is good until it is answered or its time is over, and one visit alone makes that longer."""

    request_uri: str
    ends: float
    is_open: bool = False
    is_answered: bool = False
    pages: list[tuple[str, Page]] = field(default_factory=list)  # who was shown each

    def is_good(self, now: float) -> bool:
        return not self.is_answered and now < self.ends

    def visit(self, now: float) -> None:
        if not self.is_open:
            self.is_open, self.ends = True, now + OPEN_SECONDS


class Life(RuleBasedStateMachine):
    site: Site
    clock: Clock
    client: Any

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.is_enabled = True
        self.site.gateway.clients.update(self.client.client_id, enabled=True)
        self.site.person = "alice"
        self.requests: list[Request] = []
        self.codes: set[str] = set()

    @rule()
    def push(self) -> None:
        if self.is_enabled:
            self.requests.append(Request(push(self.site, self.client, prompt="consent"), self.now + PUSHED_SECONDS))

    @rule(seconds=st.sampled_from([10, 45, 70, 600, 1700]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.now += seconds

    @rule(person=st.sampled_from([None, "alice", "bob"]))
    def sign_in(self, person: str | None) -> None:
        self.site.person = person

    @rule()
    def disable_or_enable(self) -> None:
        self.is_enabled = not self.is_enabled
        self.site.gateway.clients.update(self.client.client_id, enabled=self.is_enabled)

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def visit(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(self.requests))
        response = come(self.site, self.client, request.request_uri)
        if not (request.is_good(self.now) and self.is_enabled):
            assert response.status_code == 400
            assert ("start again" in response.text) is not request.is_good(self.now)
            return
        request.visit(self.now)
        if self.site.person is None:
            assert response.headers["Location"].startswith("/login?")
            return
        assert response.status_code == 200
        request.pages.append((self.site.person, Page(response)))

    @precondition(lambda self: any(each.pages for each in self.requests))
    @rule(data=st.data(), decision=st.sampled_from(["allow", "deny"]))
    def send(self, data: st.DataObject, decision: str) -> None:
        request = data.draw(st.sampled_from([each for each in self.requests if each.pages]))
        shown_to, page = data.draw(st.sampled_from(request.pages))
        response = self.site.send(page, decision=decision)
        if not (request.is_good(self.now) and self.is_enabled):
            assert response.status_code == 400
            assert "Location" not in response.headers
            return
        if self.site.person != shown_to:
            assert response.status_code == (302 if self.site.person is None else 400)
            return
        request.is_answered = True
        found = answer(location(response))
        assert ("code" in found) == (decision == "allow")
        assert found.get("code") not in self.codes
        self.codes.add(found.get("code", ""))


@pytest.fixture
def life(make_site: MakeSite, clock: Clock) -> Iterator[None]:
    Life.site = make_site(OAUTH_PAR=True, OAUTH_LOGIN_URL="/login", OAUTH_RATE_LIMITS=None)
    Life.clock, Life.client = clock, Life.site.register()
    yield
    del Life.site, Life.clock, Life.client


@pytest.mark.usefixtures("life")
def test_in_every_order_a_request_gives_one_answer_in_its_time() -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )

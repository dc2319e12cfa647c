"""A machine that draws what happens next to tokens, and a model of a few lines that knows what each is worth."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.support.other_process import OtherProcess

CLIENTS, PEOPLE = ("one", "two"), ("alice", "bob")
SEQUENCES = int(os.environ.get("TEST_SEQUENCES", "8"))  # the longer runs are for a change of what is tested here


def run_sequences(machine: type[Revocations]) -> None:
    """Run so many sequences of steps, as long as they are good."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=SEQUENCES, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@dataclass
class Given:
    """A token that was given, and whether the model thinks that it is good."""

    token: str
    client_id: str
    subject: str | None
    approval: int | None
    good: bool = True


class Revocations(RuleBasedStateMachine):
    """`sides` are two processes on one database; each rule is done by one of them."""

    sides: tuple[OtherProcess, OtherProcess]
    tokens = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Given] = []
        self.refresh_tokens: dict[int, str] = {}  # by approval
        self.enabled = dict.fromkeys(CLIENTS, True)
        self.deleted = dict.fromkeys(CLIENTS, False)
        for side in self.sides:
            side.ask("begin")

    def end(self, **criteria: Any) -> None:
        """The model: what fits is never good again, nor what comes of its approval."""
        for each in self.given:
            if all(getattr(each, name) == value for name, value in criteria.items()):
                each.good = False
        for approval in {each.approval for each in self.given if each.approval is not None and not each.good}:
            if all(not each.good for each in self.given if each.approval == approval):
                self.refresh_tokens.pop(approval, None)

    def works(self, client_id: str) -> bool:
        return self.enabled[client_id] and not self.deleted[client_id]

    def keep(self, answer: dict[str, Any] | None, client_id: str, subject: str | None, approval: int | None) -> None:
        assert (answer is not None) == self.works(client_id), answer
        if answer is None:
            return
        self.given.append(Given(answer["access_token"], client_id, subject, approval))
        if approval is not None:
            self.refresh_tokens[approval] = answer["refresh_token"]

    @rule(side=st.integers(0, 1), client_id=st.sampled_from(CLIENTS))
    def client_credentials(self, side: int, client_id: str) -> None:
        self.keep(self.sides[side].ask("client_credentials", client_id=client_id), client_id, None, None)

    @rule(side=st.integers(0, 1), client_id=st.sampled_from(CLIENTS), subject=st.sampled_from(PEOPLE))
    def issued_in_code(self, side: int, client_id: str, subject: str) -> None:
        self.keep(self.sides[side].ask("issue", client_id=client_id, subject=subject), client_id, subject, None)

    @rule(side=st.integers(0, 1), client_id=st.sampled_from(CLIENTS), subject=st.sampled_from(PEOPLE))
    def approved(self, side: int, client_id: str, subject: str) -> None:
        answer = self.sides[side].ask("password", client_id=client_id, username=subject)
        self.keep(answer, client_id, subject, 1 + len(self.given))

    @precondition(lambda self: self.refresh_tokens)
    @rule(side=st.integers(0, 1), data=st.data())
    def refreshed(self, side: int, data: st.DataObject) -> None:
        approval = data.draw(st.sampled_from(sorted(self.refresh_tokens)))
        of = next(each for each in self.given if each.approval == approval)
        answer = self.sides[side].ask(
            "refresh", client_id=of.client_id, refresh_token=self.refresh_tokens.pop(approval)
        )
        if not self.works(of.client_id):
            assert answer is None
            return
        self.keep(answer, of.client_id, of.subject, approval)

    @rule(side=st.integers(0, 1), subject=st.sampled_from(PEOPLE), client_id=st.sampled_from([None, *CLIENTS]))
    def revoked_of_a_user(self, side: int, subject: str, client_id: str | None) -> None:
        self.sides[side].ask("revoke", subject=subject, client_id=client_id)
        if client_id is None:
            self.end(subject=subject)
        elif not self.deleted[client_id]:
            self.end(subject=subject, client_id=client_id)

    @rule(side=st.integers(0, 1), client_id=st.sampled_from(CLIENTS))
    def revoked_of_a_client(self, side: int, client_id: str) -> None:
        self.sides[side].ask("revoke", client_id=client_id)
        if not self.deleted[client_id]:
            self.end(client_id=client_id)

    @rule(side=st.integers(0, 1), subject=st.sampled_from(PEOPLE))
    def revoked_from_before_yesterday(self, side: int, subject: str) -> None:
        """Which covers none of these tokens, and takes nothing back."""
        self.sides[side].ask("revoke", subject=subject, issued_before="yesterday")

    @precondition(lambda self: any(each.good and self.works(each.client_id) for each in self.given))
    @rule(side=st.integers(0, 1), data=st.data())
    def revoked_by_itself(self, side: int, data: st.DataObject) -> None:
        good = [place for place, each in enumerate(self.given) if each.good and self.works(each.client_id)]
        one = self.given[data.draw(st.sampled_from(good))]
        self.sides[side].ask("revoke", token=one.token)
        one.good = False

    @rule(side=st.integers(0, 1), client_id=st.sampled_from(CLIENTS), enabled=st.booleans())
    def switched(self, side: int, client_id: str, enabled: bool) -> None:
        if not self.deleted[client_id]:
            self.sides[side].ask("switch", client_id=client_id, enabled=enabled)
            self.enabled[client_id] = enabled

    @rule(side=st.integers(0, 1), client_id=st.sampled_from(CLIENTS))
    def deleted_or_made_anew(self, side: int, client_id: str) -> None:
        if self.deleted[client_id]:
            self.sides[side].ask("create", client_id=client_id)
        else:
            self.sides[side].ask("delete", client_id=client_id)
            self.end(client_id=client_id)
        self.deleted[client_id], self.enabled[client_id] = not self.deleted[client_id], True

    @rule(side=st.integers(0, 1), seconds=st.sampled_from([-3600, -5, 0, 5, 3600]))
    def a_clock_is_set(self, side: int, seconds: int) -> None:
        self.sides[side].ask("clock", seconds=seconds)

    @invariant()
    def both_processes_agree_with_the_model(self) -> None:
        expected = [each.good and self.works(each.client_id) for each in self.given]
        for side in self.sides:
            found = side.ask("are_good", tokens=[each.token for each in self.given])
            assert found == expected, [
                each for each, one, other in zip(self.given, found, expected, strict=True) if one != other
            ]

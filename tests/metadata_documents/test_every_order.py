"""Documents change, go and come back, time passes, two processes are asked in any order: a model of ten lines knows."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from flask_oauth_gateway.clients import directory
from tests.support.client_documents import ON, DocumentServer
from tests.support.clock import Clock
from tests.support.site import REDIRECT_URI, VERIFIER, MakeSite, Page

DAY, KEPT = 86400, 600
WHICH = st.sampled_from([0, 1])


def test_in_every_order(make_site: MakeSite, documents: DocumentServer, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, run = Clock(monkeypatch), 0
    config: dict[str, Any] = {
        **ON, "OAUTH_RATE_LIMITS": None, "OAUTH_REFRESH_TOKEN_LIFETIME": 100 * DAY, "OAUTH_REVOCATION_POLL_SECONDS": 0,
    }  # fmt: skip
    sites = [make_site(**config), make_site(**config)]
    documents.server.headers["Cache-Control"] = f"max-age={KEPT}"

    class Machine(RuleBasedStateMachine):
        """`read`: the version that was read last, and until when it is new; `held`: until when nobody looks again."""

        @initialize()
        def begin(self) -> None:
            nonlocal run
            run += 1
            self.path = f"/{run}"
            self.there: int | None = 1
            self.read: tuple[int, float] | None = None
            self.failures, self.held, self.now = 0, 0.0, 0.0
            self.tokens: list[str] = []
            self.publish(1)

        @rule(version=st.sampled_from([1, 2, 3]))
        def publish(self, version: int) -> None:
            self.there = version
            uris = [REDIRECT_URI, *[f"https://{n}.example/" for n in range(version)]]
            self.client = documents.publish(self.path, redirect_uris=uris)

        @rule()
        def lose(self) -> None:
            self.there = None
            documents.server.places[self.path] = b"nothing that anybody can read"

        @rule(seconds=st.sampled_from([3, 70, KEPT + 10, DAY - 100, DAY + KEPT + 10]))
        def wait(self, seconds: int) -> None:
            clock.advance(seconds)
            self.now += seconds

        def expected(self, longer: int) -> int | None:
            """The version that counts for who asks now, as a reading makes it; `longer`: how much too old it may be."""
            if self.read is not None and self.now < self.read[1] + longer:
                return self.read[0]
            if self.now >= self.held:
                if self.there is not None:
                    if self.read is not None and self.read[0] != self.there:
                        self.tokens.clear()
                    self.read, self.failures = (self.there, self.now + KEPT), 0
                    return self.there
                self.held, self.failures = self.now + min(60, 2**self.failures), self.failures + 1
            return self.read[0] if self.read is not None and self.now < self.read[1] + DAY else None

        @rule(which=WHICH)
        def authorize(self, which: int) -> None:
            site, counts = sites[which], self.expected(0)
            response = site.ask(self.client)
            if counts is None:
                assert response.status_code == 400
                return
            if response.status_code == 200:
                assert not self.tokens  # who has allowed it isn't asked again
                response = site.send(Page(response))
            assert response.status_code in (302, 303), response.text
            code = response.headers["Location"].partition("code=")[2].partition("&")[0]
            answered = site.redeem(self.client, code, code_verifier=VERIFIER)
            assert answered.status_code == 200, answered.text
            self.tokens.append(answered.get_json()["refresh_token"])
            stored = site.gateway.clients.get(self.client.client_id)
            assert stored is not None
            assert len(stored.redirect_uris) == 1 + counts

        @precondition(lambda self: self.tokens)
        @rule(which=WHICH, number=st.integers(0, 9))
        def refresh(self, which: int, number: int) -> None:
            token = self.tokens[number % len(self.tokens)]
            before = list(self.tokens)
            counts = self.expected(DAY)
            answered = sites[which].refresh(self.client, token)
            if counts is None:
                assert answered.status_code == 401
            elif token not in self.tokens:
                assert answered.get_json()["error"] == "invalid_grant"
            else:
                assert answered.status_code == 200, answered.text
                self.tokens.remove(token)
                self.tokens.append(answered.get_json()["refresh_token"])
            assert before

    how = settings(max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Machine, settings=how)
    assert directory.GONE_SECONDS == DAY

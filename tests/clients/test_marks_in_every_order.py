"""An administrator looks, marks and edits, the client changes itself, in any order, in two processes: a small model knows."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from flask_oauth_gateway.clients.members import ClientMetadataError
from tests.support.registering import CALLBACK, OPEN, manage, registered
from tests.support.site import MakeSite, Page

WHICH = st.sampled_from([0, 1])
NAMES = st.sampled_from(["Board", "Notes", "Shop"])


def test_in_every_order(make_site: MakeSite) -> None:
    sites = [make_site(**OPEN), make_site(**OPEN)]
    browsers = [site.app.test_client() for site in sites]

    class Machine(RuleBasedStateMachine):
        """`changes`: how often the client was changed; `seen`: how often it had been when the administrator looked."""

        @initialize()
        def begin(self) -> None:
            self.found = registered(browsers[0], client_name="Board", redirect_uris=[CALLBACK])
            self.name, self.marked, self.changes = "Board", False, 0
            self.seen, self.version = -1, 0

        @rule(which=WHICH)
        def look(self, which: int) -> None:
            self.version, self.seen = self._client(which).version, self.changes

        @rule(which=WHICH, to=st.booleans())
        def mark(self, which: int, *, to: bool) -> None:
            try:
                sites[which].gateway.clients.update(self.found["client_id"], version=self.version, verified=to)
            except ClientMetadataError:
                assert self.seen != self.changes
                return
            assert self.seen == self.changes, "it was marked as it was seen"
            self.marked, self.changes = to, self.changes + 1

        @rule(which=WHICH, name=NAMES)
        def administrator_renames(self, which: int, name: str) -> None:
            sites[which].gateway.clients.update(self.found["client_id"], client_name=name)
            self.name, self.changes = name, self.changes + 1

        @rule(which=WHICH, name=NAMES)
        def client_renames(self, which: int, name: str) -> None:
            said: dict[str, Any] = {"client_name": name, "redirect_uris": [CALLBACK], "verified": True}
            answer = manage(browsers[which], "PUT", self.found, client_id=self.found["client_id"], **said)
            assert answer.status_code == 200, answer.text
            self.found |= answer.get_json()
            self.marked = self.marked and name == self.name
            self.name, self.changes = name, self.changes + 1

        @invariant()
        def users_see_it(self) -> None:
            which = self.changes % 2
            text = Page(sites[which].ask(self._client(which), scope=None, redirect_uri=CALLBACK)).text
            assert f"{self.name} wants access to your" in text
            assert ("Verified by" in text) == self.marked

        def _client(self, which: int) -> Any:
            return sites[which].gateway.clients.get(self.found["client_id"])

    limits = settings(max_examples=5, stateful_step_count=12, deadline=None, suppress_health_check=[*HealthCheck])
    run_state_machine_as_test(Machine, settings=limits)  # type: ignore[no-untyped-call]


def test_at_the_same_moment_as_the_client_changes(make_site: MakeSite) -> None:
    """Whoever comes first: what is marked in the end is what the administrator saw."""
    site = make_site(**OPEN)
    found = registered(site.app.test_client(), client_name="Board", redirect_uris=[CALLBACK])
    version = site.gateway.clients.get(found["client_id"]).version

    def mark() -> bool:
        with site.app.app_context():
            try:
                return bool(site.gateway.clients.update(found["client_id"], version=version, verified=True).verified)
            except ClientMetadataError:
                return False

    def rename() -> int:
        said = {"client_name": "Notes", "redirect_uris": [CALLBACK]}
        return manage(site.app.test_client(), "PUT", found, client_id=found["client_id"], **said).status_code

    with ThreadPoolExecutor(8) as pool:
        marks = [pool.submit(mark) for _ in range(6)]
        renamed = pool.submit(rename)
        assert [each.result() for each in marks].count(True) <= 1
        assert renamed.result() == 200
    now = site.gateway.clients.get(found["client_id"])
    assert (now.client_name, now.verified) == ("Notes", False)

"""An administrator looks and acts, once or again; another process makes, changes, uses and deletes clients: a model knows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from flask_oauth_gateway.pages.admin import bulk
from flask_oauth_gateway.stores.figures.clients import usage_of
from tests.support.admin import AdminSite
from tests.support.app import server_of
from tests.support.bulk import Meanwhile, confirm, outcomes, preview
from tests.support.other_process import OtherProcess

NAMES = ("one", "two")
NAME = st.sampled_from(NAMES)


def test_in_every_order(make_app: Callable[..., Any], tmp_path: Path) -> None:
    config = {
        "OAUTH_DATABASE_URI": f"sqlite:///{tmp_path / 'oauth.db'}",
        "SECRET_KEY": "the same in both processes, and long",
        "OAUTH_RATE_LIMITS": None,
    }
    site = AdminSite(make_app(OAUTH_ADMIN=True, OAUTH_GRANT_TYPES=["client_credentials"], **config))

    class Machine(RuleBasedStateMachine):
        """`there`: of each client that there is, which look it is (each change makes it another one), on, and used."""

        @initialize()
        def begin(self) -> None:
            for client in site.gateway.clients.list():
                site.gateway.clients.delete(client.client_id)
            self.there: dict[str, dict[str, Any]] = {}
            self.looks: list[tuple[str, Any, dict[str, dict[str, Any]]]] = []
            for name in NAMES:
                self.make(name)

        @rule(name=NAME)
        def make(self, name: str) -> None:
            if name not in self.there:
                other.ask("create", client_id=name)
                self.there[name] = {"look": object(), "on": True, "used": False}

        @rule(name=NAME)
        def delete(self, name: str) -> None:
            if self.there.pop(name, None):
                other.ask("delete", client_id=name)

        @rule(name=NAME, on=st.booleans())
        def switch(self, name: str, *, on: bool) -> None:
            if name in self.there:
                other.ask("switch", client_id=name, enabled=on)
                self.there[name] |= {"look": object(), "on": on}

        @rule(name=NAME)
        def use(self, name: str) -> None:
            if self.there.get(name, {}).get("on"):
                other.ask("issue", client_id=name, subject="alice")
                self.there[name]["used"] = True

        @rule(name=NAME)
        def end(self, name: str) -> None:
            if name in self.there:
                other.ask("revoke", client_id=name)
                self.there[name]["used"] = False

        @rule(action=st.sampled_from(bulk.ACTIONS["clients"]), names=st.sets(NAME, min_size=1))
        def look(self, action: str, names: set[str]) -> None:
            has = {"disable": False, "enable": True}.get(action)
            shown = {name: {**self.there[name]} for name in names & {*self.there} if self.there[name]["on"] is not has}
            page = preview(site, action, *names)
            assert ('name="preview"' in page.text) == bool(shown)
            if shown:
                self.looks.append((action, page, shown))

        @rule(back=st.sampled_from([1, 1, 2, 5]), used=st.sets(NAME))
        def act(self, back: int, used: set[str]) -> None:
            """By the last look, or an earlier one; some have been acted on before."""
            if not self.looks:
                return
            for name in used:
                self.use(name)
            action, page, shown = self.looks[-min(back, len(self.looks))]
            done = {}
            for name, seen in shown.items():
                now = self.there.get(name, {"look": None})
                is_as_seen = now["look"] is seen["look"]
                done[name] = is_as_seen and (action == "enable" or seen["used"] or not now["used"])
            assert outcomes(confirm(site, page)) == done
            for name in [name for name, is_done in done.items() if is_done]:
                if action == "delete":
                    del self.there[name]
                elif action == "revoke":
                    self.there[name]["used"] = False
                else:
                    self.there[name] |= {"look": object(), "on": action == "enable"}

        @invariant()
        def it_is_as_the_model_says(self) -> None:
            found = {each.client_id: each for each in site.gateway.clients.list()}
            usage = {name: usage_of(server_of(site.app).database, each).tokens > 0 for name, each in found.items()}
            assert {name: (each.enabled, usage[name]) for name, each in found.items()} == {
                name: (each["on"], each["used"]) for name, each in self.there.items()
            }

    limits = settings(max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=[*HealthCheck])
    with OtherProcess(config, tmp_path / "other", Meanwhile) as other:
        run_state_machine_as_test(Machine, settings=limits)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("action", ["delete", "disable", "revoke"])
def test_a_client_made_anew_at_the_very_moment_is_another_client(
    site: AdminSite, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    site.register(client_id="one")
    shown = preview(site, action, "one")
    look, given = bulk.usage_of, []

    def made_anew_meanwhile(*asked: Any) -> Any:
        found = look(*asked)
        site.gateway.clients.delete("one")
        site.register(client_id="one", client_name="Another")
        given.append(site.gateway.tokens.issue("one", subject="alice")["access_token"])
        return found

    monkeypatch.setattr(bulk, "usage_of", made_anew_meanwhile)
    is_done = action == "revoke"  # of the client that is gone
    assert [*outcomes(confirm(site, shown)).values()] == [is_done]
    assert site.is_live(given[0])

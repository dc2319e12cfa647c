"""At once, in two processes and in every order: how many apps a user has, and what an app that waits may do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from flask import Flask
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from flask_oauth_gateway.clients.members import ClientMetadataError
from flask_oauth_gateway.errors import UnauthorizedClientError
from tests.support.app import bearer, gateway_of, server_of
from tests.support.databases import every_database
from tests.support.developer import CONFIG, DeveloperSite
from tests.support.other_process import Doing, OtherProcess
from tests.support.site import REDIRECT_URI

MOST, RIVALS = 3, 10
GIVEN = {"client_name": "Mine", "redirect_uris": [REDIRECT_URI], "scope": "weather:read"}
WAITING: dict[str, Any] = {**CONFIG, "OAUTH_DEVELOPER_APPROVAL": True, "OAUTH_RATE_LIMITS": None}


def register_many(app: Flask, count: int) -> int:
    """Try to register so many apps of alice's at once; returns how many were."""
    apps = server_of(app).user_apps

    def register(_: int) -> int:
        with app.app_context():
            try:
                apps.register("alice", "web", GIVEN)
            except ClientMetadataError:
                return 0
            return 1

    with ThreadPoolExecutor(count) as pool:
        return sum(pool.map(register, range(count)))


@every_database
def test_a_form_that_is_sent_many_times_at_once_registers_one_app(make_site: Callable[..., DeveloperSite]) -> None:
    site = make_site(OAUTH_RATE_LIMITS=None)
    form = {
        **dict(site.visit("apps/new", kind="web").fields),
        "kind": "web",
        "client_name": "Mine",
        "scope": "weather:read",
    }
    cookies = site.browser.get_cookie("session")
    assert cookies is not None

    def send(_: int) -> int:
        browser = site.app.test_client()
        browser.set_cookie("session", cookies.value)
        return browser.post("/oauth/developer/apps/new", data={**form, "redirect_uris": REDIRECT_URI}).status_code

    with ThreadPoolExecutor(RIVALS) as pool:
        assert sorted(pool.map(send, range(RIVALS))) == [200] + [400] * (RIVALS - 1)
    assert len(site.apps.of("alice")) == 1


class Developing(Doing):
    """What the other process does with apps of users."""

    def register_many(self, count: int) -> int:
        return register_many(self.app, count)

    def token_for(self, client_id: str, subject: str | None) -> str | None:
        with self.app.app_context():
            try:
                return str(gateway_of(self.app).tokens.issue(client_id, subject=subject)["access_token"])
            except (UnauthorizedClientError, LookupError, ValueError):
                return None

    def opens(self, token: str) -> bool:
        return self.app.test_client().get("/weather", headers=bearer(token)).status_code == 200


def config_of(app: Flask, **more: Any) -> dict[str, Any]:
    return {"OAUTH_DATABASE_URI": app.config["OAUTH_DATABASE_URI"], **CONFIG, "OAUTH_RATE_LIMITS": None, **more}


@every_database
def test_of_many_at_once_in_two_processes_no_more_are_stored_than_a_user_may_have(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    app = make_app(**CONFIG, OAUTH_DEVELOPER_MAX=MOST, OAUTH_DEVELOPER_APPROVAL=True, OAUTH_RATE_LIMITS=None)
    config = config_of(app, OAUTH_DEVELOPER_MAX=MOST, OAUTH_DEVELOPER_APPROVAL=True)
    with OtherProcess(config, tmp_path, Developing) as other, ThreadPoolExecutor(1) as pool:
        theirs = pool.submit(other.ask, "register_many", count=RIVALS)
        mine = register_many(app, RIVALS)
        assert mine + theirs.result() == MOST
    assert len(server_of(app).user_apps.of("alice")) == MOST
    assert len(gateway_of(app).applications.find(owner="alice").applications) == MOST
    with app.app_context():
        assert server_of(app).user_apps.register("bob", "web", GIVEN)


def test_every_order_of_what_an_owner_and_an_administrator_do_ends_as_it_should(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """One process changes the app, both give tokens for it, in every order; a small model says what must come of it."""
    app = make_app(**WAITING)
    gateway, apps = gateway_of(app), server_of(app).user_apps
    with OtherProcess(config_of(app, OAUTH_DEVELOPER_APPROVAL=True), tmp_path, Developing) as other:

        class Life(RuleBasedStateMachine):
            def __init__(self) -> None:
                super().__init__()
                with app.app_context():
                    self.client_id = apps.register(
                        "alice", "machine", {"client_name": "Mine", "scope": "weather:read"}
                    ).client_id
                self.status, self.on, self.owner, self.gone = "pending", True, "alice", False
                self.tokens: list[str] = []

            def teardown(self) -> None:
                if not self.gone:
                    gateway.clients.delete(self.client_id)

            def works_for(self, subject: str | None) -> bool:
                works = not self.gone and self.on and self.status != "revoked"
                return works and (self.status == "approved" or (subject is not None and subject == self.owner))

            @precondition(lambda self: not self.gone)
            @rule(status=st.sampled_from(["approved", "revoked"]))
            def decide(self, status: str) -> None:
                act = gateway.applications.approve if status == "approved" else gateway.applications.revoke
                act(self.client_id)
                self.status = status

            @precondition(lambda self: not self.gone)
            @rule(on=st.booleans())
            def switch(self, on: bool) -> None:
                gateway.clients.update(self.client_id, enabled=on)
                self.on = on

            @precondition(lambda self: not self.gone)
            @rule(owner=st.sampled_from(["alice", "bob"]))
            def give(self, owner: str) -> None:
                gateway.clients.update(self.client_id, owner=owner)
                self.owner = owner

            @precondition(lambda self: not self.gone)
            @rule(who=st.sampled_from(["alice", "bob"]), name=st.sampled_from(["Mine", "Another"]))
            def rename(self, who: str, name: str) -> None:
                before = gateway.clients.get(self.client_id)
                try:
                    with app.app_context():
                        apps.update(who, self.client_id, {"client_name": name})
                except LookupError:
                    assert who != self.owner
                except ClientMetadataError:
                    assert self.status != "pending"
                    assert name != before.client_name
                else:
                    assert who == self.owner
                    assert self.status == "pending" or name == before.client_name

            @precondition(lambda self: not self.gone)
            @rule(who=st.sampled_from(["alice", "bob"]))
            def delete(self, who: str) -> None:
                try:
                    with app.app_context():
                        apps.delete(who, self.client_id)
                except LookupError:
                    assert who != self.owner
                else:
                    assert who == self.owner
                    self.gone = True
                    assert gateway.applications.get(self.client_id) is None

            @rule(subject=st.sampled_from([None, "alice", "bob"]))
            def token(self, subject: str | None) -> None:
                given = other.ask("token_for", client_id=self.client_id, subject=subject)
                assert (given is not None) is self.works_for(subject), (self.status, self.on, self.owner, subject)
                self.tokens += [] if given is None else [given]

            @invariant()
            def what_was_given_opens_only_while_the_app_works(self) -> None:
                works = not self.gone and self.on and self.status != "revoked"
                for token in self.tokens[-1:]:
                    assert other.ask("opens", token=token) is works

        run_state_machine_as_test(Life, settings=settings(max_examples=25, stateful_step_count=12, deadline=None))


def test_a_lost_race_for_a_change_is_looked_at_again(make_app: Callable[..., Flask]) -> None:
    """An administrator approves between the owner's look and the owner's act: the change is refused by then."""
    app = make_app(**WAITING)
    apps, gateway = server_of(app).user_apps, gateway_of(app)
    with app.app_context():
        client = apps.register("alice", "web", GIVEN)
    real = apps._store.change

    def approved_first(found: Any, values: Any) -> bool:
        gateway.applications.approve(client.client_id)
        return real(found, values)

    apps._store.change = approved_first  # type: ignore[method-assign]
    with app.app_context(), pytest.raises(ClientMetadataError, match="administrator"):
        apps.update("alice", client.client_id, {"redirect_uris": [REDIRECT_URI, "https://evil.example/cb"]})
    assert gateway.clients.get(client.client_id).redirect_uris == [REDIRECT_URI]

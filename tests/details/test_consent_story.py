"""Any order of pages, tabs, answers, refreshes and changes of the hook's mind: what was shown is what is granted."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule, run_state_machine_as_test

from tests.support.app import build_app, close_app
from tests.support.details import OF_CLIENT, TYPES, asked
from tests.support.site import READ, REDIRECT_URI, Page, Site, answer, granted, location

AMOUNTS = st.integers(1, 5)
ACTIONS = st.lists(st.sampled_from(["read", "write", "delete"]), min_size=1, max_size=3, unique=True)


class Story(RuleBasedStateMachine):
    """Each page is kept with what it showed, each code with what its page showed, each refresh token with what was granted."""

    folder: Path

    pages = Bundle("pages")
    codes = Bundle("codes")
    grants = Bundle("grants")

    @initialize()
    def begin(self) -> None:
        database = f"sqlite:///{self.folder / 'oauth.db'}"
        self.app = build_app(
            instance_path=str(self.folder), OAUTH_DATABASE_URI=database, OAUTH_AUTHORIZATION_DETAILS=TYPES
        )
        self.site = Site(self.app)
        self.mind = 0
        self.site.gateway.authorization_detail("payment")(lambda detail, *_: {**detail, "account": f"a{self.mind}"})
        self.client = self.site.register(scope=READ, authorization_details_types=OF_CLIENT)

    @rule()
    def the_hook_changes_its_mind(self) -> None:
        self.mind += 1

    @rule(target=pages, amount=AMOUNTS, actions=ACTIONS)
    def open_a_page(self, amount: int, actions: list[str]) -> tuple[Page, list[dict[str, Any]]]:
        details = [{"type": "payment", "amount": amount}, {"type": "files", "actions": actions}]
        page = Page(self.site.ask(self.client, authorization_details=asked(*details)))
        shown = [{**details[0], "account": f"a{self.mind}"}, details[1]]
        assert f"Amount {amount} " in f"{page.text} "
        assert f"Account a{self.mind}" in page.text
        return page, shown

    @rule(target=codes, opened=pages)
    def allow(self, opened: tuple[Page, list[dict[str, Any]]]) -> tuple[str, list[dict[str, Any]]]:
        page, shown = opened
        return answer(location(self.site.send(page)))["code"], shown

    @rule(opened=pages)
    def deny(self, opened: tuple[Page, list[dict[str, Any]]]) -> None:
        assert answer(location(self.site.send(opened[0], decision="deny")))["error"] == "access_denied"

    @rule(one=pages, other=pages)
    def what_another_page_showed_is_granted_by_its_own_request_alone(self, one: Any, other: Any) -> None:
        if one[0].action != other[0].action:
            fields = dict(one[0].fields) | {"details_token": other[0].hidden("details_token"), "decision": "allow"}
            assert self.site.browser.post(one[0].action, data=fields).status_code == 400

    @rule(target=grants, code=consumes(codes))
    def redeem(self, code: tuple[str, list[dict[str, Any]]]) -> tuple[list[str], list[dict[str, Any]]]:
        tokens = granted(self.site.redeem(self.client, code[0], redirect_uri=REDIRECT_URI))
        assert tokens["authorization_details"] == code[1]
        return [tokens["refresh_token"]], code[1]

    @rule(grant=grants, number=st.integers(0, 1))
    def refresh(self, grant: tuple[list[str], list[dict[str, Any]]], number: int) -> None:
        tokens, shown = grant
        fewer = [shown[number]]
        answered = granted(self.site.refresh(self.client, tokens[-1], authorization_details=json.dumps(fewer)))
        assert answered["authorization_details"] == fewer
        tokens.append(answered["refresh_token"])

    @rule(grant=grants)
    def refresh_for_all(self, grant: tuple[list[str], list[dict[str, Any]]]) -> None:
        answered = granted(self.site.refresh(self.client, grant[0][-1]))
        assert answered["authorization_details"] == grant[1]
        grant[0].append(answered["refresh_token"])

    @rule(grant=grants, amount=AMOUNTS)
    def ask_for_more(self, grant: tuple[list[str], list[dict[str, Any]]], amount: int) -> None:
        more = json.dumps([grant[1][0] | {"amount": grant[1][0]["amount"] + amount}])
        assert self.site.refresh(self.client, grant[0][-1], authorization_details=more).status_code == 400

    def teardown(self) -> None:
        if hasattr(self, "app"):
            close_app(self.app)


@pytest.mark.timeout(60)
def test_what_was_shown_is_what_is_granted(tmp_path: Path) -> None:
    Story.folder = tmp_path
    run_state_machine_as_test(Story, settings=settings(max_examples=15, stateful_step_count=20, deadline=None))

"""The consent page's form: from whom it is taken, and what becomes of one that is stale, sent twice or somebody else's."""

from typing import Any

import pytest

from flask_oauth_gateway.signals import authorization_granted
from tests.support.app import recorded
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.site import BOTH, READ, WRITE, Page, Site, another_browser, answer, granted, location, query


def shown_again(site: Site, response: Any) -> Page:
    """The page, anew, with a word on why; and nobody got anything."""
    assert response.status_code == 400, response.text
    assert "Location" not in response.headers
    assert 'role="alert"' in response.text
    page = Page(response)
    assert page.boxes
    return page


@sqlite_only
@pytest.mark.parametrize("token", [None, "", "x", "x" * 5000, "é", "W10.aaaa.bbbb"])
def test_a_form_that_no_page_showed_gives_no_code(site: Site, token: str | None) -> None:
    client = site.register()
    site.ask(client)
    form = {"decision": "allow", "scope": READ, **({} if token is None else {"form_token": token})}
    with recorded(authorization_granted, site.app) as said:
        response = site.browser.post("/oauth/authorize", query_string=query(client), data=form)
    again = shown_again(site, response)
    assert not said
    assert "code" in answer(location(site.send(again)))


@sqlite_only
def test_a_refusal_is_taken_from_the_page_alone_too(site: Site) -> None:
    response = site.browser.post("/oauth/authorize", query_string=query(site.register()), data={"decision": "deny"})
    shown_again(site, response)


@sqlite_only
def test_the_form_of_another_session_gives_no_code(site: Site) -> None:
    client = site.register()
    page = Page(site.ask(client))
    for visited in (False, True):
        other = another_browser(site)
        if visited:
            other.get("/oauth/authorize", query_string=query(client))
        data = {"decision": "allow", "scope": READ, "form_token": page.hidden("form_token")}
        shown_again(site, other.post(page.action, data=data))


def test_who_signed_in_as_somebody_else_meanwhile_is_shown_the_page_as_that_user(site: Site) -> None:
    client = site.register()
    page = Page(site.ask(client))
    assert "Alice" in page.text
    site.person = "bob"
    again = shown_again(site, site.send(page))
    assert "Bob" in again.text
    code = answer(location(site.send(again)))["code"]
    assert site.me(granted(site.redeem(client, code))["access_token"])["subject"] == "bob"
    site.person = "alice"
    assert list(Page(site.ask(client)).boxes) == [READ, WRITE]  # alice granted nothing


@sqlite_only
@pytest.mark.parametrize(
    "change", [{"scope": READ}, {"state": "other"}, {"redirect_uri": "https://app.example/cb2"}, {"code_challenge": "b" * 43}]
)  # fmt: skip
def test_the_form_of_another_request_gives_no_code(site: Site, change: dict[str, str]) -> None:
    client = site.register(redirect_uris=["https://app.example/cb", "https://app.example/cb2"])
    page = Page(site.ask(client))
    page.action = Page(site.ask(client, **change)).action
    shown_again(site, site.send(page))
    page.action = Page(site.ask(site.register())).action  # nor another client's
    shown_again(site, site.send(page))


@sqlite_only
def test_the_form_of_another_page_gives_no_code(site: Site) -> None:
    client = site.register()
    page = Page(site.ask(client))
    token = Page(site.browser.get("/oauth/device")).hidden("form_token")
    page.fields = [("form_token", token)]
    shown_again(site, site.send(page))


@sqlite_only
def test_a_page_that_stood_open_for_more_than_an_hour_is_shown_again_and_then_works(site: Site, clock: Clock) -> None:
    client = site.register()
    page, other = Page(site.ask(client, state="one")), Page(site.ask(client, state="two"))
    clock.advance(3590)
    assert answer(location(site.send(page)))["state"] == "one"
    clock.advance(20)
    site.gateway.clients.update(client.client_id, client_name="Renamed")
    again = shown_again(site, site.send(other))
    assert answer(location(site.send(again)))["state"] == "two"


def test_two_tabs_each_get_an_answer_to_their_own_request(site: Site) -> None:
    client = site.register()
    one, two = (Page(site.ask(client, state=state)) for state in ("one", "two"))
    for page, state in ((one, "one"), (two, "two")):
        found = answer(location(site.send(page)))
        assert found["state"] == state
        assert granted(site.redeem(client, found["code"]))["scope"] == BOTH


def test_what_was_unticked_in_this_tab_is_not_granted_whatever_the_other_tab_granted(site: Site) -> None:
    client = site.register()
    one, two = (Page(site.ask(client, state=state)) for state in ("one", "two"))
    location(site.send(one, BOTH))
    found = answer(location(site.send(two, READ)))
    assert granted(site.redeem(client, found["code"]))["scope"] == READ
    assert list(Page(site.ask(client)).boxes) == [WRITE]  # the last word counts


def test_a_double_click_gets_two_answers_of_which_either_is_good(site: Site) -> None:
    client = site.register()
    page = Page(site.ask(client))
    first, second = (answer(location(site.send(page))) for _ in range(2))
    assert first["state"] == second["state"] == "xyz"
    assert granted(site.redeem(client, second["code"]))["scope"] == BOTH
    assert granted(site.redeem(client, first["code"]))["scope"] == BOTH


@sqlite_only
def test_refusing_after_having_approved_in_another_tab_is_a_refusal(site: Site) -> None:
    client = site.register()
    one, two = (Page(site.ask(client)) for _ in range(2))
    assert "code" in answer(location(site.send(one)))
    assert answer(location(site.send(two, decision="deny")))["error"] == "access_denied"


@sqlite_only
def test_a_client_that_was_changed_while_the_page_stood_open_gets_what_it_may_have_now(site: Site) -> None:
    client = site.register()
    page = Page(site.ask(client))
    site.gateway.clients.update(client.client_id, scope=READ)
    code = answer(location(site.send(page)))["code"]
    assert granted(site.redeem(client, code))["scope"] == READ
    page = Page(site.ask(client, prompt="consent", scope=READ))
    site.gateway.clients.update(client.client_id, grant_types=["client_credentials"])
    assert answer(location(site.send(page)))["error"] == "unauthorized_client"


@sqlite_only
@pytest.mark.parametrize("decision", ["", "ALLOW", "yes", "1", "deny"])
def test_only_allow_allows(site: Site, decision: str) -> None:
    page = Page(site.ask(site.register()))
    assert answer(location(site.send(page, decision=decision)))["error"] == "access_denied"

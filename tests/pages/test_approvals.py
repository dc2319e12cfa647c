"""`/oauth/applications`: what a user has granted, and taking it back."""

import time
from typing import Any
from urllib.parse import quote

import pytest

from flask_oauth_gateway.pages.rendering import date
from flask_oauth_gateway.signals import authorization_denied, token_revoked
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import recorded, refusal
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.device import decide, poll, start
from tests.support.listed import for_each
from tests.support.site import (
    BOTH,
    READ,
    WRITE,
    MakeSite,
    Page,
    Site,
    another_browser,
    answer,
    assert_page_headers,
    granted,
    location,
    split,
)

DAY = 86400


def applications(site: Site) -> Page:
    response = site.browser.get("/oauth/applications")
    assert response.status_code == 200
    assert_page_headers(response)
    return Page(response)


def take_back(site: Site, client: Any) -> Any:
    """Press the button of a client on the page."""
    page = applications(site)
    assert ("client_id", client.client_id) in page.fields
    assert set(page.actions) == {"/oauth/applications/revoke"}
    return press(site, client.client_id, form_token=page.hidden("form_token"))


def press(site: Site, client_id: str, **data: str) -> Any:
    return site.browser.post("/oauth/applications/revoke", data={"client_id": client_id, **data})


def today(site: Site) -> str:
    with site.app.test_request_context():
        return date(int(time.time()))


@every_database
def test_a_user_sees_what_was_granted_to_whom_and_takes_it_back(site: Site) -> None:
    client, other = site.register(client_name="Weather app"), site.register(client_name="Diary")
    tokens, kept = site.tokens(client), site.tokens(other)
    refreshed = granted(site.refresh(client, tokens["refresh_token"]))
    site.person = "bob"
    bobs = site.tokens(client)
    site.person = "alice"
    unused_code = site.code(client)
    page = applications(site)
    for told in ("Weather app", "Diary", "Read the weather", "Change the weather", "Alice", today(site)):
        assert told in page.text
    with recorded(token_revoked, site.app) as revoked, recorded(authorization_denied, site.app) as denied:
        response = take_back(site, client)
    assert (response.status_code, response.headers["Location"]) == (303, "/oauth/applications")
    assert denied == [{"client_id": client.client_id, "subject": "alice", "reason": "withdrawn"}]
    assert [(said["client_id"], said["subject"], said["by"]) for said in revoked] == [
        (client.client_id, "alice", "the user")
    ]
    for token in (tokens["access_token"], refreshed["access_token"]):
        assert not site.is_live(token)
    refusal(site.refresh(client, refreshed["refresh_token"]), 400, "invalid_grant")
    refusal(site.redeem(client, unused_code), 400, "invalid_grant")  # handed out before, and not redeemed in time
    for token in (kept["access_token"], bobs["access_token"]):
        assert site.is_live(token)
    granted(site.refresh(client, bobs["refresh_token"]))
    page = applications(site)
    assert "Weather app" not in page.text
    assert "Diary" in page.text
    assert list(Page(site.ask(client)).boxes) == [READ, WRITE]  # asked again
    assert "code" in answer(location(site.ask(other)))


def test_whoever_has_granted_nothing_sees_nothing(site: Site) -> None:
    site.tokens(site.register(client_name="Weather app"))
    site.person = "bob"
    page = applications(site)
    assert not page.actions
    assert "Weather app" not in page.text


def test_since_when_and_when_it_was_last_used(site: Site, clock: Clock) -> None:
    client = site.register()
    before = today(site)
    tokens = site.tokens(client)
    clock.advance(3 * DAY)
    granted(site.refresh(client, tokens["refresh_token"]))
    used = today(site)
    clock.advance(2 * DAY)
    text = applications(site).text
    assert before in text
    assert used in text


def test_every_flow_that_a_user_takes_part_in_is_listed(site: Site) -> None:
    site.gateway.check_password(lambda username, _: site.people.get(username))
    grants = ["password", "device_code", "refresh_token"]
    client = site.register(grant_types=grants, redirect_uris=[], client_name="Old app")
    granted(site.token(client, "password", username="alice", password="x", scope=READ))
    assert "Old app" in applications(site).text
    take_back(site, client)
    assert "Old app" not in applications(site).text
    codes = start(site, client)
    decide(site, codes["user_code"])
    tokens = granted(poll(site, client, codes["device_code"]))
    take_back(site, client)
    assert not site.is_live(tokens["access_token"])
    spa = site.register_public(grant_types=["implicit"], client_name="Browser app")
    token = answer(site.approve(spa, response_type="token"), part="fragment")["access_token"]
    take_back(site, spa)
    assert not site.is_live(token)


def test_an_approval_whose_tokens_have_all_expired_is_listed_as_long_as_it_isn_t_asked_again(
    site: Site, clock: Clock
) -> None:
    client = site.register(client_name="Weather app", grant_types=["authorization_code"])
    site.tokens(client)
    clock.advance(DAY)
    assert "Weather app" in applications(site).text
    take_back(site, client)
    assert "Weather app" not in applications(site).text


@pytest.mark.parametrize("token", [None, "", "x", "another session's", "another user's", "stale"])
def test_nothing_is_taken_back_by_a_form_that_the_page_did_not_show(
    site: Site, token: str | None, clock: Clock
) -> None:
    client = site.register()
    tokens = site.tokens(client)
    data = {} if token is None else {"form_token": token}
    if token == "another user's":
        site.person = "bob"
    if token in ("another session's", "another user's", "stale"):
        browser = another_browser(site) if token == "another session's" else site.browser
        data = {"form_token": Page(browser.get("/oauth/device")).hidden("form_token")}
        site.person = "alice"
        applications(site)
        if browser is not site.browser or token == "stale":
            page = Page(browser.get("/oauth/applications"))
            data = {"form_token": page.hidden("form_token")}
        clock.advance(3601 if token == "stale" else 0)
        tokens = site.tokens(client) if token == "stale" else tokens
    for response in (press(site, client.client_id, **data), site.browser.post(older_path(client), data=data)):
        assert response.status_code == 400
        assert 'role="alert"' in response.text
    assert site.is_live(tokens["access_token"])


def test_whatever_a_receiver_of_the_signal_does_the_client_must_ask_again(site: Site) -> None:
    client = site.register()
    tokens = site.tokens(client)

    def fail(sender: object, **payload: object) -> None:
        raise RuntimeError("the mail server is away")

    with token_revoked.connected_to(fail, site.app), pytest.raises(RuntimeError):
        take_back(site, client)
    assert not site.is_live(tokens["access_token"])
    assert answer(location(site.ask(client, prompt="none")))["error"] == "consent_required"


def test_twice_or_for_nobody_it_says_nothing_more(site: Site) -> None:
    client = site.register()
    site.tokens(client)
    page = applications(site)
    with recorded(authorization_denied, site.app) as said:
        for client_id in (client.client_id, client.client_id, "nobody", "", site.register().client_id):
            assert press(site, client_id, form_token=page.hidden("form_token")).status_code == 303
        assert (
            site.browser.post("/oauth/applications/revoke", data={"form_token": page.hidden("form_token")}).status_code
            == 303
        )
    assert len(said) == 1


ODD = [
    "https://client.example/metadata?a=b&c", 'a b/"<b>', "a//evil.example/", "..", "x#y", "a%2Fb", "a/../b", "/lead", "/./",
    "//", "x/revoke", "revoke", "a;b", " sp ",
]  # fmt: skip


def test_a_client_id_may_be_an_address_or_anything_else(site: Site) -> None:
    bystander = site.register(client_id="b", client_name="Its path is a part of the other's")
    others = site.tokens(bystander)

    def is_taken_back(client_id: str) -> None:
        client = site.register(client_id=client_id, client_name="Odd")
        tokens = site.tokens(client)
        response = take_back(site, client)
        assert (response.status_code, response.headers["Location"]) == (303, "/oauth/applications")
        assert not site.is_live(tokens["access_token"])
        assert site.is_live(others["access_token"])
        assert "Odd" not in applications(site).text

    for_each({client_id: (client_id,) for client_id in ODD}, is_taken_back)


def older_path(client: Client) -> str:
    return f"/oauth/applications/{quote(client.client_id, safe='/:')}/revoke"


@pytest.mark.parametrize("client_id", ["plain", "https://client.example/metadata?a=b&c", "a//evil.example/"])
def test_a_page_of_the_app_s_own_may_still_name_the_client_in_the_path(site: Site, client_id: str) -> None:
    client = site.register(client_id=client_id)
    tokens = site.tokens(client)
    data = {"form_token": applications(site).hidden("form_token")}
    response = site.browser.post(older_path(client), data=data)
    assert (response.status_code, response.headers["Location"]) == (303, "/oauth/applications")
    assert not site.is_live(tokens["access_token"])


def test_nobody_is_signed_in_and_comes_back_to_the_list(make_site: MakeSite) -> None:
    site = make_site(OAUTH_LOGIN_URL="/login")
    site.person = None
    for response in (site.browser.get("/oauth/applications"), press(site, "x")):
        assert split(response.headers["Location"]) == ("/login", {"next": "/oauth/applications"})
    app = site.browser.get("/oauth/applications", environ_overrides={"SCRIPT_NAME": "/app"})
    assert split(app.headers["Location"])[1] == {"next": "/app/oauth/applications"}


def test_a_deleted_client_is_gone_and_a_disabled_one_can_still_be_taken_back(site: Site) -> None:
    gone, disabled = site.register(client_name="Gone"), site.register(client_name="Disabled")
    tokens = [site.tokens(client) for client in (gone, disabled)]
    site.gateway.clients.delete(gone.client_id)
    site.gateway.clients.update(disabled.client_id, enabled=False)
    text = applications(site).text
    assert "Gone" not in text
    assert "Disabled" in text
    take_back(site, disabled)
    site.gateway.clients.update(disabled.client_id, enabled=True)
    assert not site.is_live(tokens[1]["access_token"])


def test_what_was_unticked_is_not_listed(site: Site) -> None:
    client = site.register()
    site.tokens(client, READ)
    text = applications(site).text
    assert "Read the weather" in text
    assert "Change the weather" not in text
    assert granted(site.redeem(client, site.code(client)))["scope"] == BOTH
    assert "Change the weather" in applications(site).text

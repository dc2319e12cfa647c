"""`GET, POST /oauth/device`: the user types the code, sees who asks for what, and answers."""

from typing import Any

import pytest

from flask_oauth_gateway.signals import authorization_denied, authorization_granted
from tests.support.app import recorded, refusal
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.device import confirm, decide, poll, register, start
from tests.support.site import (
    BOTH,
    DEVICE_CODE,
    READ,
    WRITE,
    MakeSite,
    Page,
    Site,
    another_browser,
    assert_page_headers,
    granted,
    split,
)


def type_in(site: Site, user_code: str, browser: Any = None) -> Any:
    """Open the page, type a code, and go on."""
    browser = browser or site.browser
    page = Page(browser.get("/oauth/device"))
    return browser.post(page.action, data={"form_token": page.hidden("form_token"), "user_code": user_code})


def not_known(response: Any) -> None:
    assert response.status_code == 400, response.text
    assert 'role="alert"' in response.text
    assert not Page(response).boxes


def test_the_page_shows_who_asks_for_what_and_the_code_again(site: Site) -> None:
    client = register(site)
    codes = start(site, client)
    page = confirm(site, codes["user_code"])
    for told in ("Set-top box", "Read the weather", "Change the weather", codes["user_code"], "Alice"):
        assert told in page.text
    with recorded(authorization_granted, site.app) as said:
        response = site.send(page)
    assert_page_headers(response)
    about = {"client_id": client.client_id, "subject": "alice", "scopes": tuple(BOTH.split())}
    assert said == [about | {"asked": True, "detail_types": ()}]
    granted(poll(site, client, codes["device_code"]))


@pytest.mark.parametrize("write", [
    str.lower, str.title, lambda code: code.replace("-", ""), lambda code: code.replace("-", " "),
    lambda code: f"  {code.lower()} ", "-".join, lambda code: code.replace("-", "\u2013"),
])  # fmt: skip
def test_a_code_may_be_typed_as_one_likes(site: Site, write: Any) -> None:
    codes = start(site, register(site))
    assert codes["user_code"] in confirm(site, write(codes["user_code"])).text


def test_the_complete_address_fills_the_code_in_and_still_asks(site: Site) -> None:
    client = register(site)
    codes = start(site, client)
    _, parameters = split(codes["verification_uri_complete"])
    response = site.browser.get("/oauth/device", query_string=parameters)
    assert codes["user_code"] in response.text
    assert "Set-top box" not in response.text  # whoever sent the link can't make it look trusted
    refusal(poll(site, client, codes["device_code"]), 400, "authorization_pending")


@pytest.mark.parametrize("typed", ["", "x", "BCDF-GHJK", "é", "0" * 5000, "<script>alert(1)</script>", '"><b>'])
def test_a_code_that_is_none_is_said_to_be_none(site: Site, typed: str) -> None:
    not_known(type_in(site, typed))
    assert "<script>alert" not in type_in(site, typed).text
    assert "<script>alert" not in site.browser.get("/oauth/device", query_string={"user_code": typed}).text
    assert '"><b>' not in site.browser.get("/oauth/device", query_string={"user_code": typed}).text


@every_database
def test_who_types_the_code_first_is_the_only_one_who_may_go_on_with_it(site: Site) -> None:
    client = register(site)
    codes = start(site, client)
    page = confirm(site, codes["user_code"])
    site.person = "bob"
    not_known(type_in(site, codes["user_code"]))
    not_known(site.send(page))  # alice's form in bob's hands
    refusal(poll(site, client, codes["device_code"]), 400, "authorization_pending")
    site.person = "alice"
    decide(site, codes["user_code"])
    tokens = granted(poll(site, client, codes["device_code"]))
    assert site.me(tokens["access_token"])["subject"] == "alice"


@every_database
def test_a_double_click_says_the_same_twice(site: Site) -> None:
    client = register(site)
    for decision, word in (("allow", "Device connected"), ("deny", "Device refused")):
        codes = start(site, client)
        page = confirm(site, codes["user_code"])
        with recorded(authorization_granted, site.app) as said, recorded(authorization_denied, site.app) as refused:
            for _ in range(2):
                response = site.send(page, decision=decision)
                assert response.status_code == 200
                assert word in response.text
        assert (len(said), len(refused)) == ((1, 0) if decision == "allow" else (0, 1))
    not_known(type_in(site, codes["user_code"]))  # and it can't be answered anew


def test_the_first_answer_stands(site: Site) -> None:
    client = register(site)
    codes = start(site, client)
    one, two = (confirm(site, codes["user_code"]) for _ in range(2))
    site.send(one, READ)
    assert "Device connected" in site.send(two, decision="deny").text
    assert granted(poll(site, client, codes["device_code"]))["scope"] == READ


def test_a_required_scope_can_t_be_unticked(make_site: MakeSite) -> None:
    site = make_site(OAUTH_REQUIRED_SCOPES=[READ])
    client = register(site)
    codes = start(site, client)
    assert confirm(site, codes["user_code"]).boxes == {READ: False, WRITE: True}
    decide(site, codes["user_code"], "")
    assert granted(poll(site, client, codes["device_code"]))["scope"] == READ


def test_each_form_is_taken_from_its_own_page_session_and_user_alone(site: Site, clock: Clock) -> None:
    client = register(site)
    codes, others = start(site, client), start(site, client)
    typed = Page(site.browser.get("/oauth/device"))
    page = confirm(site, codes["user_code"])
    good = {"user_code": codes["user_code"], "decision": "allow", "scope": READ}
    for wrong in (
        {},
        {"form_token": "x"},
        {"form_token": typed.hidden("form_token")},  # the page before
        {"form_token": confirm(site, others["user_code"]).hidden("form_token")},  # another code's
    ):
        not_known(site.browser.post("/oauth/device", data=good | wrong))
    token = {"form_token": page.hidden("form_token")}
    not_known(another_browser(site).post("/oauth/device", data=good | token))
    not_known(site.browser.post("/oauth/device", data={"user_code": codes["user_code"]}))
    refusal(poll(site, client, codes["device_code"]), 400, "authorization_pending")
    assert "Device connected" in site.browser.post("/oauth/device", data=good | token).text


def test_nobody_is_signed_in_and_the_way_leads_through_the_login_back_with_the_code(make_site: MakeSite) -> None:
    site = make_site(OAUTH_LOGIN_URL="/login")
    codes = start(site, register(site))
    page = confirm(site, codes["user_code"])
    site.person = None
    for response in (
        site.browser.get("/oauth/device", query_string={"user_code": codes["user_code"]}),
        site.send(page),  # the session ended meanwhile
    ):
        path, parameters = split(response.headers["Location"])
        assert path == "/login"
        assert parameters["next"] == f"/oauth/device?user_code={codes['user_code']}"
    assert split(site.browser.get("/oauth/device").headers["Location"])[1] == {"next": "/oauth/device"}
    site.person = "alice"
    assert codes["user_code"] in site.browser.get(parameters["next"]).text


def test_guessing_is_limited_by_user_and_by_address(make_site: MakeSite, clock: Clock) -> None:
    site = make_site(OAUTH_RATE_LIMITS={"device_codes": "3/minute"})
    codes = start(site, register(site))
    for _ in range(3):
        not_known(type_in(site, "BCDF-GHJK"))
    response = type_in(site, codes["user_code"])  # not even the right one
    assert response.status_code == 429
    assert response.mimetype == "text/html"
    site.person = "bob"
    assert type_in(site, codes["user_code"]).status_code == 429  # the same address
    clock.advance(int(response.headers["Retry-After"]))
    assert codes["user_code"] in confirm(site, codes["user_code"]).text
    free = make_site(OAUTH_RATE_LIMITS=None)
    for _ in range(20):
        not_known(type_in(free, "BCDF-GHJK"))


def test_a_code_of_a_client_that_was_disabled_or_deleted_is_none(site: Site) -> None:
    for end in (lambda c: site.gateway.clients.update(c, enabled=False), site.gateway.clients.delete):
        client = register(site)
        codes = start(site, client)
        page = confirm(site, codes["user_code"])
        end(client.client_id)
        not_known(type_in(site, codes["user_code"]))
        not_known(site.send(page))


def test_a_code_that_expired_is_none(site: Site, clock: Clock) -> None:
    codes = start(site, register(site))
    page = confirm(site, codes["user_code"])
    clock.advance(601)
    not_known(site.send(page))
    not_known(type_in(site, codes["user_code"]))


def test_the_page_says_how_long_the_code_is_still_good_and_whose_code_not_to_allow(site: Site, clock: Clock) -> None:
    code = start(site, register(site))["user_code"]
    for seconds, said in ((0, "9 more minutes"), (480, "1 more minute."), (60, "less than a minute")):
        clock.advance(seconds)
        page = confirm(site, code)
        assert f"The code is good for {said}" in page.text
        assert "Did somebody send you this code" in page.text


def test_how_the_user_signed_in_is_in_the_token(site: Site) -> None:
    site.gateway.login_details(lambda _: {"acr": "gold"})
    client = register(site, token_endpoint_auth_method="client_secret_basic")
    codes = start(site, client)
    decide(site, codes["user_code"])
    token = granted(site.token(client, DEVICE_CODE, device_code=codes["device_code"]))["access_token"]
    assert site.post(client, "/oauth/introspect", token=token).get_json()["acr"] == "gold"

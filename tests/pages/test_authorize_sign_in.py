"""`/oauth/authorize`: who is signed in, and the way to the app's login and back (`prompt`, `max_age`, `login_hint`)."""

import time
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.clock import Clock
from tests.support.site import READ, MakeSite, Page, Site, answer, error_page, granted, location, query, refused, split


@pytest.fixture
def site(make_site: MakeSite) -> Any:
    """A site whose login page stands at /login: `sign_in` is what it does, after which it goes on to `next`."""
    site = make_site(OAUTH_LOGIN_URL="/login")
    site.signed_in_at = None
    site.gateway.login_details(lambda _: {"auth_time": site.signed_in_at})
    return site


def sign_in(site: Site, response: Any, person: str = "alice") -> Any:
    """Follow a redirect to the login page, sign in there, and come back to where it says."""
    path, parameters = split(response.headers["Location"])
    assert (response.status_code, path) == (302, "/login")
    assert set(parameters) == {"next"}
    assert parameters["next"].startswith("/oauth/authorize?")
    site.person, site.signed_in_at = person, int(time.time())
    return site.browser.get(parameters["next"])


def test_nobody_is_signed_in_and_the_way_leads_through_the_login_back_to_the_same_request(site: Site) -> None:
    client = site.register()
    site.person = None
    state = "a b&c=ü#?+%"
    back = sign_in(site, site.ask(client, state=state, scope=READ))
    found = answer(location(site.send(Page(back))))
    assert found["state"] == state
    assert granted(site.redeem(client, found["code"]))["scope"] == READ


def test_a_request_that_came_as_a_form_survives_the_login_too(site: Site) -> None:
    client = site.register()
    site.person = None
    back = sign_in(site, site.browser.post("/oauth/authorize", data=query(client)))
    assert answer(location(site.send(Page(back))))["state"] == "xyz"


def test_a_session_that_ended_while_the_page_was_open_loses_nothing(site: Site) -> None:
    client = site.register()
    page = Page(site.ask(client, state="kept"))
    site.person = None
    back = sign_in(site, site.send(page))
    assert answer(location(site.send(Page(back))))["state"] == "kept"


def test_the_login_may_be_an_endpoint_or_an_address_with_a_query(make_site: MakeSite) -> None:
    site = make_site(OAUTH_LOGIN_URL="sign_in")
    site.app.add_url_rule("/people/sign-in", "sign_in", lambda: "")
    for url, path, more in (
        ("sign_in", "/people/sign-in", {}),
        ("/login?lang=de", "/login", {"lang": "de"}),
        ("https://sso.example/login", "/login", {}),
    ):
        other = site if url == "sign_in" else make_site(OAUTH_LOGIN_URL=url)
        client = other.register()
        other.person = None
        where = other.ask(client).headers["Location"]
        assert where.startswith("https://sso.example/") == url.startswith("https")
        assert split(where) == (path, {**more, "next": f"/oauth/authorize?{urlencode(query(client))}"})


def test_an_app_under_a_path_of_its_own_is_come_back_to_there(site: Site) -> None:
    client = site.register()
    site.person = None
    response = site.browser.get(
        "/oauth/authorize", query_string=query(client), environ_overrides={"SCRIPT_NAME": "/app"}
    )
    assert split(response.headers["Location"])[1]["next"].startswith("/app/oauth/authorize?")


@pytest.mark.parametrize("url", [None, "no_such_endpoint"])
def test_without_a_login_page_the_user_sees_a_page_and_the_owner_a_line_in_the_log(
    make_site: MakeSite, url: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    site = make_site(OAUTH_LOGIN_URL=url)
    site.person = None
    error_page(site.ask(site.register()), "server_error", 503)
    assert "OAUTH_LOGIN_URL" in caplog.text


def test_the_app_s_own_login_hook_hears_what_was_asked_for(site: Site) -> None:
    client = site.register()
    site.person = None
    heard = []
    site.gateway.login(lambda wanted: heard.append(wanted) or ("please sign in", 401))
    response = site.ask(
        client, prompt="login consent", login_hint="álice@example.com", max_age="60", acr_values="gold silver"
    )
    assert (response.status_code, response.text) == (401, "please sign in")
    (wanted,) = heard
    assert (wanted.prompt, wanted.login_hint, wanted.max_age) == (("login", "consent"), "álice@example.com", 60)
    assert (wanted.acr_values, wanted.client.client_id) == (("gold", "silver"), client.client_id)
    site.person, site.signed_in_at = "alice", int(time.time())
    assert "code" in answer(location(site.send(Page(site.browser.get(wanted.return_to)))))
    site.person = None
    site.ask(client)
    assert (heard[1].prompt, heard[1].login_hint, heard[1].max_age, heard[1].acr_values) == ((), None, None, ())


def test_nothing_may_be_shown_and_nobody_is_signed_in(site: Site) -> None:
    client = site.register()
    site.person = None
    refused(location(site.ask(client, prompt="none")), "login_required")
    site.person = "alice"
    refused(location(site.ask(client, prompt="none")), "consent_required")
    site.approve(client)
    assert "code" in answer(location(site.ask(client, prompt="none")))
    refused(location(site.ask(client, prompt="none", max_age="10")), "login_required")  # when is not known
    site.signed_in_at = int(time.time()) - 5
    assert "code" in answer(location(site.ask(client, prompt="none", max_age="10")))
    site.signed_in_at -= 10
    refused(location(site.ask(client, prompt="none", max_age="10")), "login_required")


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
@pytest.mark.parametrize("tells", [True, False])
def test_a_fresh_sign_in_is_asked_for_once_and_goes_on_afterwards(site: Site, prompt: str, tells: bool) -> None:
    if not tells:
        site.gateway.login_details(lambda _: {})
    client = site.register()
    site.signed_in_at = int(time.time()) - 100
    site.approve(client)
    back = sign_in(site, site.ask(client, prompt=prompt), "alice")
    where = back if prompt != "login consent" else site.send(Page(back))
    assert "code" in answer(location(where))
    assert sign_in(site, site.ask(client, prompt=prompt)).status_code in (200, 302)  # each request anew


def test_somebody_else_may_sign_in_where_another_account_was_asked_for(site: Site) -> None:
    client = site.register()
    page = site.ask(client)
    assert "prompt=select_account" in page.text
    back = sign_in(site, site.ask(client, prompt="select_account"), "bob")
    assert "Bob" in Page(back).text
    code = answer(location(site.send(Page(back))))["code"]
    assert site.me(granted(site.redeem(client, code))["access_token"])["subject"] == "bob"


@pytest.mark.parametrize("parameters", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "60"}])
def test_who_comes_back_without_having_signed_in_again_is_refused_and_not_sent_in_circles(
    site: Site, parameters: dict[str, str]
) -> None:
    client = site.register()
    site.signed_in_at = int(time.time()) - 3600
    response = site.ask(client, **parameters)
    path, back = split(response.headers["Location"])
    assert path == "/login"
    refused(location(site.browser.get(back["next"])), "login_required")


def test_max_age_0_is_a_fresh_sign_in_however_long_that_takes(site: Site, clock: Clock) -> None:
    client = site.register()
    site.approve(client)
    site.signed_in_at = int(time.time()) - 3600
    response = site.ask(client, max_age="0")
    clock.advance(30)
    path, back = split(response.headers["Location"])
    assert path == "/login"
    site.signed_in_at = int(time.time())
    clock.advance(3)  # until the browser is back
    assert "code" in answer(location(site.browser.get(back["next"])))


def test_max_age_without_any_word_from_the_app_asks_for_one_sign_in(site: Site) -> None:
    site.gateway.login_details(lambda _: None)
    client = site.register()
    site.approve(client)
    assert "code" in answer(location(sign_in(site, site.ask(client, max_age="60"))))


def test_a_recent_sign_in_is_recent_enough(site: Site) -> None:
    client = site.register()
    site.signed_in_at = int(time.time()) - 50
    assert "code" in answer(site.approve(client, max_age="60"))
    site.signed_in_at -= 20
    assert site.ask(client, max_age="60").headers["Location"].startswith("/login?")


def test_the_token_remembers_how_its_user_signed_in(site: Site) -> None:
    at = int(time.time()) - 50
    site.gateway.login_details(lambda _: {"auth_time": at, "acr": "gold", "amr": ["pwd", "otp"], "secret": "x"})
    client = site.register()
    tokens = site.tokens(client)
    for body in (tokens, granted(site.refresh(client, tokens["refresh_token"]))):
        claims = site.post(client, "/oauth/introspect", token=body["access_token"]).get_json()
        assert (claims["auth_time"], claims["acr"], claims["amr"]) == (at, "gold", ["pwd", "otp"])
        assert "secret" not in claims

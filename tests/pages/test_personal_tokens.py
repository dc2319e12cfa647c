"""`/oauth/tokens`: a user makes a token, sees it once, and ends it; nobody else sees or ends it."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert, select

from flask_oauth_gateway.database import tables
from flask_oauth_gateway.signals import token_issued, token_revoked
from tests.support import personal
from tests.support.app import basic, bearer, recorded
from tests.support.clock import Clock
from tests.support.site import BOTH, READ, WRITE, MakeSite, Page, Site, another_browser, assert_page_headers
from tests.support.stored import database_of

DAY = 86400


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    found = make_site(**personal.ON)
    personal.signed_in(found)
    return found


def test_a_user_makes_a_token_sees_it_once_uses_it_and_ends_it(site: Site) -> None:
    with recorded(token_issued, site.app) as issued:
        response = personal.send(site, personal.form_of(site), name="Backup script", scope=[READ, WRITE], expires="7")
    token = personal.shown(response)
    assert_page_headers(response)
    assert "Location" not in response.headers
    assert [(each["grant_type"], each["subject"], each["scopes"]) for each in issued] == [
        ("personal", "alice", (READ, WRITE))
    ]
    assert site.me(token) == {
        "client": "personal-access-tokens",
        "subject": "alice",
        "scope": BOTH,
        "grant_type": "personal",
        "user": "Alice",
    }
    page = personal.listed(site)
    assert "Backup script" in page.text
    assert token not in site.browser.get("/oauth/tokens").text, "nobody sees it again"
    with recorded(token_revoked, site.app) as revoked:
        response = personal.end(site, token_id=page.hidden("token_id"))
    assert (response.status_code, response.headers["Location"]) == (303, "/oauth/tokens")
    assert [(each["client_id"], each["subject"], each["count"], each["by"]) for each in revoked] == [
        ("personal-access-tokens", "alice", 1, "the user")
    ]
    assert not site.is_live(token)
    assert "You have no tokens." in personal.listed(site).text


def test_the_same_form_makes_one_token_however_often_it_is_sent(site: Site) -> None:
    page = personal.form_of(site)
    personal.shown(personal.send(site, page))
    again = personal.send(site, page)
    assert again.status_code == 400
    assert "Each one makes one token." in Page(again).text
    assert len(personal.ids(site)) == 1


def test_all_of_them_end_by_one_button(site: Site) -> None:
    tokens = [personal.make(site) for _ in range(3)]
    bobs = personal.make(site, "bob")
    site.person = "alice"
    personal.end(site, all="yes")
    assert [site.is_live(token) for token in (*tokens, bobs)] == [False, False, False, True]


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "Give the token a name"),
    ({"name": " \u202e\u200b "}, "Give the token a name"),
    ({"name": "n" * 101}, "Give the token a name"),
    ({"scope": []}, "Choose what the token may do"),
    ({"scope": [READ, "oauth:admin"]}, "may not have all that was chosen"),
    ({"scope": [READ, "openid"]}, "may not have all that was chosen"),
    ({"scope": [READ, "offline_access"]}, "may not have all that was chosen"),
    ({"scope": ["nothing:known"]}, "Choose what the token may do"),
    ({"expires": ""}, "Choose how long"),
    ({"expires": "never"}, "Choose how long"),
    ({"expires": "365"}, "Choose how long"),
    ({"expires": "longest"}, "Choose how long"),
    ({"expires": "custom", "days": ""}, "from 1 to 365 days"),
    ({"expires": "custom", "days": "0"}, "from 1 to 365 days"),
    ({"expires": "custom", "days": "366"}, "from 1 to 365 days"),
    ({"expires": "custom", "days": "-1"}, "from 1 to 365 days"),
    ({"expires": "custom", "days": "1e2"}, "from 1 to 365 days"),
    ({"expires": "custom", "days": "\u0663"}, "from 1 to 365 days"),
    ({"expires": "custom", "days": "9" * 5000}, "from 1 to 365 days"),
]


def test_a_mistake_is_said_on_the_form_which_keeps_what_was_chosen(make_site: MakeSite) -> None:
    site = make_site(**personal.ON, OAUTH_OIDC=True, OAUTH_ADMIN=True)
    site.gateway.is_admin(lambda _: True)  # whom that gives no more
    personal.signed_in(site)
    page = personal.form_of(site)
    assert set(page.boxes) == {READ, WRITE}
    for sent, said in MISTAKES:
        response = personal.send(site, page, **sent)
        page = Page(response)
        assert response.status_code == 400
        assert said in page.text, sent
        if "scope" not in sent:
            assert f'value="{READ}" checked' in response.text
    personal.shown(personal.send(site, page, expires="custom", days="365"))
    assert len(personal.ids(site)) == 1


def test_it_lives_as_long_as_was_chosen_and_never_longer_than_the_app_says(make_site: MakeSite, clock: Clock) -> None:
    site = make_site(**personal.ON, OAUTH_PERSONAL_TOKEN_MAX_LIFETIME=8 * DAY)
    week, most = personal.make(site, expires="7"), personal.make(site, expires="custom", days="8")
    clock.advance(7 * DAY - 60)
    assert [site.is_live(token) for token in (week, most)] == [True, True]
    clock.advance(120)
    assert [site.is_live(token) for token in (week, most)] == [False, True]
    personal.signed_in(site)
    assert len(personal.ids(site)) == 1, "the one that has ended is gone from the list"
    clock.advance(DAY)
    assert not site.is_live(most)


def test_where_the_longest_is_less_than_a_day_that_is_the_one_choice(make_site: MakeSite) -> None:
    site = make_site(**personal.ON, OAUTH_PERSONAL_TOKEN_MAX_LIFETIME=3600)
    assert site.is_live(personal.make(site, expires="longest"))


def test_only_who_has_just_signed_in_makes_one(site: Site) -> None:
    site.gateway.login(lambda wanted: (f"to {wanted.return_to}", 200, {"X-Back": wanted.return_to}))
    page = personal.form_of(site)
    personal.signed_in(site, 3600)
    stale = personal.send(site, page)
    assert (stale.status_code, stale.headers["Location"]) == (303, "/oauth/tokens/new"), (
        "it has become too old meanwhile"
    )
    sent_away = site.browser.get("/oauth/tokens/new")
    assert sent_away.headers["X-Back"] == "/oauth/tokens/new?oauth_relogin=1"
    unchanged = site.browser.get(sent_away.headers["X-Back"])
    assert "Sign in again to make a token." in Page(unchanged).text
    personal.signed_in(site)
    assert personal.shown(personal.send(site, personal.form_of(site)))


def test_where_the_app_tells_no_time_each_token_takes_a_sign_in(make_site: MakeSite) -> None:
    site = make_site(**personal.ON)
    site.gateway.login(lambda wanted: ("", 200, {"X-Back": wanted.return_to}))
    for _ in range(2):
        back = site.browser.get("/oauth/tokens/new").headers["X-Back"]
        page = Page(site.browser.get(back))
        assert personal.shown(personal.send(site, page))
        assert personal.send(site, page).status_code == 400
    assert "X-Back" in site.browser.get(back).headers, "the address alone is no sign-in"


def test_nobody_who_is_not_signed_in_gets_past_the_sign_in(site: Site) -> None:
    site.gateway.login(lambda wanted: ("", 200, {"X-Back": wanted.return_to}))
    personal.make(site)
    page, listed = personal.form_of(site), personal.listed(site)
    site.person = None
    for method, path, data in (
        ("GET", "/oauth/tokens", {}),
        ("GET", "/oauth/tokens/new", {}),
        (
            "POST",
            "/oauth/tokens",
            {"form_token": page.hidden("form_token"), "name": "x", "scope": READ, "expires": "7"},
        ),
        ("POST", "/oauth/tokens/revoke", {"form_token": listed.hidden("form_token"), "all": "yes"}),
    ):
        assert "X-Back" in site.browser.open(path, method=method, data=data).headers, path


@pytest.fixture
def two(site: Site) -> Iterator[tuple[Site, str]]:
    """Alice's token, and Bob in a browser of his own."""
    token = personal.make(site)
    yield site, token
    assert site.is_live(token)


def test_nobody_sees_or_ends_another_s_token(two: tuple[Site, str]) -> None:
    site, _ = two
    of_alice = personal.ids(site)
    alices_forms = personal.form_of(site), personal.listed(site)
    browser = another_browser(site)
    site.person = "bob"
    assert "You have no tokens." in Page(browser.get("/oauth/tokens")).text
    personal.shown(personal.send(site, personal.form_of(site, browser), browser, name="Bob's"))
    ending = Page(browser.get("/oauth/tokens")).hidden("form_token")
    for sent in ({"token_id": of_alice[0]}, {"token_id": of_alice[0], "subject": "alice"}, {"all": "yes"}):
        browser.post("/oauth/tokens/revoke", data={"form_token": ending, **sent})
    # nor with a form that Alice was shown, in her browser or his
    for each, at in ((browser, "bob"), (site.browser, "bob")):
        site.person = at
        for form in alices_forms:
            data = {"form_token": form.hidden("form_token"), "token_id": of_alice[0], "name": "x", "expires": "7"}
            for path in ("/oauth/tokens", "/oauth/tokens/revoke"):
                assert each.post(path, data={**data, "scope": READ}).status_code == 400
    assert personal.ids(site) == []
    # an application that may act for her neither sees nor ends it
    client = site.register(grant_types=["client_credentials"])
    headers = basic(client.client_id, client.client_secret)
    form = {"token": "x", "token_id": of_alice[0], "client_id": "personal-access-tokens"}
    assert another_browser(site).post("/oauth/revoke", data=form, headers=headers).status_code in (200, 400, 401)
    site.person = "alice"


def test_neither_client_can_be_the_one_of_these_tokens(two: tuple[Site, str]) -> None:
    site, token = two
    for data in (
        {"grant_type": "client_credentials"},
        {"grant_type": "refresh_token", "refresh_token": token},
        {"grant_type": "authorization_code", "code": token},
        {"grant_type": "password", "username": "alice", "password": "x"},
    ):
        response = another_browser(site).post("/oauth/token", data={"client_id": "personal-access-tokens", **data})
        assert response.status_code == 401, response.text
    for path in ("/oauth/revoke", "/oauth/introspect"):
        response = another_browser(site).post(path, data={"client_id": "personal-access-tokens", "token": token})
        assert response.status_code == 401
    asked = another_browser(site).get("/oauth/authorize?response_type=code&client_id=personal-access-tokens")
    assert asked.status_code == 400


def test_a_form_of_another_site_does_nothing(two: tuple[Site, str]) -> None:
    site, _ = two
    (token_id,) = personal.ids(site)
    for sent in (
        {},
        {"form_token": ""},
        {"form_token": "x.y"},
        {"form_token": personal.form_of(site).hidden("form_token")},
    ):
        response = site.browser.post("/oauth/tokens/revoke", data={"token_id": token_id, **sent})
        assert response.status_code == 400
    for sent in ({}, {"form_token": personal.listed(site).hidden("form_token")}):
        assert (
            site.browser.post("/oauth/tokens", data={"name": "x", "scope": READ, "expires": "7", **sent}).status_code
            == 400
        )
    assert personal.ids(site) == [token_id]


def test_an_id_that_is_none_ends_nothing(two: tuple[Site, str]) -> None:
    site, _ = two
    for odd in ("", "x", "0" * 32, "ff", "\u0663" * 32, "0" * 5000):
        assert personal.end(site, token_id=odd).status_code == 303


def test_a_name_is_text_whatever_it_holds(site: Site) -> None:
    personal.make(site, name="<b>x</b> {{ 7*7 }} \u202e evil")
    text = site.browser.get("/oauth/tokens").text
    assert "&lt;b&gt;x&lt;/b&gt; {{ 7*7 }} evil" in text


def test_the_resource_is_chosen_where_there_are_several(make_site: MakeSite) -> None:
    resources = {
        "/": "https://api.example",
        "/notes": {"identifier": "urn:notes", "name": "Your notes", "scopes": [READ]},
        "/jwts": {"identifier": "urn:jwts", "access_token_format": "jwt"},
        "/short": {"identifier": "urn:short", "access_token_lifetime": 60},
    }
    site = make_site(**personal.ON, OAUTH_RESOURCES=resources)
    personal.signed_in(site)
    response = site.browser.get("/oauth/tokens/new")
    for identifier, is_there in (("https://api.example", 1), ("urn:notes", 1), ("urn:jwts", 0), ("urn:short", 0)):
        assert response.text.count(f'value="{identifier}"') == is_there
    page = Page(response)
    for resource, scopes, said in (
        ("", [READ], "Choose for which resource"),
        ("urn:jwts", [READ], "Choose for which resource"),
        ("urn:notes", [READ, WRITE], f"For this resource no token may have: {WRITE}."),
        ("urn:notes", [WRITE], f"For this resource no token may have: {WRITE}."),
    ):
        refused = personal.send(site, page, resource=resource, scope=scopes)
        assert said in Page(refused).text
        page = Page(refused)
    token = personal.shown(personal.send(site, page, resource="urn:notes"))
    assert site.me(token) is None, "it isn't good at the other one"
    other = personal.make(site, resource="https://api.example", scope=[READ, WRITE])
    assert site.is_live(other)
    assert "For Your notes" in personal.listed(site).text


def test_a_user_has_a_hundred_at_most(site: Site) -> None:
    token = personal.make(site)
    page = personal.form_of(site)
    table = tables.personal_token
    with database_of(site.app).transaction() as connection:
        row = connection.execute(select(table)).mappings().one()
        connection.execute(insert(table), [{**row, "token_id": number.to_bytes(16)} for number in range(99)])
    refused = personal.send(site, page)
    assert refused.status_code == 400
    assert "You have 100 tokens" in Page(refused).text
    assert personal.make(site, "bob")
    site.gateway.tokens.revoke(token=token)
    assert personal.make(site)


def test_a_user_makes_so_many_an_hour(make_site: MakeSite) -> None:
    site = make_site(**personal.ON, OAUTH_RATE_LIMITS={"personal_tokens": "2/hour"})
    for _ in range(2):
        personal.make(site)
    refused = personal.send(site, personal.form_of(site))
    assert refused.status_code == 429
    assert_page_headers(refused)
    assert len(personal.ids(site)) == 2
    assert personal.make(site, "bob")


def test_where_they_are_off_there_is_no_page(make_site: MakeSite) -> None:
    site = make_site()
    for path in ("/oauth/tokens", "/oauth/tokens/new", "/oauth/tokens/revoke", "/oauth/tokens/leaked"):
        assert site.browser.post(path).status_code == 404
    assert site.me("pat_" + "x" * 57) is None
    assert site.app.test_client().get("/me", headers=bearer("pat_" + "0" * 57)).status_code == 401

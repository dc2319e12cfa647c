"""The browser may keep the session's cookie back, where another site's form sent it (`SameSite=Lax`)."""

from flask import session

from tests.support.logout import AFTER, AFTERS, LOGOUT, arrival, ask, question, with_logout
from tests.support.relying_party import MakeParty
from tests.support.site import Page, Site, another_browser


def test_a_post_without_the_session_is_sent_once_more_from_here(make_party: MakeParty) -> None:
    party = make_party({"post_logout_redirect_uris": AFTERS})
    site = party.site
    site.gateway.current_user(lambda: site.people.get(session.get("user", "")))
    site.gateway.logout(lambda: session.pop("user"))
    with site.browser.session_transaction() as kept:
        kept["user"] = "alice"
    party.sign_in()
    asked = {"id_token_hint": party.tokens["id_token"], "post_logout_redirect_uri": AFTER, "state": "s"}
    again = another_browser(site).post(LOGOUT, data=asked)
    assert again.status_code == 200
    assert "Set-Cookie" not in again.headers, "it would take the place of the session's that was kept back"
    page = Page(again)
    assert page.actions == [LOGOUT]
    assert dict(page.fields).items() >= asked.items()
    assert arrival(site.browser.post(LOGOUT, data=dict(page.fields))) == {"state": ["s"]}
    with site.browser.session_transaction() as kept:
        assert "user" not in kept
    assert arrival(another_browser(site).post(LOGOUT, data=dict(page.fields))) == {"state": ["s"]}, "nobody indeed"


def test_a_link_is_followed_once_more_where_cookies_stay_on_this_site(make_party: MakeParty) -> None:
    """`SameSite=Strict`: with a link from elsewhere the cookie doesn't come either."""
    party = make_party({"post_logout_redirect_uris": AFTERS}, SESSION_COOKIE_SAMESITE="Strict")
    site = with_logout(party.site)
    party.sign_in()
    site.person = None
    page = Page(ask(site, id_token_hint=party.tokens["id_token"], post_logout_redirect_uri=AFTER))
    assert page.actions == [LOGOUT]
    site.person = "alice"
    assert arrival(site.browser.post(LOGOUT, data=dict(page.fields))) == {}
    assert site.person is None


def test_a_post_that_is_wrong_is_sent_once_more_as_it_is(site: Site) -> None:
    site.person = None
    page = Page(ask(site, post=True, state=["1", "2"]))
    assert [value for name, value in page.fields if name == "state"] == ["1", "2"]
    site.person = "alice"
    again = site.browser.post(LOGOUT, data=[*page.fields] and {"state": ["1", "2"], "again": "1"})
    assert "is repeated" in question(site, again, 400)

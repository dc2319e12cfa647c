"""Signing out at `/oauth/logout`: at once by a hint of this session, else by the button of a page."""

import time

import pytest
from flask_babel import Babel

from flask_oauth_gateway.signals import session_ended
from tests.support.app import recorded, server_of
from tests.support.logout import (
    AFTER,
    AFTER_WITH_QUERY,
    AFTERS,
    LOGOUT,
    arrival,
    ask,
    goodbye,
    is_silent,
    other_party,
    press,
    question,
    with_logout,
)
from tests.support.relying_party import MakeParty, RelyingParty
from tests.support.site import Page, Site, another_browser


@pytest.mark.parametrize("post", [False, True], ids=["GET", "POST"])
def test_a_hint_of_this_session_signs_out_without_a_question(
    party: RelyingParty, site: Site, hint: str, *, post: bool
) -> None:
    asked = ask(site, post=post, id_token_hint=hint, post_logout_redirect_uri=AFTER, state="a b&c=d#é")
    assert arrival(asked) == {"state": ["a b&c=d#é"]}
    assert site.person is None
    assert not is_silent(party)


def test_it_signs_out_where_the_hint_has_expired(
    site: Site, party: RelyingParty, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.time() + 2 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert arrival(ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER)) == {}
    assert site.person is None


def test_the_hint_of_a_refresh_does_as_well(site: Site, party: RelyingParty) -> None:
    party.refresh()
    assert arrival(ask(site, id_token_hint=party.tokens["id_token"], post_logout_redirect_uri=AFTER)) == {}


def test_a_query_of_the_registered_address_is_kept(site: Site, hint: str) -> None:
    back = ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER_WITH_QUERY, state="x")
    assert back.headers["Location"] == f"{AFTER_WITH_QUERY}&state=x"


def test_an_app_is_gone_back_to(site: Site, hint: str) -> None:
    page = ask(site, client_id=None, id_token_hint=hint, post_logout_redirect_uri="com.example.app:/bye")
    assert page.headers["Location"] == "com.example.app:/bye"


def test_the_sessions_end_of_every_client_of_this_browser_and_of_no_other(party: RelyingParty, site: Site) -> None:
    here, other = site.browser, other_party(party)
    first, second = party.sign_in()["sid"], other.sign_in()["sid"]
    site.browser = another_browser(site)
    third = party.sign_in()["sid"]
    site.browser = here
    sessions = server_of(site.app).openid.sessions
    with recorded(session_ended, site.app) as ended:
        ask(site, id_token_hint=other.tokens["id_token"])
    assert {each["sid"] for each in ended} == {first[:8], second[:8]}
    assert {each["by"] for each in ended} == {"the user"}
    assert sessions.end(sid=third) == 1, "it was live"
    assert sessions.end(sid=first) == 0


@pytest.mark.parametrize("post", [False, True], ids=["GET", "POST"])
def test_without_a_hint_the_user_is_asked(party: RelyingParty, site: Site, *, post: bool) -> None:
    page = ask(site, post=post, client_id=party.client.client_id, post_logout_redirect_uri=AFTER, state="s/1")
    text = question(site, page)
    assert "This application asks whether you want to sign out." in text
    assert "Signed in as Alice" in text
    assert "You will be sent to app.example" in text
    assert is_silent(party), "still signed in until the button"
    assert arrival(press(site, page)) == {"state": ["s/1"]}
    assert not is_silent(party)


def test_nobody_knows_who_sent_the_user(site: Site) -> None:
    page = ask(site)
    assert "Sign out? You will be signed out here" in question(site, page)
    assert "go back" not in goodbye(site, press(site, page))


def test_a_hint_of_another_users_session_is_a_question(party: RelyingParty, site: Site, hint: str) -> None:
    site.person = "bob"
    page = ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER)
    assert "Signed in as Bob" in question(site, page)
    site.person = "alice"
    assert question(site, press(site, page), 400), "alice was never shown the page"
    site.person = "bob"
    assert arrival(press(site, page)) == {}


def test_a_hint_of_another_browsers_session_of_the_same_user_is_a_question(site: Site, hint: str) -> None:
    other = another_browser(site)
    page = ask(site, browser=other, id_token_hint=hint, post_logout_redirect_uri=AFTER)
    assert "Weather app" in question(site, page)
    assert arrival(press(site, page, browser=other)) == {}


def test_a_browser_that_was_closed_has_lost_its_session_but_not_its_user(
    party: RelyingParty, site: Site, hint: str
) -> None:
    """An app that remembers its users knows alice again, from a cookie of its own: what she signed in to ends all the same."""
    sessions = server_of(site.app).openid.sessions
    other = other_party(party)
    first, beside = party.sign_in()["sid"], other.sign_in()["sid"]
    elsewhere = another_browser(site)
    here, site.browser = site.browser, elsewhere
    kept = party.sign_in()["sid"]
    site.browser = here
    with here.session_transaction() as held:
        held.clear()
    page = ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER)
    question(site, page)
    with recorded(session_ended, site.app) as ended:
        assert arrival(press(site, page)) == {}
    assert {each["sid"] for each in ended} == {first[:8], beside[:8]}
    assert sessions.end(sid=kept) == 1, "that of another browser goes on"


def test_a_hint_of_another_users_session_ends_nothing_of_theirs(party: RelyingParty, site: Site, hint: str) -> None:
    site.person = "bob"
    with recorded(session_ended, site.app) as ended:
        press(site, ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER))
    assert ended == []


def test_a_hint_of_a_session_that_is_over_is_a_question(site: Site, hint: str) -> None:
    assert ask(site, id_token_hint=hint).status_code == 200
    site.person = "alice"
    question(site, ask(site, id_token_hint=hint))


def test_nobody_is_signed_in_and_the_hint_tells_the_client(site: Site, hint: str) -> None:
    site.person = None
    back = ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER, state="s")
    assert arrival(back) == {"state": ["s"]}
    goodbye(site, ask(site, id_token_hint=hint))


def test_the_apps_session_ended_without_our_knowing(party: RelyingParty, site: Site, hint: str) -> None:
    other = other_party(party)
    sid = other.sign_in()["sid"]
    site.person = None
    assert arrival(ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER)) == {}
    assert server_of(site.app).openid.sessions.end(sid=sid) == 0, "the other client's has ended too"


def test_a_client_that_knows_the_user_by_another_name_signs_them_out_the_same_way(make_party: MakeParty) -> None:
    pairwise = {
        "OAUTH_SUBJECT_TYPES": ["public", "pairwise"],
        "OAUTH_PAIRWISE_SALT": "a long random text, kept for good",
    }
    party = make_party({"post_logout_redirect_uris": AFTERS, "subject_type": "pairwise"}, **pairwise)
    with_logout(party.site)
    for person in ("alice", None):  # signed in, and signed out by the app without our knowing
        party.site.person = "alice"
        assert party.sign_in()["sub"] != "alice"
        other = other_party(party)
        sid = other.sign_in()["sid"]
        party.site.person = person
        asked = ask(party.site, id_token_hint=party.tokens["id_token"], post_logout_redirect_uri=AFTER)
        assert arrival(asked) == {}
        assert server_of(party.site.app).openid.sessions.end(sid=sid) == 0, "the other client's has ended too"


def test_nobody_is_signed_in_and_only_a_client_id_is_there(party: RelyingParty, site: Site) -> None:
    """Anybody can write such a link: it redirects nobody. The user may follow the link on the page."""
    site.person = None
    page = ask(site, client_id=party.client.client_id, post_logout_redirect_uri=AFTER, state="s")
    assert "Weather app" in goodbye(site, page)
    assert f'href="{AFTER}?state=s"' in page.text


def test_a_double_click_ends_on_the_same_page(site: Site, party: RelyingParty) -> None:
    page = ask(site, client_id=party.client.client_id, post_logout_redirect_uri=AFTER)
    press(site, page)
    assert "Weather app" in goodbye(site, press(site, page))


def test_the_button_works_once_for_the_page_it_was_shown_on(site: Site, party: RelyingParty) -> None:
    page = ask(site, client_id=party.client.client_id, post_logout_redirect_uri=AFTER)
    for token in ("", "junk", Page(page).hidden("form_token")[:-1]):
        again = press(site, page, form_token=token)
        assert "out of date" in question(site, again, 400)
    strangers = another_browser(site)
    assert "out of date" in question(site, press(site, page, browser=strangers), 400), "another session's"
    assert arrival(press(site, page)) == {}


def test_a_form_of_another_page_is_no_answer_to_this_question(site: Site) -> None:
    token = Page(site.browser.get("/oauth/device")).hidden("form_token")
    question(site, site.browser.post(LOGOUT, data={"form_token": token}), 400)


def test_the_pages_speak_the_language_that_the_client_asks_for(site: Site) -> None:
    Babel(site.app)
    page = ask(site, ui_locales="xx de en")
    assert '<html lang="de"' in page.text
    assert "Abmelden?" in question(site, page)
    assert "Sie sind abgemeldet" in Page(press(site, page)).text
    assert "Sie werden abgemeldet." in Page(ask(site, post=True, ui_locales="de")).text
    assert "Parameter „state“ kommt" in ask(site, state=["1", "2"], ui_locales="de").text

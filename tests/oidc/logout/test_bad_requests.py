"""What is wrong gets a page with 400: still signed in until the button, and nobody is sent anywhere."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.logout import (
    AFTER,
    BAD_HINT,
    LOGOUT,
    NOT_REGISTERED,
    arrival,
    ask,
    goodbye,
    other_party,
    press,
    question,
    wrong,
)
from tests.support.relying_party import RelyingParty
from tests.support.site import Site, another_browser, error_page


def test_an_address_that_is_not_registered(site: Site, hint: str) -> None:
    wrong(site, ask(site, id_token_hint=hint, post_logout_redirect_uri="https://evil.example/"), NOT_REGISTERED)


def test_an_address_is_the_hints_clients_and_no_others(party: RelyingParty, site: Site, hint: str) -> None:
    other_party(party, post_logout_redirect_uris=["https://other.example/"])
    wrong(site, ask(site, id_token_hint=hint, post_logout_redirect_uri="https://other.example/"), NOT_REGISTERED)


def test_an_address_and_nobody_who_has_it(site: Site) -> None:
    wrong(site, ask(site, post_logout_redirect_uri=AFTER), NOT_REGISTERED)


def test_a_client_id_unlike_the_hints_audience(party: RelyingParty, site: Site, hint: str) -> None:
    other = other_party(party).client.client_id
    asked = ask(site, id_token_hint=hint, client_id=other, post_logout_redirect_uri=AFTER)
    wrong(site, asked, "The application that sent you here is not the one that you signed in to.")
    site.person = "alice"
    party.sign_in()
    same = ask(site, id_token_hint=party.tokens["id_token"], client_id=party.client.client_id)
    goodbye(site, same)


def test_a_client_that_is_not_known(site: Site) -> None:
    for client_id in ("nobody", "\N{SNOWMAN}", "x" * 5000):
        page = ask(site, client_id=client_id, post_logout_redirect_uri=AFTER)
        assert "The application that sent you here is not known." in question(site, page, 400)


def test_a_client_that_is_switched_off_gets_nobody_back_which_the_log_explains(
    party: RelyingParty, site: Site, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    client_id = party.client.client_id
    site.gateway.clients.update(client_id, enabled=False)
    question(site, ask(site, id_token_hint=hint, post_logout_redirect_uri="https://evil.example/"), 400)
    assert "disabled" not in caplog.text
    page = ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER)
    assert caplog.text.count(f"post_logout_redirect_uri of the client {client_id}: it is disabled.") == 1
    assert "disabled" not in page.text
    wrong(site, page, NOT_REGISTERED)


def test_a_hint_that_is_encrypted_which_the_log_explains(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    wrong(site, ask(site, id_token_hint="a.b.c.d"), BAD_HINT)
    assert "encrypted" not in caplog.text
    site.person = "alice"
    page = ask(site, id_token_hint="head.key.iv.secret.tag")
    assert caplog.text.count("is encrypted: send the signed token that was in it") == 1
    assert "secret" not in caplog.text
    wrong(site, page, BAD_HINT)


def test_an_address_that_was_taken_away_while_the_page_was_open(party: RelyingParty, site: Site) -> None:
    page = ask(site, client_id=party.client.client_id, post_logout_redirect_uri=AFTER)
    site.gateway.clients.update(party.client.client_id, post_logout_redirect_uris=[])
    goodbye(site, press(site, page))


@pytest.mark.parametrize("name", ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales", "x"])
@pytest.mark.parametrize("post", [False, True], ids=["GET", "POST"])
def test_a_parameter_that_is_sent_twice(site: Site, hint: str, name: str, *, post: bool) -> None:
    asked: dict[str, Any] = {"id_token_hint": hint, "post_logout_redirect_uri": AFTER, name: ["1", "2"]}
    wrong(site, ask(site, post=post, **asked), f"The parameter '{name}' is repeated.")


def test_a_parameter_in_the_query_and_in_the_form(site: Site, hint: str) -> None:
    twice = site.browser.post(f"{LOGOUT}?state=1", data={"state": "2", "id_token_hint": hint})
    wrong(site, twice, "The parameter 'state' is repeated.")


def test_a_state_too_long_to_come_back(site: Site, hint: str) -> None:
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": AFTER}
    assert "The parameter 'state' is too long." in question(site, ask(site, post=True, state="s" * 8193, **asked), 400)
    assert arrival(ask(site, post=True, state="s" * 8192, **asked)) == {"state": ["s" * 8192]}


def test_what_is_wrong_is_an_error_where_nobody_is_signed_in(site: Site, hint: str) -> None:
    site.person = None
    bad = ask(site, id_token_hint=hint, post_logout_redirect_uri="https://evil.example/")
    assert NOT_REGISTERED in error_page(bad, "invalid_request")
    assert "is repeated" in error_page(ask(site, state=["1", "2"]), "invalid_request")


def test_a_body_that_is_no_form_and_one_that_is_too_big(site: Site) -> None:
    error_page(site.browser.post(LOGOUT, json={"state": "x"}), "invalid_request")
    error_page(site.browser.post(LOGOUT, data={"state": "x" * 200_000}), "invalid_request", 413)
    error_page(site.browser.get(f"{LOGOUT}?state=%FF"), "invalid_request")
    error_page(site.browser.get(f"{LOGOUT}?state=%00"), "invalid_request")
    assert site.person == "alice"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(site: Site, method: str) -> None:
    response = site.browser.open(LOGOUT, method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, POST")


def test_what_changes_nothing(site: Site, hint: str) -> None:
    """`logout_hint` and what nobody knows are passed over, and what is empty counts as left out."""
    further = {"logout_hint": "bob", "unknown": "x", "client_id": "", "state": "", "ui_locales": ""}
    assert arrival(ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER, **further)) == {}


def test_no_secret_is_in_an_address_or_in_the_page(party: RelyingParty, site: Site) -> None:
    stranger = another_browser(site)
    hint = party.tokens["id_token"]
    page = ask(site, browser=stranger, id_token_hint=hint, post_logout_redirect_uri=AFTER)
    for part in (hint, hint.split(".")[1], hint.split(".")[2]):
        assert part not in page.text
    after = press(site, page, browser=stranger)
    assert hint.split(".")[1] not in after.headers["Location"]


NAMES = [
    "id_token_hint",
    "client_id",
    "post_logout_redirect_uri",
    "state",
    "ui_locales",
    "logout_hint",
    "form_token",
    "again",
]
ODD = [
    "",
    "\0",
    "\x1b[2J",
    "\ufffe",
    "\N{PILE OF POO}",
    "a.b.c",
    "e30.e30.AA",
    "de en-US *",
    "x" * 9000,
    "' OR 1=1 --",
    AFTER,
]


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(ODD) | st.text(max_size=20)), max_size=8),
    st.booleans(),
    st.booleans(),
)
def test_whatever_comes_in(site: Site, sent: list[tuple[str, str]], post: bool, there: bool) -> None:
    site.person = "alice" if there else None
    response = ask(site, post=post, **{name: [value for key, value in sent if key == name] for name, _ in sent})
    assert response.status_code in (200, 400)
    assert "Location" not in response.headers
    assert response.mimetype == "text/html"
    assert site.person == ("alice" if there else None)

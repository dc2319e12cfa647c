"""Nobody is sent to an address that isn't registered, however much it looks like one that is."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.support.logout import AFTER, AFTERS, ask, press
from tests.support.relying_party import RelyingParty
from tests.support.site import Page, Site

#: In the place of https://app.example/bye, https://app.example/bye?from=us and com.example.app:/bye.
ODD = [
    "https://app.example/bye/", "https://app.example/bye?", "https://app.example/bye#", "https://app.example/bye#x",
    "https://app.example/bye?foo=bar", "https://app.example/bye?from=us&foo=bar", "https://app.example/bye?from=US",
    "https://app.example/bye?from=us#", "https://app.example/BYE", "https://APP.example/bye", "HTTPS://app.example/bye",
    "https://app.example:443/bye", "https://app.example:8443/bye", "http://app.example/bye", "https://app.example",
    "https://app.example/", "https://app.example//bye", "https://app.example/./bye", "https://app.example/x/../bye",
    "https://app.example/%62ye", "https://app.example/bye%00", "https://app.example/bye%0d%0aX:1", "https://app.example./bye",
    "https://app.example.evil.example/bye", "https://evil.example/app.example/bye", "https://evil.example/?https://app.example/bye",
    "https://evil.example#https://app.example/bye", "https://app.example@evil.example/bye", "https://evil.example@app.example/bye",
    "https://app.example:x@evil.example/bye", "https://app.example\\@evil.example/bye", "https://evil.example\\app.example/bye",
    "https:\\\\app.example\\bye", "https:/app.example/bye", "https:app.example/bye", "//app.example/bye", "///evil.example",
    "/\\evil.example", "\\\\evil.example", "/bye", "bye", "./bye", "?from=us", "#", ".", "javascript:alert(1)",
    "JavaScript:alert(1)//https://app.example/bye", "java\tscript:alert(1)", "data:text/html,<script>alert(1)</script>",
    "vbscript:x", "file:///etc/passwd", "blob:https://app.example/x", "about:blank", "view-source:https://app.example/bye",
    "com.example.app:/bye/", "com.example.app://bye", "com.example.app:bye", "COM.example.app:/bye", "com.example.app:/bye?x",
    " https://app.example/bye", "https://app.example/bye ", "https://app.example/bye\t", "https://app.example/bye\n",
    "\N{ZERO WIDTH SPACE}https://app.example/bye", "https://app.examp\N{LATIN SMALL LETTER L WITH STROKE}e/bye",
    "https://app\N{FULLWIDTH FULL STOP}example/bye", "https://app.example\N{FULLWIDTH SOLIDUS}bye", "https://[::1]/bye",
    "https://app.example/bye https://evil.example/", "https://app.example/bye,https://evil.example/", "[\"https://app.example/bye\"]",
    "None", "null", "undefined", "*", "https://*", "https://" + "a" * 5000, "\N{PILE OF POO}", "%", "https://app.example/bye%",
]  # fmt: skip


def goes_nowhere(site: Site, response: TestResponse, address: str) -> None:
    """The page with 400, from which the button leads to no other address than ours."""
    assert response.status_code == 400, address
    assert not {"Location", "Refresh"} & set(response.headers.keys())
    page = Page(response)
    assert page.actions == ["/oauth/logout"]
    assert {name for name, _ in page.fields} == {"form_token"}
    assert "form-action 'self'" in response.headers["Content-Security-Policy"]
    assert "http-equiv" not in response.text
    assert site.person == "alice"


def test_odd_addresses(party: RelyingParty, site: Site, hint: str) -> None:
    """By a hint of this session, by a `client_id`, in a query and in a form; then where nobody is signed in."""
    for address in ODD:
        named = {"client_id": party.client.client_id, "post_logout_redirect_uri": address}
        for sent, post in (({"id_token_hint": hint} | named, False), (named, True)):
            response = ask(site, post=post, **sent)
            goes_nowhere(site, response, address)
        site.person = None
        refused = ask(site, id_token_hint=hint, **named)
        assert (refused.status_code, "Location" in refused.headers) == (400, False), address
        assert not Page(refused).actions
        site.person = "alice"


@pytest.mark.parametrize("address", ["https://evil.example/", f"{AFTER}?foo=bar", "javascript:alert(1)", "/bye"])
def test_the_button_of_a_form_that_was_tampered_with_leads_nowhere(
    party: RelyingParty, site: Site, address: str
) -> None:
    token = Page(ask(site)).hidden("form_token")
    sent = {"form_token": token, "client_id": party.client.client_id, "post_logout_redirect_uri": address}
    after = site.browser.post("/oauth/logout", data=sent)
    assert (after.status_code, "Location" in after.headers, site.person) == (200, False, None)
    assert address not in after.text


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(max_size=40)
    | st.builds(lambda place, text: AFTER[:place] + text + AFTER[place:], st.integers(0, 27), st.text())
)
@example("")
def test_any_address_at_all(party: RelyingParty, site: Site, hint: str, address: str) -> None:
    response = ask(site, post=True, client_id=party.client.client_id, post_logout_redirect_uri=address)
    if response.status_code == 200:
        assert address in ("", *AFTERS)
    else:
        assert response.status_code == 400
        assert "Location" not in response.headers


def test_what_is_registered_is_gone_to_byte_for_byte(party: RelyingParty, site: Site) -> None:
    addresses = [*AFTERS, "https://app.example/%62ye/../x?a=%20b&c=+", "https://app.example:443/", "http://[::1]:80/"]
    site.gateway.clients.update(party.client.client_id, post_logout_redirect_uris=addresses)
    for address in addresses:
        site.person = "alice"
        page = ask(site, client_id=party.client.client_id, post_logout_redirect_uri=address)
        assert press(site, page).headers["Location"] == address


def test_a_state_is_nothing_but_a_value(party: RelyingParty, site: Site) -> None:
    site.person = None
    for state in ("&x=1", "#x", "a b", '"><script>', "\r\nX: 1", "\N{SNOWMAN}", "%26", "=", "?"):
        page = ask(site, client_id=party.client.client_id, post_logout_redirect_uri=AFTER, state=state)
        assert page.status_code == 200
        assert "<script" not in page.text

"""How a user signs out at `/oauth/logout`, as a relying party sends them there (RP-Initiated Logout 1.0)."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.relying_party import RelyingParty
from tests.support.site import Page, Site, assert_page_headers

LOGOUT = "/oauth/logout"
AFTER = "https://app.example/bye"
AFTER_WITH_QUERY = "https://app.example/bye?from=us"
NOT_REGISTERED = "The address to send you back to is not one that is registered for the application."
BAD_HINT = "The application showed a proof of your sign-in that is not valid."
AFTERS = [AFTER, AFTER_WITH_QUERY, "com.example.app:/bye"]


def with_logout(site: Site) -> Site:
    """The site, whose app can end its own session."""

    def leave() -> None:
        site.person = None

    site.gateway.logout(leave)
    return site


def ask(site: Site, *, post: bool = False, browser: FlaskClient | None = None, **parameters: Any) -> TestResponse:
    """The logout request; a parameter that is `None` is left out, and a list is sent as often as it has items."""
    sent = {name: value for name, value in parameters.items() if value is not None}
    http = browser or site.browser
    return http.post(LOGOUT, data=sent) if post else http.get(LOGOUT, query_string=sent)


def press(site: Site, response: TestResponse, browser: FlaskClient | None = None, **instead: str) -> TestResponse:
    """Press the one button of a page."""
    page = Page(response)
    assert page.actions == [LOGOUT], response.text
    return (browser or site.browser).post(LOGOUT, data={**dict(page.fields), **instead})


def question(site: Site, response: TestResponse, status: int = 200) -> str:
    """The text of the page that asks, while the user is still signed in."""
    assert response.status_code == status, response.text
    assert "Location" not in response.headers
    assert_page_headers(response)
    page = Page(response)
    assert page.actions == [LOGOUT]
    assert "id_token_hint" not in dict(page.fields)
    assert site.person is not None
    return page.text


def goodbye(site: Site, response: TestResponse) -> str:
    """The text of the page that says that the user is signed out, and sends nobody anywhere."""
    assert response.status_code == 200, response.text
    assert "Location" not in response.headers
    assert_page_headers(response)
    page = Page(response)
    assert not page.actions
    assert "You are signed out" in page.text
    assert site.person is None
    return page.text


def is_silent(party: RelyingParty) -> bool:
    """Whether `prompt=none` still gets an answer."""
    where = party.site.ask(party.client, scope="openid", prompt="none").headers["Location"]
    assert ("code=" in where) is not ("error=login_required" in where), where
    return "code=" in where


def arrival(response: TestResponse, uri: str = AFTER) -> dict[str, list[str]]:
    """The query with which the browser comes back to the client."""
    assert response.status_code in (302, 303), response.text
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    where = response.headers["Location"]
    assert where.startswith(uri), where
    assert urlsplit(where)[:3] == urlsplit(uri)[:3]
    return parse_qs(urlsplit(where).query, strict_parsing="?" in where)


def wrong(site: Site, response: TestResponse, sentence: str) -> None:
    assert sentence in question(site, response, 400)
    assert AFTER not in response.text
    goodbye(site, press(site, response))


def other_party(party: RelyingParty, **metadata: Any) -> RelyingParty:
    return RelyingParty(party.site, **{"client_name": "The other", "post_logout_redirect_uris": AFTERS} | metadata)

"""Personal access tokens as a user makes, sees and ends them in a browser."""

import re
import time
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_oauth_gateway.crypto.hashing import token_key
from flask_oauth_gateway.stores.tokens import token_id_of
from tests.support.site import READ, Page, Site, another_browser

ON: dict[str, Any] = {"OAUTH_PERSONAL_TOKENS": True, "OAUTH_TOKEN_PREFIX": "acme_"}
TOKEN = re.compile(r"acme_pat_[0-9A-Za-z]{57}")


def signed_in(site: Site, seconds_ago: int = 0) -> None:
    """Whoever is signed in has been so since then; without this the app doesn't say."""
    site.gateway.login_details(lambda _: {"auth_time": int(time.time()) - seconds_ago})


def form_of(site: Site, browser: FlaskClient | None = None) -> Page:
    """The form for a new token."""
    response = (browser or site.browser).get("/oauth/tokens/new")
    assert response.status_code == 200, response.headers.get("Location", response.text)
    return Page(response)


def send(site: Site, page: Page, browser: FlaskClient | None = None, **sent: Any) -> TestResponse:
    """Send the form, filled in as most people would, and with what is given instead."""
    form = {"form_token": page.hidden("form_token"), "name": "A script", "scope": [READ], "expires": "30", **sent}
    return (browser or site.browser).post("/oauth/tokens", data=form)


def shown(response: TestResponse) -> str:
    """The token on the page that shows it."""
    assert response.status_code == 200, Page(response).text
    (token,) = set(TOKEN.findall(response.text))
    return str(token)


def make(site: Site, person: str = "alice", **sent: Any) -> str:
    """A new token of a user who has just signed in."""
    site.person = person
    signed_in(site)
    browser = another_browser(site)
    return shown(send(site, form_of(site, browser), browser, **sent))


def listed(site: Site) -> Page:
    """The page with the user's tokens."""
    response = site.browser.get("/oauth/tokens")
    assert response.status_code == 200, response.text
    return Page(response)


def ids(site: Site) -> list[str]:
    """The ids of the tokens that the page lists, as its buttons send them."""
    return [value for name, value in listed(site).fields if name == "token_id"]


def id_of(token: str) -> str:
    """The id of a token, by which others speak of it."""
    return token_id_of(token_key(token))


def end(site: Site, **sent: str) -> TestResponse:
    """Press a button of the list: that of a `token_id`, or the one for `all`."""
    form = {"form_token": listed(site).hidden("form_token"), **sent}
    return site.browser.post("/oauth/tokens/revoke", data=form)

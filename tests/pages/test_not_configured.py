"""In debug mode the developer reads on the page, or in the answer, what the configuration lacks; nobody else does."""

from typing import Any

import pytest

from tests.support.app import refusal
from tests.support.site import MakeSite, Site, error_page


def text_of(site: Site, *, debug: bool) -> str:
    site.app.debug = debug
    return error_page(site.ask(site.register()), "server_error", 503)


def nothing(site: Site) -> None:
    """An app without a sign-in page."""


def nobody(site: Site) -> None:
    site.gateway.hooks.current_user = None


def odd(site: Site) -> None:
    site.people["odd"] = type("Odd", (), {"id": None})()  # type: ignore[assignment]
    site.person = "odd"


@pytest.mark.parametrize(
    ("config", "breaks", "said"),
    [
        ({}, nothing, ["OAUTH_LOGIN_URL", "the URL or endpoint of the app's sign-in page"]),
        ({"OAUTH_LOGIN_URL": "no_such_endpoint"}, nothing, ["OAUTH_LOGIN_URL", "'no_such_endpoint'"]),
        ({"OAUTH_LOGIN_URL": "/login"}, nobody, ["gateway.current_user", "who is signed in"]),
        ({"SECRET_KEY": None, "OAUTH_LOGIN_URL": "/login"}, nothing, ["SECRET_KEY", "a long random text"]),
        ({}, odd, ["subject", "NoneType"]),
    ],
    ids=["no login page", "no such endpoint", "nobody is known", "no key", "no subject"],
)
def test_the_page_says_what_is_missing(
    make_site: MakeSite, config: dict[str, Any], breaks: Any, said: list[str]
) -> None:
    site = make_site(**config)
    site.person = "alice" if "SECRET_KEY" in config else None
    breaks(site)
    shown, plain = text_of(site, debug=True), text_of(site, debug=False)
    for words in said:
        assert words in shown
        assert words not in plain
    assert "The server is not configured for this." in plain


def test_so_does_an_answer_in_json(make_site: MakeSite) -> None:
    site = make_site()
    client = site.register(grant_types=["password"])
    site.gateway.check_password(lambda *_: type("Odd", (), {"id": None})())
    for debug in (True, False):
        site.app.debug = debug
        why = refusal(site.token(client, "password", username="alice", password="x"), 503, "server_error")
        assert ("NoneType" in why) is debug

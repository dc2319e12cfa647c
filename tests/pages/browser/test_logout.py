"""Signing out in a browser: from a client's link, its form on another site, and the pages that are shown then."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask, request, request_started
from playwright.sync_api import expect

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.browser import Visitor, check
from tests.support.served_site import VERIFIER, ServedSite

pytestmark = pytest.mark.chromium


@pytest.fixture
def site(make_site: Callable[..., ServedSite]) -> ServedSite:
    return make_site(SESSION_COOKIE_SAMESITE="Lax")


def id_token(visitor: Visitor, client: Client) -> str:
    """What the client gets at its user's sign-in."""
    site = visitor.site
    visitor.visit(site.request_for(client, scope="openid"))
    visitor.page.wait_for_url(f"{site.callback}*")
    form = {"grant_type": "authorization_code", "redirect_uri": site.callback, "code_verifier": VERIFIER}
    return str(site.token(client, code=code_in(visitor), **form)["id_token"])


def code_in(visitor: Visitor) -> str:
    return parse_qs(urlsplit(visitor.page.url).query)["code"][0]


def is_signed_in(visitor: Visitor, client: Client) -> bool:
    visitor.page.goto(visitor.site.request_for(client, scope="openid", prompt="none"))
    return "error=login_required" not in visitor.page.url


def link(site: ServedSite, **parameters: str) -> str:
    return (
        f"{site.url}/oauth/logout?{urlencode({'post_logout_redirect_uri': site.callback, 'state': 's'} | parameters)}"
    )


def test_a_link_with_a_hint_leads_back_at_once(visitor: Visitor, site: ServedSite) -> None:
    client = site.register(skip_consent=True)
    hint = id_token(visitor, client)
    visitor.page.goto(link(site, id_token_hint=hint))
    assert visitor.page.url == f"{site.callback}?state=s"
    assert not is_signed_in(visitor, client)


def test_the_button_leads_back(visitor: Visitor, site: ServedSite) -> None:
    client = site.register(skip_consent=True)
    id_token(visitor, client)
    visitor.page.goto(link(site, client_id=client.client_id))
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Weather station")
    visitor.page.get_by_role("button", name="Sign out").click()
    visitor.page.wait_for_url(f"{site.callback}?state=s")
    assert not is_signed_in(visitor, client)


def test_the_callback_may_send_the_browser_on(visitor: Visitor, site: ServedSite) -> None:
    """The page's `form-action` holds for this site alone, so the page in between is what leads away from it."""
    client = site.register(skip_consent=True)
    id_token(visitor, client)
    site.sends_on = f"http://localhost:{urlsplit(site.callback).port}/done"
    visitor.page.goto(link(site, client_id=client.client_id))
    visitor.page.get_by_role("button", name="Sign out").click()
    expect(visitor.page).to_have_title("Done")


def test_a_form_on_another_site_comes_without_the_cookie_and_signs_out_all_the_same(
    visitor: Visitor, site: ServedSite
) -> None:
    client = site.register(skip_consent=True)
    hint = id_token(visitor, client)
    posts: list[tuple[bool, str]] = []

    def note(app: Flask) -> None:
        if request.path == "/oauth/logout" and request.method == "POST":
            posts.append((app.config["SESSION_COOKIE_NAME"] in request.cookies, request.query_string.decode()))

    fields = {"id_token_hint": hint, "post_logout_redirect_uri": site.callback, "state": "s"}
    inputs = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
    form = f'<!doctype html><form method="post" action="{site.url}/oauth/logout">{inputs}<button>Leave</button></form>'
    elsewhere = f"http://localhost:{urlsplit(site.callback).port}/form"
    visitor.page.route(elsewhere, lambda route: route.fulfill(body=form, content_type="text/html"))
    with request_started.connected_to(note, site.app):
        visitor.page.goto(elsewhere)
        visitor.page.get_by_role("button", name="Leave").click()
        if not visitor.scripts:
            visitor.page.get_by_role("button", name="Continue").click()
        visitor.page.wait_for_url(f"{site.callback}?state=s")
    assert not is_signed_in(visitor, client)
    assert posts == [(False, ""), (True, "")], "the hint is in no address"


def test_the_pages_are_sound(make_visitor: Callable[..., Visitor], site: ServedSite) -> None:
    """In axe-core's eyes, light and dark, on a phone and on a desktop; and nothing runs over."""
    visitor = make_visitor(site)
    visitor.visit("/sign-in?next=/")
    visitor.page.wait_for_url(f"{site.url}/")
    client = site.register(post_logout_redirect_uris=[site.callback, f"{site.callback}?{'u' * 1900}"])
    named = site.register(client_name="N" * 200, owner="O" * 200)
    visitor.page.goto(link(site, client_id=client.client_id))
    check(visitor)
    visitor.page.goto(link(site, client_id=client.client_id, post_logout_redirect_uri=f"{site.callback}?{'u' * 1900}"))
    visitor.page.get_by_text("The whole address").click()
    check(visitor)
    visitor.page.goto(link(site, client_id=named.client_id))
    check(visitor)
    visitor.page.goto(link(site, client_id=client.client_id, post_logout_redirect_uri="https://evil.example/"))
    visitor.page.get_by_role("alert").wait_for()
    check(visitor)
    visitor.page.get_by_role("button", name="Sign out").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    check(visitor)
    visitor.page.goto(link(site, client_id=client.client_id))
    expect(visitor.page.get_by_role("link", name="Weather station")).to_be_visible()
    check(visitor)
    visitor.complaints = [text for text in visitor.complaints if "400" not in text]

"""Where a client's callback, or the app's own sign-in, sends the browser on: Chromium holds `form-action` against it all."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from flask import redirect, request
from playwright.sync_api import expect

from tests.support.browser import Visitor
from tests.support.served_site import SIGN_IN, ServedSite

pytestmark = pytest.mark.chromium
APP = "com.example.tool://done"


def test_a_callback_may_send_the_browser_on(visitor: Visitor, site: ServedSite) -> None:
    """A tool's loopback page goes to another host, or to an app of its own: after Allow, after Refuse, and by form_post."""
    client = site.register()
    elsewhere = f"http://localhost:{urlsplit(site.callback).port}/done"
    for site.sends_on in (elsewhere, APP):
        for button, mode in (("Allow", "query"), ("Refuse", "query"), ("Allow", "form_post")):
            if site.sends_on == APP:  # a tab waits with the app that it would open, and does no more
                visitor.page = visitor.page.context.new_page()
            visitor.visit(site.request_for(client, prompt="consent", response_mode=mode))
            with visitor.page.expect_request(site.sends_on):
                visitor.page.get_by_role("button", name=button).click()
                if mode == "form_post" and not visitor.scripts:
                    visitor.page.get_by_role("button", name="Continue").click()
            if site.sends_on == elsewhere:
                expect(visitor.page).to_have_title("Done")
    assert ["error" in heard for heard in site.heard] == [False, True, False] * 2
    assert [heard["method"] for heard in site.heard] == ["GET", "GET", "POST"] * 2


def test_a_sign_in_page_with_a_strict_policy_leads_to_the_client(
    make_site: Callable[..., ServedSite], make_visitor: Callable[..., Visitor]
) -> None:
    """Nobody is asked for consent here, so the sign-in's own form is what the browser was sent from."""
    site = make_site()
    site.app.view_functions["sign_in"] = strict(site.app.view_functions["sign_in"])
    site.sends_on = f"http://localhost:{urlsplit(site.callback).port}/done"
    visitor = make_visitor(site)
    visitor.page.goto(site.request_for(site.register(skip_consent=True)))
    visitor.sign_in()
    visitor.page.wait_for_url(site.sends_on)
    assert "code" in site.heard[0]


def strict(view: Callable[[], Any]) -> Callable[[], Any]:
    def sign_in() -> Any:
        answer = view()
        if answer == SIGN_IN:
            return SIGN_IN, {"Content-Security-Policy": "default-src 'none'; form-action 'self'"}
        return answer

    return sign_in


def test_a_form_of_somebody_who_is_signed_out_leads_to_a_sign_in_on_another_site(
    make_site: Callable[..., ServedSite], make_visitor: Callable[..., Visitor]
) -> None:
    site = make_site()
    visitor = make_visitor(site)
    elsewhere = f"http://localhost:{urlsplit(site.callback).port}/done"
    login = site.gateway.login(lambda wanted: redirect(f"/sign-in?{urlencode({'next': wanted.return_to})}"))
    visitor.visit(site.request_for(site.register()))
    expect(visitor.page.get_by_role("button", name="Allow")).to_be_visible()
    site.gateway.login(lambda wanted: redirect(elsewhere) if request.method == "POST" else login(wanted))
    visitor.page.context.clear_cookies()
    visitor.allow()
    visitor.page.wait_for_url(elsewhere)

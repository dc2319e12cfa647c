"""A user registers an app in a browser: what is wrong with a redirect URI is said while it is typed; the pages are accessible."""

from collections.abc import Callable

import pytest

from tests.support.browser import Visitor, check
from tests.support.served_site import ServedSite

pytestmark = pytest.mark.chromium


def test_the_way_to_an_app(make_visitor: Callable[..., Visitor], make_site: Callable[..., ServedSite]) -> None:
    site = make_site(OAUTH_DEVELOPER=True, OAUTH_DEVELOPER_APPROVAL=True)
    visitor = make_visitor(site)
    page = visitor.page
    visitor.visit("/oauth/developer/")
    check(visitor)
    page.get_by_role("link", name="New app").click()
    page.get_by_role("heading", name="What is your app?").wait_for()
    check(visitor)
    page.get_by_role("link", name="Web app on a server").click()
    check(visitor)
    page.get_by_label("Name", exact=True).fill("Notice board")
    field = page.get_by_label("Redirect URIs")
    field.press_sequentially("http://app.example/cb")
    page.get_by_text("must be https").wait_for()
    check(visitor)
    field.fill("https://app.example/cb")
    page.get_by_text("must be https").wait_for(state="detached")
    page.get_by_label("Read the weather of your places").check()
    page.get_by_role("button", name="Register").click()
    page.get_by_role("heading", name="Your app is registered").wait_for()
    check(visitor)
    page.get_by_role("link", name="Continue").click()
    page.get_by_text("Waits for approval").wait_for()
    check(visitor)
    page.get_by_role("button", name="New secret").click()
    page.get_by_role("heading", name="The new secret").wait_for()
    page.get_by_role("link", name="Continue").click()
    page.get_by_role("button", name="End it").first.click()
    page.get_by_text("The change is made.").wait_for()
    page.get_by_role("link", name="Edit").click()
    check(visitor)
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Delete …").click()
    check(visitor)
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("The app is deleted.").wait_for()

"""The administrator's pages in a browser: nothing serious in axe-core's eyes, nothing runs over, and the keyboard does it."""

import time
from collections.abc import Callable

import pytest

from tests.support.app import server_of
from tests.support.browser import Visitor, check
from tests.support.served_site import ServedSite

pytestmark = pytest.mark.chromium


@pytest.fixture
def site(make_site: Callable[..., ServedSite]) -> ServedSite:
    site = make_site(OAUTH_ADMIN=True)
    site.gateway.is_admin(lambda user: user.id == "alice")
    with site.app.app_context():
        attributes = {"tier": "g" * 90}
        site.gateway.applications.create("P" * 150, application_id="partner", owner="o" * 90, attributes=attributes)
        client = site.register(client_id="station", client_name="N" * 150, attributes=attributes, application="partner")
        site.gateway.tokens.issue(client.client_id, subject="s" * 120)
        server = server_of(site.app)
        server.audit.add(
            {"at": int(time.time()), "event": "token_rejected", "outcome": "invalid_token", "details": {"r": "x" * 300}}
        )
        server.key_ring.rotate()
    return site


def test_each_page_on_a_phone_and_a_desktop_in_light_and_dark(
    make_visitor: Callable[..., Visitor], site: ServedSite
) -> None:
    visitor = make_visitor(site)
    here, theirs = "?client_id=station", "?application_id=partner"
    for path in (
        "",
        "clients",
        "clients/new",
        f"client{here}",
        f"client/delete{here}",
        "applications",
        "applications/new",
        f"application{theirs}",
        f"application/delete{theirs}",
        f"tokens{here}",
        "keys",
        "issuers",
        "audit",
    ):
        visitor.visit(f"/oauth/admin/{path}")
        check(visitor)


def test_a_client_is_registered_by_keyboard_without_javascript(
    make_visitor: Callable[..., Visitor], site: ServedSite
) -> None:
    visitor = make_visitor(site, java_script_enabled=False)
    visitor.visit("/oauth/admin/clients")
    visitor.page.get_by_role("link", name="New client").press("Enter")
    visitor.page.get_by_label("Name").fill("From the keyboard")
    visitor.page.get_by_label("refresh_token").press("Space")
    visitor.page.get_by_label("authorization_code").press("Space")
    visitor.page.get_by_label("Name").press("Enter")
    visitor.page.get_by_text("The secret is shown this one time").wait_for()
    assert [client.client_name for client in site.gateway.clients.list()][1:] == ["From the keyboard"]
    visitor.page.get_by_role("link", name="Continue").press("Enter")
    visitor.page.get_by_role("heading", name="From the keyboard").wait_for()


def test_an_application_is_registered_approved_and_revoked_in_a_browser(
    make_visitor: Callable[..., Visitor], site: ServedSite
) -> None:
    visitor = make_visitor(site, java_script_enabled=False)
    visitor.visit("/oauth/admin/")
    page = visitor.page
    page.get_by_role("navigation").get_by_role("link", name="Applications").click()
    page.get_by_role("link", name="New application").click()
    page.get_by_label("Name").fill("Weather GmbH")
    page.get_by_label("Status").select_option("Pending")
    page.get_by_role("button", name="Register").click()
    page.get_by_role("heading", name="Weather GmbH").wait_for()
    page.get_by_text("It has no clients.").wait_for()
    page.get_by_role("link", name="New client").click()
    page.get_by_label("Name").fill("Their station")
    page.get_by_label("refresh_token").uncheck()
    page.get_by_label("authorization_code").uncheck()
    page.get_by_role("button", name="Register").click()
    page.get_by_role("link", name="Continue").click()
    page.get_by_text("Application not approved").wait_for()
    (made,) = [each for each in site.gateway.applications.find().applications if each.application_id != "partner"]
    page.get_by_role("link", name=made.application_id).click()
    for button, status in (("Approve", "approved"), ("Revoke", "revoked")):
        page.get_by_role("button", name=button).click()
        page.get_by_text("The change is made.").wait_for()
        assert site.gateway.applications.get(made.application_id).status == status
        (client,) = site.gateway.clients.list(made.application_id)
        assert client.enabled is (status == "approved")
    page.get_by_role("link", name="Delete …").click()
    page.get_by_label("Delete its clients too").check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("The application is deleted.").wait_for()
    assert len(site.gateway.clients.list()) == 1

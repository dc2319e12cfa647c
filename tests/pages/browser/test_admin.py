"""The administrator's pages in a browser: nothing serious in axe-core's eyes, nothing runs over, and the keyboard does it."""

import time
from collections.abc import Callable

import pytest

from tests.support.app import server_of
from tests.support.browser import DESKTOP, Visitor, check
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
        "clients/new?kind=web",
        "clients/new?kind=other",
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
        "search",
    ):
        visitor.visit(f"/oauth/admin/{path}")
        check(visitor)
    visitor.visit("/oauth/admin/clients?select=all")
    for button in ("See what would end", "Disable 1"):
        visitor.page.get_by_role("button", name=button).click()
        check(visitor)


#: The words that a browser puts on more than one line, of those in a page's tables.
BROKEN_WORDS = """() => {
  const broken = [];
  const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  for (let text; (text = texts.nextNode()); ) {
    if (!text.parentElement.closest("td, th")) continue;
    for (const word of text.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((each) => Math.round(each.top))).size > 1) broken.push(word[0]);
    }
  }
  return broken;
}"""


def test_no_word_of_the_audit_trail_is_broken_on_a_desktop(
    make_visitor: Callable[..., Visitor], make_site: Callable[..., ServedSite]
) -> None:
    site = make_site(OAUTH_ADMIN=True)
    site.gateway.is_admin(lambda user: user.id == "alice")
    details = {"grant_type": "urn:ietf:params:oauth:grant-type:saml2-bearer", "token_id": "0123456789abcdef" * 2}
    details |= {"path": "/api/weather", "reason": "The access token lacks a scope that this needs."}
    entry = {"at": int(time.time()), "outcome": "insufficient_user_authentication", "details": details}
    with site.app.app_context():
        for event, subject in (
            ("refresh_token_reused", "8f14e45f-ceea-467f-a34e-2c9f4b0d3c55"),
            ("token_rejected", "christopher.wainwright@example.com"),
        ):
            who = {"client_id": "fedcba9876543210" * 2, "subject": subject, "actor": "administrator@example.com"}
            server_of(site.app).audit.add(
                {**entry, **who, "event": event, "address": "2001:db8:85a3:1234:5678:8a2e:370:7334"}
            )
    visitor = make_visitor(site, viewport=DESKTOP)
    visitor.visit("/oauth/admin/audit")
    visitor.page.get_by_role("link", name="8f14e45f-ceea").wait_for()
    for each in visitor.page.locator("main summary").all():
        each.click()
    assert visitor.page.evaluate(BROKEN_WORDS) == []
    check(visitor)


def test_a_client_is_registered_by_keyboard_without_javascript(
    make_visitor: Callable[..., Visitor], site: ServedSite
) -> None:
    visitor = make_visitor(site, java_script_enabled=False)
    visitor.visit("/oauth/admin/clients")
    page = visitor.page
    page.get_by_role("link", name="New client").press("Enter")
    page.get_by_role("link", name="Web app on a server").press("Enter")
    page.get_by_label("Name").fill("From the keyboard")
    page.get_by_label("Redirect URIs").fill(site.callback)
    page.get_by_label("Name").press("Enter")
    page.get_by_text("The secret is shown this one time").wait_for()
    assert page.get_by_role("button", name="Copy").count() == 0
    assert page.get_by_label("client_secret", exact=True).input_value()  # a field, whose text can be selected
    assert [client.client_name for client in site.gateway.clients.list()][1:] == ["From the keyboard"]
    page.get_by_role("link", name="Continue").press("Enter")
    page.get_by_role("heading", name="From the keyboard").wait_for()


def test_what_stands_beside_a_secret_is_copied_and_a_screen_reader_hears_of_it(
    make_visitor: Callable[..., Visitor], site: ServedSite
) -> None:
    visitor = make_visitor(site, permissions=["clipboard-read", "clipboard-write"])
    visitor.visit("/oauth/admin/clients/new?kind=web")
    page = visitor.page
    page.get_by_label("Name").fill("Notice board")
    page.get_by_label("Redirect URIs").fill(site.callback)
    page.get_by_role("button", name="Register").click()
    button = page.get_by_role("button", name="Copy client_secret")
    button.press("Enter")
    page.get_by_role("status").get_by_text("Copied: client_secret").wait_for()
    secret = page.get_by_label("client_secret", exact=True).input_value()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.get_by_role("button", name="Copied client_secret").wait_for()  # which keeps the focus
    page.locator("summary").get_by_text("Authlib, in Flask").click()
    page.get_by_role("button", name="Copy Authlib, in Flask").click()
    page.get_by_role("status").get_by_text("Copied: Authlib, in Flask").wait_for()
    assert "oauth.register(" in page.evaluate("navigator.clipboard.readText()")
    check(visitor)


def test_several_clients_are_disabled_by_keyboard_without_javascript(
    make_visitor: Callable[..., Visitor], site: ServedSite
) -> None:
    with site.app.app_context():
        site.register(client_id="other", client_name="Another")
    visitor = make_visitor(site, java_script_enabled=False)
    visitor.visit("/oauth/admin/clients")
    page = visitor.page
    page.get_by_role("link", name="Select all on this page").press("Enter")
    page.get_by_role("checkbox", name="Select Another").press("Space")
    page.get_by_label("With the selected").select_option("Disable")
    page.get_by_role("button", name="See what would end").press("Enter")
    page.get_by_text("Nothing has happened yet").wait_for()
    page.get_by_role("button", name="Disable 1").press("Enter")
    page.get_by_text("Done: 1 of 1.").wait_for()
    assert [site.gateway.clients.get(name).enabled for name in ("station", "other")] == [False, True]


def test_an_application_is_registered_approved_and_revoked_in_a_browser(
    make_visitor: Callable[..., Visitor], site: ServedSite
) -> None:
    visitor = make_visitor(site, java_script_enabled=False)
    visitor.visit("/oauth/admin/")
    page = visitor.page
    page.get_by_text("Menu").click()  # on a phone it folds
    page.get_by_role("navigation").get_by_role("link", name="Applications").click()
    page.get_by_role("link", name="New application").click()
    page.get_by_label("Name").fill("Weather GmbH")
    page.get_by_label("Status").select_option("Pending")
    page.get_by_role("button", name="Register").click()
    page.get_by_role("heading", name="Weather GmbH").wait_for()
    page.get_by_text("It has no clients.").wait_for()
    page.get_by_role("link", name="New client").click()
    page.get_by_role("link", name="Device without a keyboard").click()
    page.get_by_label("Name").fill("Their station")
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

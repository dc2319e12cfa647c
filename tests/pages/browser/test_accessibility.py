"""Nothing serious in axe-core's eyes on any page: light and dark, on a phone and on a desktop; and nothing runs over."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Route

from flask_oauth_gateway.stores.registered_client import DOCUMENT
from tests.support.browser import Browser, Visitor, check, open_page, troubles
from tests.support.served_site import SCOPES, ServedSite
from tests.support.stranger import make_stranger

pytestmark = pytest.mark.chromium


@pytest.fixture
def site(make_site: Callable[..., ServedSite]) -> ServedSite:
    site = make_site(
        OAUTH_CONSENT_DURATIONS=["once", 30 * 86400, "always"],
        OAUTH_SITE_NAME="Notes",
        OAUTH_SITE_LOGO="/oauth/static/icon.svg",
        OAUTH_SCOPES=SCOPES
        | {"profile": {"description": "See your name", "not": ["weather:write", "See your password"]}},
    )
    site.gateway.user_claims(lambda user, _: {"name": user.name, "picture": f"https://notes.example/{'p' * 300}"})
    return site


@pytest.fixture
def visitor(make_visitor: Callable[..., Visitor], site: ServedSite) -> Visitor:
    return make_visitor(site)


def test_consent(visitor: Visitor, site: ServedSite) -> None:
    client = site.register(contacts=["help@board.example"])
    site.gateway.clients.update(client.client_id, verified=True)
    visitor.visit(site.request_for(client, scope="openid profile"))
    visitor.page.get_by_text("Verified by Notes").wait_for()
    visitor.page.get_by_text("See your password").wait_for()
    visitor.page.get_by_role("checkbox", name="See your name").wait_for()
    visitor.page.get_by_text("Details").click()
    check(visitor)
    visitor.page.emulate_media(contrast="more")
    check(visitor)
    visitor.page.emulate_media(contrast="no-preference")
    visitor.page.get_by_role("radio", name="Until I take it back").check()
    visitor.allow()
    visitor.page.wait_for_url(f"{site.callback}*")
    visitor.visit(site.request_for(client))
    check(visitor)


def test_consent_to_authorization_details(
    make_visitor: Callable[..., Visitor], make_site: Callable[..., ServedSite]
) -> None:
    types = {"payment": {"description": "Pay once from your account"}, "files": {}}
    site = make_site(OAUTH_AUTHORIZATION_DETAILS=types)
    client = site.register(authorization_details_types=list(types))
    amount = {"currency": "EUR", "value": "49.90"}
    payment = {
        "type": "payment",
        "instructedAmount": amount,
        "creditorName": "B\u00e4ckerei M\u00fcller",
        "urgent": False,
    }
    files = {"type": "files", "actions": ["read", "write"], "locations": [f"https://files.example/{'path/' * 60}"]}
    visitor = make_visitor(site)
    visitor.visit(site.request_for(client, scope="profile", authorization_details=json.dumps([payment, files])))
    visitor.page.get_by_role("heading", name="Pay once from your account").wait_for()
    visitor.page.get_by_text("B\u00e4ckerei M\u00fcller").wait_for()
    check(visitor)
    visitor.allow()
    visitor.page.wait_for_url(f"{site.callback}*")
    visitor.visit("/oauth/applications")
    check(visitor)


def test_consent_for_a_client_that_nobody_checked(visitor: Visitor, site: ServedSite) -> None:
    long = f"https://client.example/{'path/' * 60}"
    links = {
        "client_name": f"Notes {'N' * 200}",
        "redirect_uris": ["http://localhost/cb"],
        "owner": None,
        "policy_uri": long,
    }
    made = site.register(client_id="https://client.example/oauth/client.json", **links)
    visitor.visit(site.request_for(make_stranger(site.app, made, DOCUMENT), redirect_uri="http://localhost:33418/cb"))
    visitor.page.get_by_role("note").get_by_text("This application was not checked by us.").wait_for()
    check(visitor)


def test_consent_of_names_without_end(visitor: Visitor, site: ServedSite) -> None:
    client = site.register(
        client_name="N" * 200, owner="O" * 200, redirect_uris=[f"{site.callback}?{'u' * 1900}", "com.example.app:/cb"]
    )
    visitor.visit(site.request_for(client))
    visitor.page.get_by_text("The whole address").click()
    check(visitor)


def test_consent_that_was_stale(visitor: Visitor, site: ServedSite) -> None:
    visitor.visit(site.request_for(site.register()))
    visitor.page.locator("[name=form_token]").evaluate("field => { field.value = 'old' }")
    visitor.allow()
    visitor.page.get_by_role("alert").wait_for()
    check(visitor)
    visitor.complaints = [text for text in visitor.complaints if "400" not in text]


def test_device(visitor: Visitor, site: ServedSite) -> None:
    codes = site.start_device(site.register())
    visitor.visit("/oauth/device?user_code=BBBB-BBBB")
    check(visitor)
    visitor.page.get_by_role("button", name="Continue").click()
    visitor.page.get_by_role("alert").wait_for()
    check(visitor)
    visitor.complaints = [text for text in visitor.complaints if "400" not in text]
    visitor.visit(codes["verification_uri_complete"])
    visitor.page.get_by_role("button", name="Continue").click()
    visitor.page.locator("p.code").wait_for()
    check(visitor)
    visitor.allow()
    visitor.page.get_by_role("heading", name="Device connected").wait_for()
    check(visitor)


def test_applications(visitor: Visitor, site: ServedSite) -> None:
    visitor.visit("/oauth/applications")
    check(visitor)
    for name in ("Weather station", "Weather station", "N" * 200):
        visitor.visit(site.request_for(site.register(client_name=name)))
        visitor.page.get_by_role("radio", name="30 days").check()
        visitor.allow()
        visitor.page.wait_for_url(f"{site.callback}*")
    visitor.visit("/oauth/applications")
    check(visitor)


def test_personal_tokens(make_visitor: Callable[..., Visitor], make_site: Callable[..., ServedSite]) -> None:
    resources = {"/": "https://api.example", "/notes": {"identifier": "urn:notes", "name": "Your notes"}}
    site = make_site(OAUTH_PERSONAL_TOKENS=True, OAUTH_RESOURCES=resources)
    visitor = make_visitor(site)
    page = visitor.page
    visitor.visit("/oauth/tokens")
    check(visitor)
    for name in ("Backup script on my laptop", long := "N" * 100):
        page.get_by_role("link", name="New token").click()
        visitor.sign_in()
        page.get_by_role("heading", name="New token").wait_for()
        if name != long:  # before it is typed, the page is the same
            check(visitor)
        page.get_by_label("What will use it?").fill(name)
        page.get_by_role("button", name="Make the token").click()
        page.get_by_role("alert").wait_for()
        check(visitor)
        page.get_by_label("Read the weather of your places").check()
        page.get_by_label("Your notes").check()
        page.get_by_role("button", name="Make the token").click()
        page.get_by_role("heading", name="Your new token").wait_for()
        check(visitor)
        page.get_by_role("button", name="Copy").click()
        page.get_by_role("button", name="Copied").wait_for()
        page.get_by_role("link", name="Your access tokens").click()
        page.get_by_role("heading", name=name).wait_for()
    check(visitor)
    page.get_by_role("button", name="End this token Backup").click()
    page.get_by_role("heading", name="Backup").wait_for(state="detached")
    visitor.complaints = [text for text in visitor.complaints if "400" not in text]


def test_error(visitor: Visitor) -> None:
    visitor.visit("/oauth/authorize?client_id=nobody")
    check(visitor)
    visitor.complaints = [text for text in visitor.complaints if "400" not in text]


def test_form_post(visitor: Visitor, site: ServedSite) -> None:
    visitor.page.route("**/submit.js", lambda route: route.fulfill(body=""))  # or it would be gone at once
    visitor.visit(site.request_for(site.register(), response_mode="form_post"))
    visitor.allow()
    visitor.page.get_by_role("button", name="Continue").wait_for()
    check(visitor)


def test_leaving(visitor: Visitor, site: ServedSite) -> None:
    def keep(route: Route) -> None:  # it would be gone at once
        response = route.fetch()
        route.fulfill(response=response, body=response.text().replace('http-equiv="refresh"', ""))

    visitor.visit(site.request_for(site.register()))
    visitor.page.route("**/oauth/authorize*", keep)
    visitor.allow()
    visitor.page.get_by_role("link", name="Continue").wait_for()
    check(visitor)


def test_the_systems_own_colors_hide_nothing(visitor: Visitor, site: ServedSite) -> None:
    visitor.page.emulate_media(forced_colors="active")
    visitor.visit(site.request_for(site.register()))
    for name in ("Allow", "Refuse"):
        style: dict[str, Any] = visitor.page.get_by_role("button", name=name).evaluate(
            "button => ({line: getComputedStyle(button).borderTopWidth, color: getComputedStyle(button).borderTopColor})"
        )
        assert style["line"] != "0px"
        assert style["color"] != "rgba(0, 0, 0, 0)"


def test_what_is_wrong_in_one_look_is_found(browser: Browser) -> None:
    page = open_page(browser, [])
    found = {}
    for style in (
        "@media (max-width: 30rem) and (prefers-color-scheme: dark) { p { color: #999 } }",
        "@media (min-width: 60rem) { img { display: block } }",
        "@media (prefers-color-scheme: dark) { img { display: block } }",
        "p { width: 350px }",
    ):
        page.set_content(
            f"""<!doctype html><html lang="en"><title>A page</title>
            <style>img {{ display: none }} {style}</style><main><h1>A page</h1><p>What it says<img src="data:,"></main></html>"""
        )
        found[style.split(" {")[0]] = [trouble.partition(": [")[0] for trouble in troubles(page)]
    page.context.close()
    assert found == {
        "@media (max-width: 30rem) and (prefers-color-scheme: dark)": ["dark, 390: color-contrast"],
        "@media (min-width: 60rem)": ["light, 1280: image-alt"],
        "@media (prefers-color-scheme: dark)": ["dark, 1280: image-alt", "dark, 390: image-alt"],
        "p": ["wider than 320 pixels"],
    }

"""The pages in a real browser, each story once with JavaScript and once without."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.browser import Visitor
from tests.support.served_site import VERIFIER, ServedSite
from tests.support.site import DEVICE_CODE

pytestmark = pytest.mark.chromium


def answer(page: Page, site: ServedSite) -> dict[str, str]:
    """What arrived at the client's callback, by the address bar."""
    page.wait_for_url(f"{site.callback}*")
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def token_for(site: ServedSite, client: Client, code: str) -> dict[str, Any]:
    return site.token(
        client,
        grant_type="authorization_code",
        code=code,
        redirect_uri=client.redirect_uris[0],
        code_verifier=VERIFIER,
    )


def test_sign_in_untick_a_scope_and_allow(visitor: Visitor, site: ServedSite) -> None:
    client = site.register()
    page = visitor.page
    page.goto(site.request_for(client))
    expect(page).to_have_title("Sign in")
    visitor.sign_in()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Weather station wants access to your")
    expect(page.get_by_text("Signed in as Alice")).to_be_visible()
    expect(page.get_by_text("Example Weather Ltd")).to_be_visible()
    expect(page.get_by_role("link", name="weather.example")).to_have_attribute("href", "https://weather.example/about")
    expect(page.locator(".target")).to_contain_text(site.callback)
    assert page.get_by_role("checkbox", name="See your name").is_disabled()
    assert page.get_by_role("checkbox", name="See your name").is_checked()
    page.get_by_role("checkbox", name="Correct what your weather station measured").uncheck()
    visitor.allow()
    arrived = answer(page, site)
    assert set(arrived) == {"code", "state", "iss"}
    assert (arrived["state"], arrived["iss"]) == ("the state", site.url)
    token = token_for(site, client, arrived["code"])
    assert set(token["scope"].split()) == {"openid", "weather:read", "profile"}


def test_refuse(visitor: Visitor, site: ServedSite) -> None:
    visitor.visit(site.request_for(site.register()))
    visitor.page.get_by_role("button", name="Refuse").click()
    arrived = answer(visitor.page, site)
    assert (arrived["error"], arrived["state"], arrived["iss"]) == ("access_denied", "the state", site.url)


def test_only_new_scopes_are_asked_again(visitor: Visitor, site: ServedSite) -> None:
    client = site.register()
    visitor.visit(site.request_for(client, scope="weather:read"))
    visitor.allow()
    answer(visitor.page, site)
    visitor.page.goto(site.request_for(client, scope="weather:read weather:write"))
    expect(visitor.page.get_by_role("checkbox")).to_have_count(1)
    expect(visitor.page.locator(".granted")).to_contain_text("Read the weather of your places")
    visitor.allow()
    answer(visitor.page, site)
    visitor.page.goto(site.request_for(client, scope="weather:read weather:write"))
    assert "code" in answer(visitor.page, site)


def test_an_approval_for_a_while(make_site: Callable[..., ServedSite], make_visitor: Callable[..., Visitor]) -> None:
    site = make_site(OAUTH_CONSENT_DURATIONS=["once", 86400, "always"])
    visitor = make_visitor(site)
    client = site.register()
    visitor.visit(site.request_for(client))
    assert visitor.page.get_by_role("radio", name="This time only").is_checked()
    visitor.page.get_by_role("radio", name="1 day").check()
    visitor.allow()
    token = token_for(site, client, answer(visitor.page, site)["code"])
    assert "refresh_token" in token


def test_another_account(visitor: Visitor, site: ServedSite) -> None:
    client = site.register()
    visitor.visit(site.request_for(client))
    visitor.page.get_by_role("link", name="Use another account").click()
    visitor.sign_in("bob")
    expect(visitor.page.get_by_text("Signed in as Bob")).to_be_visible()
    visitor.allow()
    assert "code" in answer(visitor.page, site)


def test_a_page_of_another_account_is_shown_anew(make_visitor: Callable[..., Visitor], site: ServedSite) -> None:
    visitor = make_visitor(site)
    visitor.visit(site.request_for(site.register()))
    other_tab = visitor.page.context.new_page()
    other_tab.goto(f"{site.url}/sign-in?next=/")
    other_tab.get_by_label("Name").fill("bob")
    other_tab.get_by_label("Password").fill("right")
    other_tab.get_by_role("button").click()
    other_tab.wait_for_url(f"{site.url}/")
    visitor.allow()
    expect(visitor.page.get_by_role("alert")).to_contain_text("meant for another account")
    expect(visitor.page.get_by_text("Signed in as Bob")).to_be_visible()
    visitor.allow()
    assert "code" in answer(visitor.page, site)
    visitor.complaints = [text for text in visitor.complaints if "400" not in text]


def test_a_device(visitor: Visitor, site: ServedSite) -> None:
    client = site.register()
    codes = site.start_device(client)
    visitor.visit("/oauth/device")
    page = visitor.page
    field = page.get_by_label("The code that your device shows")
    expect(field).to_be_focused()
    field.fill(" ".join(codes["user_code"].replace("-", "").lower()))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Weather station wants access to your")
    expect(page.locator("p.code")).to_have_text(codes["user_code"])
    page.get_by_role("checkbox", name="Correct what your weather station measured").uncheck()
    visitor.allow()
    expect(page.get_by_role("heading", level=1)).to_have_text("Device connected")
    token = site.token(client, grant_type=DEVICE_CODE, device_code=codes["device_code"])
    assert set(token["scope"].split()) == {"openid", "weather:read", "profile"}


def test_a_device_is_refused(visitor: Visitor, site: ServedSite) -> None:
    client = site.register()
    codes = site.start_device(client)
    visitor.visit(codes["verification_uri_complete"])
    visitor.page.get_by_role("button", name="Continue").click()
    visitor.page.get_by_role("button", name="Refuse").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Device refused")
    token = site.token(client, grant_type=DEVICE_CODE, device_code=codes["device_code"])
    assert token["error"] == "access_denied"


def test_a_device_in_the_hands_of_another_account(visitor: Visitor, site: ServedSite) -> None:
    codes = site.start_device(site.register())
    visitor.visit(codes["verification_uri_complete"])
    visitor.page.get_by_role("link", name="Use another account").click()
    visitor.sign_in("bob")
    expect(visitor.page.get_by_text("Signed in as Bob")).to_be_visible()
    expect(visitor.page.get_by_label("The code that your device shows")).to_have_value(codes["user_code"])


def test_a_wrong_code_is_said_and_stays_to_be_mended(visitor: Visitor, site: ServedSite) -> None:
    visitor.visit("/oauth/device")
    field = visitor.page.get_by_label("The code that your device shows")
    field.fill("bbbb-cccc")
    field.press("Enter")
    expect(visitor.page.get_by_role("alert")).to_contain_text("This code is not known")
    expect(field).to_have_value("bbbb-cccc")
    expect(field).to_have_accessible_description("This code is not known, or has expired. Look at your device again.")
    visitor.complaints = [text for text in visitor.complaints if "400" not in text]


def test_applications_and_taking_one_back(visitor: Visitor, site: ServedSite) -> None:
    clients = [site.register(client_name=name) for name in ("Weather station", "Plant watering")]
    tokens = []
    for client in clients:
        visitor.visit(site.request_for(client))
        visitor.allow()
        tokens.append(token_for(site, client, answer(visitor.page, site)["code"]))
    visitor.visit("/oauth/applications")
    page = visitor.page
    expect(page.get_by_role("heading", level=2)).to_have_text(["Weather station", "Plant watering"])
    page.get_by_role("button", name="Take back access Plant watering").click()
    expect(page.get_by_role("heading", level=2)).to_have_text(["Weather station"])
    kept, taken = (
        site.token(client, grant_type="refresh_token", refresh_token=token["refresh_token"])
        for client, token in zip(clients, tokens, strict=True)
    )
    assert "access_token" in kept
    assert taken["error"] == "invalid_grant"
    page.get_by_role("button", name="Take back access").click()
    expect(page.get_by_text("No application has access to your account.")).to_be_visible()


def test_form_post_goes_on_by_itself_or_by_its_button(visitor: Visitor, site: ServedSite) -> None:
    visitor.visit(site.request_for(site.register(), response_mode="form_post"))
    visitor.allow()
    if not visitor.scripts:
        visitor.page.get_by_role("button", name="Continue").click()
    visitor.page.wait_for_url(site.callback)
    assert [heard.pop("method") for heard in site.heard] == ["POST"]
    assert set(site.heard[0]) == {"code", "state", "iss"}


def test_everything_by_keyboard(make_visitor: Callable[..., Visitor], site: ServedSite) -> None:
    """In the order of the eyes: account, scopes, address, answer. Each stop shows that it is one."""
    visitor = make_visitor(site)
    client = site.register(redirect_uris=[f"{site.callback}?{'long' * 60}"])
    page = visitor.page
    page.goto(site.request_for(client))
    expect(page.get_by_label("Name")).to_be_focused()  # autofocus comes with a frame, which may be after the load
    page.keyboard.type("alice")
    page.keyboard.press("Tab")
    page.keyboard.type("right")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Weather station wants access to your")
    page.wait_for_load_state()  # the stylesheet too
    stops = []
    while "Allow" not in stops:
        page.keyboard.press("Tab")
        outline, text = page.evaluate(
            "[getComputedStyle(document.activeElement).outlineWidth,"
            " document.activeElement.value || document.activeElement.textContent.trim()]"
        )
        assert outline == "3px", text
        text = "Allow" if text == "allow" else text
        stops.append(text)
        if text == "weather:write":
            page.keyboard.press("Space")
        if text == "The whole address":
            page.keyboard.press("Enter")
            expect(page.locator("code.uri")).to_be_visible()
    assert stops == [
        "weather.example",
        "Use another account",
        "weather:read",
        "weather:write",
        "Details",
        "The whole address",
        "Allow",
    ]
    page.keyboard.press("Enter")
    token = token_for(site, client, answer(page, site)["code"])
    assert set(token["scope"].split()) == {"openid", "weather:read", "profile"}


@pytest.mark.parametrize("redirect_uri", ["http://localhost:{port}/callback", "http://127.0.0.1:{port}/callback"])
def test_the_policy_lets_people_back_to_an_app_on_their_machine(
    make_visitor: Callable[..., Visitor], site: ServedSite, redirect_uri: str
) -> None:
    """A browser holds a page's `form-action` against the redirect too, which may go to any port there."""
    port = urlsplit(site.callback).port
    client = site.register(redirect_uris=[redirect_uri.format(port=1)], token_endpoint_auth_method="none")
    visitor = make_visitor(site)
    visitor.visit(site.request_for(client, redirect_uri=redirect_uri.format(port=port)))
    expect(visitor.page.get_by_text("An app on this device")).to_be_visible()
    visitor.allow()
    visitor.page.wait_for_url(f"{redirect_uri.format(port=port)}*")
    assert "code" in visitor.page.url

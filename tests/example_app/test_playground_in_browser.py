"""The playground in a real browser: by keyboard, without a script, and what one adds. `test_playground.py` walks every flow."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, expect

from example_app.playground.catalogue import BY_NAME
from tests.support.browser import Browser, open_page, troubles

pytestmark = pytest.mark.chromium

NEXT = ".next form[action$='/next']"


@pytest.fixture
def url(playground_url: str) -> str:
    return playground_url


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What the browser's console says; nothing."""
    complaints: list[str] = []
    yield complaints
    assert complaints == []


@pytest.fixture(scope="module")
def plain_page(browser: Browser) -> Iterator[Page]:
    """A page without a script; one for all tests, as a new one each would cost more than they do."""
    complaints: list[str] = []
    page = browser.run(lambda: open_page(browser, complaints, java_script_enabled=False))
    yield page
    browser.run(page.context.close)
    assert complaints == []


def start(page: Page, url: str, title: str, button: str = "Start") -> None:
    page.goto(f"{url}/playground/")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=title))
    card.get_by_role("button", name=button, exact=True).click()


def sign_in(page: Page) -> None:
    """Sign in, where that is asked."""
    if page.title().startswith("Sign in"):
        page.get_by_label("User name").fill("alice")
        page.get_by_label("Password").fill("alice")
        if page.locator("[name=code]").count():
            page.get_by_label("Code").fill("246810")
        page.get_by_role("button", name="Sign in").click()


def allow(page: Page) -> None:
    """Sign in where that is asked, and allow what is asked."""
    page.locator("[name=password], [name=decision]").first.wait_for()
    sign_in(page)
    page.get_by_role("button", name="Allow").click()


def go_through(page: Page, name: str) -> None:
    """The part of the user, with their browser."""
    task = page.locator(".next").inner_text()
    with page.expect_navigation():
        page.get_by_role("link", name="Go there in this browser").click()
    if "press the button" in task:
        page.get_by_role("button", name="Sign out").click()
    elif "nothing for you to do" not in task:
        allow(page)
    if name == "implicit":
        field = page.get_by_label("The whole address")
        field.wait_for()
        field.fill(page.evaluate("location.href"))
        page.get_by_role("button", name="Go on with it").click()


def connect(page: Page) -> None:
    """The part of the user, with their phone."""
    code = page.locator(".screen").last.inner_text()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open it here").click()
    phone = opened.value
    phone.locator("[name=password], [name=user_code]").first.wait_for()
    sign_in(phone)
    phone.get_by_label("Code").fill(code)
    phone.get_by_role("button", name="Continue").click()
    allow(phone)
    phone.get_by_role("heading", name="Device connected").wait_for()
    phone.close()
    page.get_by_role("button", name="I have approved").click()


def walk(page: Page, name: str, until: str) -> None:
    """Press what is to be pressed until a heading of this name is there."""
    for _ in range(30):
        if page.get_by_role("heading", name=until).count():
            return
        todo = page.locator(".next form button, .next a.button").first.inner_text()
        if todo == "Go there in this browser":
            go_through(page, name)
        elif todo == "I have approved":
            connect(page)
        else:
            with page.expect_navigation(wait_until="domcontentloaded"):
                page.get_by_role("button", name=todo).press("Enter")
    raise AssertionError(page.content())


def tab_to(page: Page, button: str) -> None:
    """Go to a button with the Tab key alone."""
    found = page.get_by_role("button", name=button, exact=True)
    for _ in range(60):
        page.keyboard.press("Tab")
        if found.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"No way to {button} by keyboard.")


def press_on(page: Page) -> None:
    """Send all that is left as the page's button would, without drawing the pages in between: tests may be slow elsewhere."""
    action = page.locator(NEXT).get_attribute("action") or ""
    for position in range(int(page.locator(f"{NEXT} [name=position]").input_value()), 40):
        page.request.post(urljoin(page.url, action), form={"position": str(position)})
    page.reload()


@pytest.mark.parametrize("entry", [BY_NAME["authorization_code"], BY_NAME["device_code"]], ids=lambda entry: entry.name)
def test_a_flow_is_walked_without_a_script(browser: Browser, plain_page: Page, url: str, entry: Any) -> None:
    page = plain_page
    start(page, url, entry.title)
    walk(page, entry.name, until="Read the token")
    press_on(page)
    expect(page.get_by_role("heading", name="That is the whole flow")).to_be_visible()
    expect(page.get_by_role("heading", name="It isn't active.")).to_be_visible()


def test_the_diagram_and_the_buttons_that_break_something_need_no_mouse(
    browser: Browser, plain_page: Page, url: str
) -> None:
    page = plain_page
    start(page, url, "Client credentials")
    now = page.locator("[aria-current=step]")
    expect(now).to_contain_text("App to Server: POST /oauth/token")
    expect(page.get_by_text("Step 1 of 12")).to_be_visible()
    tab_to(page, "With a wrong secret")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="On purpose: with a wrong secret")).to_be_visible()
    expect(page.get_by_text("a secret that ends in")).to_be_visible()
    expect(page.get_by_text("Step 1 of 12")).to_be_visible()
    tab_to(page, "Send this request")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_text("Step 2 of 12")).to_be_visible()
    expect(page.locator(".diagram a")).to_have_text(["POST /oauth/token"])
    expect(now).to_contain_text("App to Server: GET /oauth/tokeninfo")


def test_a_flow_with_a_script(browser: Browser, url: str, complaints: list[str]) -> None:
    page = open_page(browser, complaints)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    start(page, url, "Client credentials", "Start, token as JWT")
    page.get_by_text("The same with curl").click()
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("[data-copy]").inner_text()
    walk(page, "client_credentials", until="Use the token")
    press_on(page)
    expect(page.get_by_role("heading", name="That is the whole flow")).to_be_visible()
    page.go_back()  # to a page whose button has been pressed: it does nothing
    expect(page.get_by_role("heading", name="That is the whole flow")).to_be_visible()


def test_a_script_takes_the_token_out_of_the_address(browser: Browser, url: str, complaints: list[str]) -> None:
    page = open_page(browser, complaints)
    start(page, url, "Implicit")
    page.get_by_role("link", name="Go there in this browser").click()
    allow(page)
    field = page.get_by_label("The whole address")
    expect(field).to_have_value(re.compile(r"#.*access_token="))
    assert page.url == f"{url}/playground/callback"
    page.get_by_role("button", name="Go on with it").click()
    expect(page.get_by_role("heading", name="Read the token")).to_be_visible()
    page.context.close()


def test_each_look_of_it_keeps_nobody_out(browser: Browser, url: str) -> None:
    complaints: list[str] = []  # axe-core is put in by the test, which the page's policy has no say in
    page = open_page(browser, complaints, bypass_csp=True)
    start(page, url, "Authorization code with PKCE", "Start, token as JWT")
    go_through(page, "authorization_code")
    page.get_by_role("button", name="Another verifier").click()
    page.get_by_role("heading", name="On purpose: another verifier").wait_for()
    walk(page, "authorization_code", until="Read the token")
    page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true })")
    check_page(page)
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.goto(f"{url}/playground/")
    check_page(page)
    start(page, url, "Sign-in with OpenID Connect")
    page.get_by_role("button", name="Send this request").click()
    page.get_by_role("link", name="Go there in this browser").wait_for()
    check_page(page)
    page.context.close()


def check_page(page: Page) -> None:
    found = list(troubles(page))
    assert not found, f"{page.url}\n" + "\n".join(found)

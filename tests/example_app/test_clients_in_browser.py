"""The demo's clients in a real browser: above all the single-page app, which is a script."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Browser, open_page, troubles
from tests.support.example import example_app, url_in
from tests.support.qr_codes import read_picture

pytestmark = pytest.mark.chromium


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with example_app(tmp_path) as printed:
        yield url_in(printed)


def sign_in(page: Page, name: str = "alice") -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(name)
    page.get_by_role("button", name="Sign in").click()


def wait_until_all_are_told(folder: Path) -> None:
    """The server tells clients of a sign-out once it has answered the browser; what it owes stands in its database."""
    (file,) = folder.rglob("*.db")
    for _ in range(400):
        with closing(sqlite3.connect(file)) as connection:
            if not connection.execute("SELECT count(*) FROM oauth_logout").fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("A client was never told.")


def test_the_single_page_app(browser: Browser, url: str) -> None:
    complaints: list[str] = []
    page = open_page(browser, complaints)
    page.goto(f"{url}/spa")
    page.get_by_role("button", name="Sign in").click()
    sign_in(page)
    page.get_by_label("Report the weather").uncheck()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("Hello, Alice Archer!")).to_be_visible()
    expect(page.get_by_text("clear, 21 °C")).to_be_visible()
    expect(page.locator("#scopes")).to_have_text("weather:read")
    assert page.url == f"{url}/spa"  # the code is gone from the address
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()

    page.goto(f"{url}/spa?code=stolen&state=forged&iss={url}")
    expect(page.get_by_role("alert")).to_contain_text("doesn't belong to a request of this page")
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("alert")).to_contain_text("access_denied")
    assert complaints == []


def test_the_web_app_and_another_account(browser: Browser, url: str) -> None:
    complaints: list[str] = []
    page = open_page(browser, complaints)
    page.goto(f"{url}/client")
    page.get_by_role("link", name="Sign in with the gateway").click()
    sign_in(page)
    page.get_by_role("link", name="Use another account").click()
    sign_in(page, "bob")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("Hello, Bob Baker!")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in with the gateway")).to_be_visible()
    assert complaints == []


def test_who_is_signed_in_here_lands_signed_in_there(browser: Browser, url: str) -> None:
    page = open_page(browser, [], bypass_csp=True)  # axe-core is put in by the test
    page.goto(f"{url}/login")
    sign_in(page)
    page.goto(f"{url}/client")
    assert not list(troubles(page))
    page.get_by_role("link", name="Sign in with the gateway").click()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("Hello, Alice Archer!")).to_be_visible()
    page.locator("summary").click()
    assert not list(troubles(page))


def test_who_signs_out_here_is_signed_out_there(browser: Browser, url: str, tmp_path: Path) -> None:
    complaints: list[str] = []
    page = open_page(browser, complaints)
    page.goto(f"{url}/client/login")
    sign_in(page)
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_text("Hello, Alice Archer!")).to_be_visible()
    page.goto(f"{url}/logout")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Nobody is signed in here.")).to_be_visible()
    wait_until_all_are_told(tmp_path)
    page.goto(f"{url}/client")
    board = page.get_by_role("link", name="Sign in with the gateway")
    expect(board).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)  # not "the token doesn't work any more": the board was told
    assert complaints == []


def test_who_signs_out_there_is_signed_out_here(browser: Browser, url: str) -> None:
    complaints: list[str] = []
    page = open_page(browser, complaints)
    page.goto(f"{url}/client/login")
    sign_in(page)
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in with the gateway")).to_be_visible()
    assert page.url == f"{url}/client/"
    page.goto(url)
    expect(page.get_by_text("Nobody is signed in here.")).to_be_visible()
    assert complaints == []


def test_a_phone_s_camera_opens_what_the_television_shows_and_it_notices_by_itself(browser: Browser, url: str) -> None:
    complaints: list[str] = []
    television = open_page(browser, complaints, color_scheme="dark", java_script_enabled=False)
    television.goto(f"{url}/tv")
    television.get_by_role("button", name="Turn on").click()
    code = television.locator(".screen.big").inner_text()
    (address,) = read_picture(television.screenshot(full_page=True))
    phone = open_page(browser, complaints, viewport={"width": 390, "height": 844})
    phone.goto(address)
    sign_in(phone)
    phone.get_by_role("button", name="Continue").click()
    expect(phone.locator("p.code")).to_have_text(code)
    expect(phone.get_by_text("The code is good for 9 more minutes.")).to_be_visible()
    phone.get_by_role("button", name="Allow").click()
    expect(television.get_by_text("Connected by Alice Archer")).to_be_visible(timeout=20_000)
    assert complaints == []


def test_the_television_keeps_nobody_out(browser: Browser, url: str) -> None:
    page = open_page(browser, [], bypass_csp=True)  # axe-core is put in by the test
    page.goto(f"{url}/tv")
    page.get_by_role("button", name="Turn on").click()
    page.get_by_role("link", name="Don't reload by itself").click()
    page.get_by_role("img", name="QR code").wait_for()
    assert not list(troubles(page))
    code = page.locator(".screen.big").inner_text()
    assert page.get_by_role("img", name=" ".join(code.replace("-", ","))).count() == 1

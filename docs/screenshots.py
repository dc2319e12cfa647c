"""Takes the pictures of the documentation, `docs/images/*.png`: `make screenshots`, which needs Chromium.

It starts the example app on port `PORT` (5000), with a database of its own, and goes through its pages as a user would.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright

from example_app import mcp
from example_app.flows import FLOWS, walk
from example_app.flows.approval import pkce
from example_app.flows.walk import Walk
from example_app.serving import make

IMAGES = Path(__file__).with_name("images")
CHROMIUM = os.environ.get("TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
DESKTOP = {"width": 900, "height": 640}
PHONE = {"width": 390, "height": 760}
PORT = int(os.environ.get("PORT", "5000"))  # as on the reader's machine: pages show it
MOST = 150_000  # bytes of a picture
#: What MCP clients register here, by the name of the picture; they ask with the first of the addresses.
STRANGERS: dict[str, dict[str, Any]] = {
    "claude": {"client_name": "Claude", "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"]},
    "vscode": {
        "client_name": "Visual Studio Code",
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "redirect_uris": [
            "http://127.0.0.1:33418/",
            "http://127.0.0.1/",
            "https://vscode.dev/redirect",
            "https://insiders.vscode.dev/redirect",
        ],
    },
    "cursor": {
        "client_name": "Cursor",
        "redirect_uris": [
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "http://localhost:8787/callback",
        ],
        "application_type": "web",
    },
}


def main() -> str | None:
    """What is wrong, or nothing."""
    if CHROMIUM is None:
        return "Chromium is needed; TEST_CHROMIUM may name it."
    IMAGES.mkdir(exist_ok=True)
    for name in ("werkzeug", "flask_oauth_gateway"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        server, app, secrets = make(PORT, instance_path=folder)
        url = app.config["OAUTH_ISSUER"]
        Thread(target=server.serve_forever, daemon=True).start()
        for name in FLOWS:  # so that the administrator has something to see
            walk(name, Walk(url, "weather-station", secrets["weather-station"], quiet=True))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS])
        for take in (desktop, strangers, phone):
            take(browser, url)
        browser.close()
        server.shutdown()
        app.extensions["oauth_gateway"].close()
    large = [path.name for path in IMAGES.glob("*.png") if path.stat().st_size > MOST]
    return f"larger than {MOST} bytes: {', '.join(large)}" if large else None


def desktop(browser: Browser, url: str) -> None:
    """Alice's way through the pages, then the administrator's."""
    page = browser.new_context(viewport=DESKTOP, color_scheme="light", reduced_motion="reduce").new_page()
    page.goto(f"{url}/playground/")
    picture(page, "playground")
    go_to_consent(page)
    to_a_broken_request(page)
    to_a_decoded_token(page)
    picture(page, "playground-token")

    page.goto(f"{url}/playground/")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Sign-in with OpenID Connect"))
    card.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Send this request").click()
    page.get_by_role("link", name="Go there in this browser").click()
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("button", name="Send this request").click()
    page.get_by_role("heading", name="Read the ID token").evaluate("heading => heading.scrollIntoView()")
    picture(page, "playground-id-token")

    page.goto(f"{url}/client/login")
    page.set_viewport_size({**DESKTOP, "height": 860})  # with its buttons
    picture(page, "consent")
    page.set_viewport_size(DESKTOP)
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(lambda at: "/oauth/" not in at)  # by way of the page that leads back to the client

    page.goto(f"{url}/tv")
    page.get_by_role("button", name="Turn on").click()
    address = page.get_by_role("link", name="Open it here").get_attribute("href") or ""
    page.set_viewport_size({"width": 720, "height": 1090})
    picture(page, "television")
    page.goto(address)
    page.get_by_role("button", name="Continue").click()
    page.set_viewport_size(DESKTOP)
    picture(page, "device")
    page.get_by_role("button", name="Allow").click()

    page.goto(f"{url}/oauth/applications")
    picture(page, "applications")

    page.goto(f"{url}/logout")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{url}/oauth/admin/")
    sign_in(page, "admin")
    picture(page, "admin")


def strangers(browser: Browser, url: str) -> None:
    """The consent page as users of MCP clients see it, which have registered themselves."""
    page = browser.new_context(viewport=DESKTOP, color_scheme="light", reduced_motion="reduce").new_page()
    for name, metadata in STRANGERS.items():
        asked = {
            "response_type": "code",
            "client_id": register(url, {"token_endpoint_auth_method": "none", **metadata}),
            "redirect_uri": metadata["redirect_uris"][0],
            "scope": "weather:read",
            "resource": url + mcp.PATH,
            **pkce("v" * 43),
        }
        page.goto(f"{url}/oauth/authorize?{urlencode(asked)}")
        if page.get_by_label("User name").is_visible():
            sign_in(page, "alice")
        page.get_by_role("button", name="Allow").wait_for()
        page.set_viewport_size({**DESKTOP, "height": page.evaluate("document.documentElement.scrollHeight")})
        picture(page, f"consent-{name}")
        page.set_viewport_size(DESKTOP)


def register(url: str, metadata: dict[str, Any]) -> str:
    """Register a client; returns its client_id."""
    to = Walk(url, "", "", quiet=True)
    to.begin("registration", "")
    return str(to.send(to.request("", "POST", "/oauth/register", json=metadata, expect=201)).json["client_id"])


def phone(browser: Browser, url: str) -> None:
    """The playground and the consent page in the dark."""
    page = browser.new_context(viewport=PHONE, color_scheme="dark", reduced_motion="reduce").new_page()
    page.goto(f"{url}/playground/")
    go_to_consent(page)
    picture(page, "consent-phone")
    to_a_decoded_token(page)
    picture(page, "playground-phone")


def go_to_consent(page: Page) -> None:
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Authorization code"))
    card.get_by_role("button", name="JWT").click()
    page.get_by_role("link", name="Go there in this browser").click()
    sign_in(page, "alice")


def to_a_broken_request(page: Page) -> None:
    """Past the consent page, and the code with another verifier."""
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("button", name="Another verifier").click()
    page.set_viewport_size({"width": 1100, "height": 860})
    page.get_by_role("heading", name="On purpose").evaluate("heading => heading.scrollIntoView()")
    picture(page, "playground-broken")
    page.set_viewport_size(DESKTOP)


def to_a_decoded_token(page: Page) -> None:
    if page.get_by_role("button", name="Allow").count():
        page.get_by_role("button", name="Allow").click()
    page.get_by_role("button", name="Send this request").click()
    page.get_by_role("heading", name="Read the token").evaluate("heading => heading.scrollIntoView()")


def sign_in(page: Page, name: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(name)
    page.get_by_role("button", name="Sign in").click()


def picture(page: Page, name: str) -> None:
    page.wait_for_load_state()
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())

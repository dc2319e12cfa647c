"""Takes the pictures of the documentation, `docs/images/*.png`: `make screenshots`, which needs Chromium.

`build/screenshots` gets more to look at: each main page on a phone and a desktop, in light and dark, in English and Arabic.
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

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask_babel import Babel
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from example_app import mcp
from example_app.flows import FLOWS, walk
from example_app.flows.approval import pkce
from example_app.flows.walk import Walk
from example_app.serving import make
from flask_oauth_gateway.languages import choose_language

IMAGES = Path(__file__).with_name("images")
GALLERY = Path(__file__).parents[1] / "build" / "screenshots"
CHROMIUM = os.environ.get("TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
DESKTOP = {"width": 900, "height": 640}
PHONE = {"width": 390, "height": 760}
PORT = int(os.environ.get("PORT", "5000"))  # as on the reader's machine: pages show it
MOST = 150_000  # bytes of a picture
#: The main pages, by the name of their picture, and who looks at them.
PAGES = {
    "consent": ("alice", "/client/login"),
    "device": ("alice", "/oauth/device"),
    "approvals": ("alice", "/oauth/applications"),
    "apps": ("alice", "/oauth/developer/"),
    "new-app": ("alice", "/oauth/developer/apps/new?kind=web"),
    "tokens": ("alice", "/oauth/tokens"),
    "new-token": ("alice", "/oauth/tokens/new"),
    "playground": ("alice", "/playground/"),
    "overview": ("admin", "/oauth/admin/"),
    "new-client": ("admin", "/oauth/admin/clients/new"),
    "audit": ("admin", "/oauth/admin/audit"),
}
#: What an app translates itself.
ARABIC = {
    "Weather": "الطقس",
    "Read the weather": "الاطلاع على الطقس",
    "Report the weather in your name": "الإبلاغ عن الطقس باسمك",
}
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
        server, app, secrets = make(PORT, instance_path=folder, BABEL_TRANSLATION_DIRECTORIES=words_in(folder))
        Babel(app, locale_selector=choose_language)
        url = app.config["OAUTH_ISSUER"]
        Thread(target=server.serve_forever, daemon=True).start()
        for name in FLOWS:  # so that the administrator has something to see
            walk(name, Walk(url, "weather-station", secrets["weather-station"], quiet=True))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS])
        for take in (desktop, own, strangers, phone, mirrored, gallery):
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
    page.set_viewport_size({**DESKTOP, "height": 1130})  # with its buttons
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


def own(browser: Browser, url: str) -> None:
    """What users and administrators register: an app, a token, a client."""
    page = browser.new_context(viewport=DESKTOP, color_scheme="light", reduced_motion="reduce").new_page()
    page.goto(f"{url}/oauth/developer/apps/new?kind=web")
    sign_in(page, "alice")
    page.get_by_label("Name", exact=True).fill("Storm notifier")
    page.get_by_label("Redirect URIs", exact=True).fill("https://storms.example/callback")
    page.get_by_label("Read the weather").check()
    page.get_by_role("button", name="Register").click()
    page.goto(f"{url}/oauth/developer/")
    page.get_by_role("link", name="Storm notifier").click()
    picture(page, "app")

    page.goto(f"{url}/oauth/tokens/new")
    page.get_by_label("What will use it?").fill("Backup script on my laptop")
    page.get_by_label("Read the weather").check()
    page.get_by_role("radio").first.check()
    page.get_by_role("radio", name="90 days").check()
    page.evaluate("scrollTo(0, 0)")
    picture(page, "personal-token")
    page.get_by_role("button", name="Make the token").click()

    page.goto(f"{url}/logout")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{url}/oauth/admin/clients/new")
    sign_in(page, "admin")
    picture(page, "new-client")
    page.get_by_role("link", name="Machine").click()
    page.get_by_label("Name", exact=True).fill("Nightly report")
    page.get_by_label("weather:read").check()
    page.get_by_role("button", name="Register").click()
    page.get_by_role("heading", name="A first token").wait_for()
    picture(page, "secret")


def words_in(folder: str) -> str:
    """A folder of the demo's own words in Arabic."""
    catalog = Catalog(locale="ar", domain="messages")
    for text, arabic in ARABIC.items():
        catalog.add(text, arabic)
    path = Path(folder, "words", "ar", "LC_MESSAGES", "messages.mo")
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, catalog)
    return str(path.parents[2])


def mirrored(browser: Browser, url: str) -> None:
    """The consent page in Arabic, on a phone, and the overview in the dark."""
    options: dict[str, Any] = {"locale": "ar", "reduced_motion": "reduce"}
    page = browser.new_context(viewport=PHONE, color_scheme="light", **options).new_page()
    open_as(page, url, *PAGES["consent"])
    picture(page, "consent-arabic")
    page = browser.new_context(viewport=DESKTOP, color_scheme="dark", **options).new_page()
    open_as(page, url, *PAGES["overview"])
    picture(page, "admin-arabic")


def gallery(browser: Browser, url: str) -> None:
    """Every main page, in every look."""
    GALLERY.mkdir(parents=True, exist_ok=True)
    for language in ("en", "ar"):
        for person in ("alice", "admin"):
            context = browser.new_context(locale=language, reduced_motion="reduce")
            for name, (who, path) in PAGES.items():
                if who == person:
                    looks(context, url, name, who, path, language)


def looks(context: BrowserContext, url: str, name: str, who: str, path: str, language: str) -> None:
    """One page on a phone and a desktop, in light and dark."""
    page = context.new_page()
    open_as(page, url, who, path)
    for size, viewport in (("phone", PHONE), ("desktop", DESKTOP)):
        page.set_viewport_size(viewport)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            picture(page, f"{name}-{size}-{scheme}-{language}", GALLERY)
    page.close()


def open_as(page: Page, url: str, who: str, path: str) -> None:
    """A page, after signing in where that is asked; the consent page also where the answer is remembered."""
    if path == PAGES["consent"][1]:
        asked = page.request.get(url + path, max_redirects=0).headers["location"]
        page.goto(f"{asked}&prompt=consent")
    else:
        page.goto(url + path)
    if page.get_by_label("User name").is_visible():
        sign_in(page, who)


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


def picture(page: Page, name: str, folder: Path = IMAGES) -> None:
    page.wait_for_load_state()
    page.screenshot(path=folder / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())

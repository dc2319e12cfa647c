"""Chromium, whoever visits a site with it, and what axe-core says of a page.

Playwright's own loop would make every thread that it runs in look asynchronous, and the suite's async views fail there:
the browser and the tests that use it run in a thread of their own.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.support import services
from tests.support.served_site import PASSWORD, ServedSite

#: A domain whose names are all this machine, in Chromium alone: for sites that aren't loopback to their pages.
DOMAIN = "site.test"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
    "--js-flags=--no-turbofan",  # axe-core runs too briefly on a page for its dearest compiler to pay
    f"--host-resolver-rules=MAP *.{DOMAIN} 127.0.0.1",
)
PATIENCE = 20_000  # milliseconds, on a busy machine
SMALLEST = {"width": 320, "height": 568}
SERIOUS = {"critical", "serious", "moderate", "minor"}
#: What axe-core has against a page: by all of its rules, or by those alone that look at colors where everything stands, and is
#: seen, as in the light.
AXE = """async (isDark) => {
  const now = Array.from(document.querySelectorAll("body *"), (each) => {
    const {x, y, width, height} = each.getBoundingClientRect();
    return [x, y, width, height, each.checkVisibility({opacityProperty: true, visibilityProperty: true})].join();
  }).join(";");
  axe.inTheLight ??= {};
  if (!isDark) axe.inTheLight[innerWidth] = now;
  const rules = isDark && axe.inTheLight[innerWidth] === now ? {runOnly: ["color-contrast", "link-in-text-block"]} : {};
  const {violations} = await axe.run({resultTypes: ["violations"], selectors: false, ...rules});
  return violations.map(({impact, id, nodes}) => [impact, id, nodes.map((node) => node.html)]);
}"""
PHONE = {"width": 390, "height": 800}
DESKTOP = {"width": 1280, "height": 800}


class Browser:
    """Chromium, and the thread that alone may talk to it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "browser")
        self._is_here = threading.local()
        self.run(self._start)

    def run(self, function: Callable[[], Any]) -> Any:
        """Call a function in the browser's thread."""
        return function() if hasattr(self._is_here, "yes") else self._thread.submit(function).result()

    def _start(self) -> None:
        self._is_here.yes = True
        expect.set_options(timeout=PATIENCE)
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=services.CHROMIUM, args=[*ARGUMENTS])

    def _stop(self) -> None:
        self._chromium.close()
        self._playwright.stop()

    def stop(self) -> None:
        self.run(self._stop)
        self._thread.shutdown()

    def new_context(self, **options: Any) -> BrowserContext:
        context: BrowserContext = self.run(lambda: self._chromium.new_context(**{"viewport": PHONE} | options))
        return context


class Visitor:
    """Somebody with a browser of their own. Whatever the pages' console says against them fails the test."""

    def __init__(self, browser: Browser, site: ServedSite, **options: Any) -> None:
        self.site = site
        self.complaints: list[str] = []
        self.scripts: bool = options.get("java_script_enabled", True)
        self._has_visited = False
        self._browser = browser
        self._context = browser.new_context(**options)
        self.page: Page = browser.run(self._open)

    def _open(self) -> Page:
        self._context.set_default_timeout(PATIENCE)
        page = self._context.new_page()
        page.on("console", lambda message: message.type in ("error", "warning") and self._complain(message))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _complain(self, message: Any) -> None:
        if not message.location["url"].endswith("/favicon.ico"):  # the app's own, which this one lacks
            self.complaints.append(message.text)

    def sign_in(self, name: str = "alice") -> None:
        """Type name and password into the sign-in page that is open."""
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()

    def visit(self, path: str) -> None:
        """Open a page of the site as alice, who signed in there before the first one; sign in where that is asked again."""
        if not self._has_visited:
            self._has_visited = True
            form = {"username": "alice", "password": PASSWORD}
            self._context.request.post(f"{self.site.url}/sign-in", form=form, max_redirects=0)
        self.page.goto(path if path.startswith("http") else self.site.url + path)
        if self.page.title() == "Sign in":
            self.sign_in()

    def allow(self) -> None:
        self.page.get_by_role("button", name="Allow").click()

    def close(self) -> None:
        self._browser.run(self._context.close)
        assert self.complaints == []


def open_page(browser: Browser, complaints: list[str], **options: Any) -> Page:
    page = browser.new_context(reduced_motion="reduce", **options).new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def listen(message: Any) -> None:
        if message.type in ("error", "warning") and not message.location["url"].endswith("/favicon.ico"):
            complaints.append(message.text)

    page.on("console", listen)
    return page


def troubles(page: Page) -> Iterator[str]:
    """What is wrong with the page that is open, in each of its looks."""
    page.evaluate(AXE_SCRIPT)
    for scheme, sizes in (("light", (PHONE, DESKTOP)), ("dark", (DESKTOP, PHONE))):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for size in sizes:
            page.set_viewport_size(size)
            for impact, rule, nodes in page.evaluate(AXE, scheme == "dark"):
                if impact in SERIOUS:
                    yield f"{scheme}, {size['width']}: {rule}: {nodes}"
    page.set_viewport_size(SMALLEST)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        yield "wider than 320 pixels"


def check(visitor: Visitor) -> None:
    found = list(troubles(visitor.page))
    assert not found, "\n".join(found)

"""A site, and a browser that looks at it.

Playwright's own loop would make every thread that it runs in look asynchronous, and the suite's async views fail there:
the browser and the tests that use it run in a thread of their own.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.support import services
from tests.support.served_site import PASSWORD, Site, build_site, served

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE = 20_000  # milliseconds, on a busy machine
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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    browser = Browser()
    yield browser
    browser.stop()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test that uses the browser runs in the browser's thread."""
    browser = pyfuncitem.funcargs.get("browser")
    if not isinstance(browser, Browser):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    browser.run(partial(pyfuncitem.obj, **arguments))
    return True


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Serves sites, as `tests.support.served_site.build_site` builds them; takes configuration."""
    stack: list[Any] = []

    def make_site(**config: Any) -> Site:
        serving = served(build_site(instance_path=str(tmp_path / f"instance{len(stack)}"), **config))
        stack.append(serving)
        return serving.__enter__()

    yield make_site
    for serving in stack:
        serving.__exit__(None, None, None)


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


class Visitor:
    """Somebody with a browser of their own. Whatever the pages' console says against them fails the test."""

    def __init__(self, browser: Browser, site: Site, **options: Any) -> None:
        self.site = site
        self.complaints: list[str] = []
        self.scripts: bool = options.get("java_script_enabled", True)
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
        """Open a page of the site; sign in where that is asked."""
        self.page.goto(path if path.startswith("http") else self.site.url + path)
        if self.page.title() == "Sign in":
            self.sign_in()

    def allow(self) -> None:
        self.page.get_by_role("button", name="Allow").click()

    def close(self) -> None:
        self._browser.run(self._context.close)
        assert self.complaints == []


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def visitor(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Visitor]:
    """Somebody at the site, once with JavaScript and once without."""
    visitor = Visitor(browser, site, java_script_enabled=request.param)
    yield visitor
    visitor.close()


@pytest.fixture
def make_visitor(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Somebody at a site; takes Playwright's options of a browser context."""
    visitors: list[Visitor] = []

    def make_visitor(site: Site, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, site, **options))
        return visitors[-1]

    yield make_visitor
    for visitor in visitors:
        visitor.close()

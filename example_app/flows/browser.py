"""Plays the person who takes part in a flow with a browser: alice, who signs in and presses buttons."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urljoin, urlsplit

from ..login import CODES
from .exchange import Answer, UnexpectedAnswer
from .walk import Approval, DeviceApproval, OwnToken, Walk

USERNAME = PASSWORD = "alice"
MAX_REDIRECTS = 5


def approve(to: Walk, approval: Approval) -> dict[str, str]:
    """Play alice: sign in, untick boxes, press Allow or Sign out; returns what her browser brings to the client."""
    browser = to.browser = to.browser or Browser(to, approval.redirect_uri)
    browser.open(approval.title, approval.url)
    if approval.task == "allow":
        browser.sign_in()
        boxes = f", unticks {approval.untick}" if approval.untick else ""
        leave_out = (("scope", approval.untick),) if approval.untick else ()
        browser.submit(
            f"alice reads who asks for what{boxes}, and presses Allow.", leave_out=leave_out, decision="allow"
        )
    elif approval.task == "sign out":
        browser.submit("alice reads who asks, and presses Sign out.")
    to.check(bool(browser.brought), "the browser is sent back to the app")
    approval.brought = browser.brought
    return browser.brought


def approve_device(to: Walk, approval: DeviceApproval) -> None:
    """Play alice, who approves a device on the device page."""
    browser = Browser(to)
    browser.open("alice opens the address with her phone.", approval.verification_uri)
    browser.sign_in()
    browser.submit("She types the code, in small letters.", user_code=approval.user_code.lower())
    browser.submit("She compares it with the device, and presses Allow.", decision="allow")
    approval.is_done = True


def make_token(to: Walk, wanted: OwnToken) -> str:
    """Play alice, who makes a token for a script of hers; returns the token, which the page shows her once."""
    browser = Browser(to)
    browser.open(wanted.title, wanted.path)
    browser.sign_in()
    title = "She says what it is for and may do, and how long it lives."
    browser.submit(title, name="My script", scope=wanted.scope, expires="7")
    found = re.search(r"\bpat_[0-9A-Za-z]{57}\b", browser.body)
    if found is None:
        raise UnexpectedAnswer("the page shows no token")
    return found[0]


class Page(HTMLParser):
    """The last form of a page: its address, and the fields that it would send."""

    def __init__(self, url: str, body: str) -> None:
        super().__init__()
        self.url = url
        self.action = ""
        self.fields: list[tuple[str, str]] = []
        self.feed(body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action, self.fields = urljoin(self.url, about.get("action", "")), []
        elif tag == "input" and about.get("name"):
            kind = about.get("type", "text")
            if kind not in ("checkbox", "radio") or "checked" in about:
                self.fields.append((about["name"], about.get("value", "on" if kind == "checkbox" else "")))


class Browser:
    """Keeps cookies, follows redirects, and stops at a redirect that leads to a client."""

    def __init__(self, to: Walk, redirect_uri: str | None = None) -> None:
        self._to = to
        self._redirect_uri = redirect_uri
        self._cookies: dict[str, tuple[str, str]] = {}  # value and path, by name
        self._page: Page | None = None
        self.body = ""  # of that page
        #: The parameters that the client got at its redirect URI, in the query or the fragment.
        self.brought: dict[str, str] = {}

    def open(self, title: str, url: str) -> None:
        """Type an address, or follow a link."""
        self.brought = {}
        self._go(title, "GET", url)

    def sign_in(self) -> None:
        """Fill in the app's own form, as alice."""
        asked = dict(self._page.fields) if self._page is not None else {}
        code = {"code": CODES} if "code" in asked else {}
        title = "alice signs in, and types the code that her phone shows." if code else "alice signs in."
        self.submit(title, username=USERNAME, password=PASSWORD, **code)

    def submit(self, title: str, /, *, leave_out: tuple[tuple[str, str], ...] = (), **fields: str) -> None:
        """Fill in the form on this page and send it; `leave_out` are the boxes that alice unticks.

        Raises `UnexpectedAnswer` if there is no form.
        """
        page = self._page
        if page is None or not page.action:
            raise UnexpectedAnswer("there is no form on the page")
        kept = [field for field in page.fields if field[0] not in fields and field not in leave_out]
        self._go(title, "POST", page.action, [*kept, *fields.items()])

    def _go(self, title: str, method: str, url: str, form: list[tuple[str, str]] | None = None) -> None:
        for _ in range(MAX_REDIRECTS):
            path = urlsplit(self._absolute(url)).path
            cookies = {name: value for name, (value, under) in self._cookies.items() if path.startswith(under)}
            step = self._to.request(title, method, url, form=form, cookies=cookies, expect=(200, 302, 303))
            answer = self._to.send(step)
            self._keep_cookies(answer)
            if answer.status == 200:
                self.body = answer.body
                self._page = Page(self._absolute(url), answer.body)
                return
            url = urljoin(self._absolute(url), answer.headers["Location"])
            if self._redirect_uri is not None and url.startswith(self._redirect_uri):
                parts = urlsplit(url)
                self.brought = {name: values[0] for name, values in parse_qs(parts.fragment or parts.query).items()}
                return
            title, method, form = "The browser goes where it was sent.", "GET", None
        raise UnexpectedAnswer("the browser is sent from one address to the next")

    def _absolute(self, url: str) -> str:
        return urljoin(self._to.url, url)

    def _keep_cookies(self, answer: Answer) -> None:
        for line in answer.cookies:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self._cookies.pop(name, None)
                else:
                    self._cookies[name] = (morsel.value, morsel["path"] or "/")

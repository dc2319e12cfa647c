"""Somebody at the playground, without a script: reads the page, presses its button, goes where it sends them."""

from __future__ import annotations

import re
from html import unescape

import requests

from tests.support.serving import Form, Walker

SEND = "Send this request"
END = "That is the whole flow"


class Player(Walker):
    def __init__(self, url: str, username: str = "alice") -> None:
        super().__init__(username)
        self.url = f"{url}/playground"
        self.page = requests.Response()
        #: Every page after a button, in order.
        self.seen: list[str] = []

    def start(self, flow: str, token_format: str = "opaque") -> None:
        form = {"flow": flow, "format": token_format}
        self._show(self.browser.post(f"{self.url}/start", data=form))

    def press(self) -> None:
        """Press the only button."""
        form = Form(self.page)
        assert form.action is not None, self.page.text
        self._show(self.browser.post(form.action, data=form.fields))

    def authorization_url(self) -> str:
        """Where the button leads: to the server, to allow something or to sign out."""
        return unescape(re.findall(r'class="button" href="([^"]*/oauth/(?:authorize|logout)[^"]*)"', self.page.text)[0])

    def decide(self, decision: str = "allow", without: tuple[str, ...] = ()) -> None:
        """Go to the server, decide, and come back."""
        address = self.approve(self.authorization_url(), f"{self.url}/callback", without=without, decision=decision)
        self.come_back(address)

    def come_back(self, address: str) -> None:
        page = self.browser.get(address)
        if "address bar" in page.text:  # the answer is in the fragment, and there is no script to read it
            page = self.browser.post(f"{self.url}/callback", data={"address": address})
        self._show(page)

    def approve_device(self, decision: str = "allow") -> None:
        user_code = re.findall(r'class="screen">([^<]+)<', self.page.text)[0]
        self.connect_device(self.url.replace("/playground", "/oauth/device"), user_code, decision)

    def walk(self, without: tuple[str, ...] = ("weather:write",)) -> None:
        """Go on until there is nothing more to do; `without` are the boxes that are unticked."""
        for _ in range(40):
            if "Go there in this browser" in self.page.text:
                self.decide(without=without)
            elif "I have approved" in self.page.text:
                self.approve_device()
                self.press()
            elif SEND in self.page.text:
                self.press()
            else:
                return
        raise AssertionError("there is no end to it")

    def statuses(self) -> list[int]:
        """What the requests were answered, in order."""
        return [int(status) for status in re.findall(r'class="status(?: refused)?">(\d+) ', self.page.text)]

    def text(self) -> str:
        """The page as one reads it."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.page.text)).split())

    def _show(self, page: requests.Response) -> None:
        self.page = page
        self.seen.append(self.text())

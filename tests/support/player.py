"""Somebody at the playground, without a script: reads the page, presses its button, goes where it sends them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin

import requests

from tests.support.serving import Form, Walker

SEND = "Send this request"
END = "That is the whole flow"


def plain(html: str) -> str:
    """A page, or a part of it, as one reads it."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


class Player(Walker):
    def __init__(self, url: str, username: str = "alice") -> None:
        super().__init__(username)
        self.url = f"{url}/playground"
        self.page = requests.Response()
        #: Every page after a button, in order.
        self.seen: list[str] = []

    def start(self, flow: str, token_format: str = "opaque") -> None:
        """Press a button of the flow's card on the first page."""
        card = re.search(rf'<h3 id="{flow}">.*?</li>', self.browser.get(f"{self.url}/").text, re.DOTALL)
        assert card, f"there is no card for {flow}"
        assert f'<button name="format" value="{token_format}"' in card[0]
        assert f'<input type="hidden" name="flow" value="{flow}">' in card[0]
        form = {"flow": flow, "format": token_format}
        self._show(self.browser.post(f"{self.url}/start", data=form))

    def breaks(self) -> list[str]:
        """The names of the buttons that break something on purpose."""
        return re.findall(r'<button name="break" value="(\w+)"', self.page.text)

    def break_it(self, name: str) -> str:
        """Press one of them; returns what the page says of it."""
        forms = re.findall(
            r'<form class="breaks" method="post" action="([^"]+)">(.*?)</form>', self.page.text, re.DOTALL
        )
        (action, form), before = forms[0], self.page.text.count('class="step broken"')
        assert f'name="break" value="{name}"' in form
        position = re.findall(r'name="position" value="(\d+)"', form)[0]
        answer = self.browser.post(urljoin(self.page.url, action), data={"position": position, "break": name})
        self._show(answer)
        assert answer.text.count('class="step broken"') == before + 1
        told = re.findall(r'<details class="step broken".*?<section class="next"', answer.text, re.DOTALL)[0]
        return plain(told[told.rindex('<details class="step broken"') :])

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

    def bring_token(self) -> None:
        """Make a personal access token on the server's page, and bring it here."""
        new: Any = self.browse(urljoin(self.url, re.findall(r'href="(/oauth/tokens/new)"', self.page.text)[0]))
        made: Any = self._send(new, None, name="A script", scope="weather:read", expires="7")
        form = Form(self.page)
        assert form.action is not None
        token = re.findall(r"\bpat_[0-9A-Za-z]{57}\b", made.text)[0]
        self._show(self.browser.post(form.action, data=dict(form.fields) | {"token": token}))

    def walk(self, without: tuple[str, ...] = ("weather:write",)) -> None:
        """Go on until there is nothing more to do; `without` are the boxes that are unticked."""
        for _ in range(40):
            if "Go there in this browser" in self.page.text:
                self.decide(without=without)
            elif "Your token" in self.page.text:
                self.bring_token()
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
        return plain(self.page.text)

    def _show(self, page: requests.Response) -> None:
        self.page = page
        self.seen.append(self.text())

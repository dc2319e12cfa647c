"""Signing out where a site has several processes: what one of them ends has ended in the other, even where one is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from flask import session

from tests.support.databases import every_database
from tests.support.logout import AFTER, LOGOUT
from tests.support.other_process import OtherProcess
from tests.support.signing_in import SigningIn, cookie_after
from tests.support.site import Page


class SigningOut(SigningIn):
    """A process at which browsers sign out, too. `die_at_sign_out`: it is killed when the app's own session ends."""

    def __init__(self, config: dict[str, Any], folder: str) -> None:
        super().__init__(config, folder)
        self.dies = False

        @self.gateway.logout
        def logout() -> None:
            if self.dies:
                os.kill(os.getpid(), signal.SIGKILL)
            session.pop("user")

    def die_at_sign_out(self) -> None:
        self.dies = True

    def leave(self, cookie: str, **asked: str) -> tuple[str, str]:
        """The browser's cookie afterwards, and where it is sent: "ask", "bye", or an address."""
        response = self.http.get(LOGOUT, query_string=asked, headers={"Cookie": cookie})
        return cookie_after(response, cookie), self._place(response)

    def leave_by_button(self, cookie: str, **asked: str) -> tuple[str, str]:
        page = self.http.get(LOGOUT, query_string=asked, headers={"Cookie": cookie})
        assert self._place(page) == "ask"
        return self.press(cookie_after(page, cookie), dict(Page(page).fields))

    def fields(self, cookie: str, **asked: str) -> tuple[str, dict[str, str]]:
        page = self.http.get(LOGOUT, query_string=asked, headers={"Cookie": cookie})
        return cookie_after(page, cookie), dict(Page(page).fields)

    def press(self, cookie: str, fields: dict[str, str]) -> tuple[str, str]:
        response = self.http.post(LOGOUT, data=fields, headers={"Cookie": cookie})
        return cookie_after(response, cookie), self._place(response)

    def _place(self, response: Any) -> str:
        assert response.status_code in (200, 302, 303), response.text
        if "Location" in response.headers:
            return str(response.headers["Location"])
        return "ask" if Page(response).actions else "bye"


@pytest.fixture
def sides(database_uri: str, tmp_path: Path) -> Iterator[tuple[OtherProcess, OtherProcess]]:
    """Two processes on one database; the client "one" is there."""
    config = {"OAUTH_DATABASE_URI": database_uri}
    with ExitStack() as stack:
        here, there = (stack.enter_context(OtherProcess(config, tmp_path, SigningOut)) for _ in range(2))
        here.ask("create", client_id="one", post_logout_redirect_uris=[AFTER])
        yield here, there


def signed_in(side: OtherProcess) -> tuple[str, dict[str, Any]]:
    """The cookie of a new browser whose user has signed in, and the client's tokens."""
    cookie = side.ask("sign_in", cookie="", person="alice")
    cookie, answer = side.ask("authorize", cookie=cookie, client_id="one")
    return cookie, side.ask("exchange", client_id="one", code=answer["code"])


def has_ended(side: OtherProcess, cookie: str, tokens: dict[str, Any]) -> bool:
    gone = side.ask("are_good", tokens=[tokens["access_token"]]) == [False]
    refused = "error" in side.ask("refresh", client_id="one", refresh_token=tokens["refresh_token"])
    _, answer = side.ask("authorize", cookie=cookie, client_id="one", prompt="none")
    return gone and refused and answer.get("error") == "login_required"


@every_database
@pytest.mark.timeout(300)
def test_what_one_process_ends_has_ended_in_the_other(sides: tuple[OtherProcess, OtherProcess]) -> None:
    here, there = sides
    cookie, tokens = signed_in(here)
    _, unspent = here.ask("authorize", cookie=cookie, client_id="one")
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": AFTER}
    cookie, place = there.ask("leave", cookie=cookie, **asked)
    assert place == AFTER, "a hint that the other process made, at the first request to this one"
    assert has_ended(here, cookie, tokens)
    assert "error" in here.ask("exchange", client_id="one", code=unspent["code"])
    assert here.ask("leave", cookie=cookie, **asked)[1] == AFTER, "nobody is signed in any more"


@every_database
@pytest.mark.timeout(300)
def test_the_button_is_pressed_at_both_at_once(sides: tuple[OtherProcess, OtherProcess]) -> None:
    here, there = sides
    for _ in range(3):
        cookie, tokens = signed_in(here)
        cookie, fields = there.ask("fields", cookie=cookie, client_id="one", post_logout_redirect_uri=AFTER)
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(side.ask, "press", cookie=cookie, fields=fields) for side in sides]
            after = [job.result() for job in jobs]
        assert [place for _, place in after] == [AFTER, AFTER]
        assert all(has_ended(side, cookie, tokens) for side, (cookie, _) in zip(sides, after, strict=True))


@every_database
@pytest.mark.timeout(300)
def test_a_process_that_is_killed_between_leaves_a_sign_out_that_can_be_done_again(
    sides: tuple[OtherProcess, OtherProcess],
) -> None:
    """The sessions have ended, each with its tokens; the browser never got the answer, and is still signed in to the app."""
    here, there = sides
    cookie, tokens = signed_in(here)
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": AFTER}
    here.ask("die_at_sign_out")
    with suppress(EOFError, OSError):
        here.ask("leave", cookie=cookie, **asked)
    assert there.ask("are_good", tokens=[tokens["access_token"]]) == [False]
    assert there.ask("leave", cookie=cookie, **asked)[1] == "ask", "that session is over: it may be an old link"
    cookie, place = there.ask("leave_by_button", cookie=cookie, **asked)
    assert place == AFTER
    assert has_ended(there, cookie, tokens)

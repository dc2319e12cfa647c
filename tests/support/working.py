"""A process whose app works without a pause, while something happens to its database; it keeps what each client was told."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient

from tests.support.app import basic, bearer
from tests.support.other_process import PASSWORD, Doing, Person
from tests.support.site import REDIRECT_URI, VERIFIER, challenge_of

CLIENT = "worker"
GRANT_TYPES = ["authorization_code", "client_credentials", "password", "refresh_token"]
AGAIN_SECONDS = 0.05  # after which a client that was told 503 asks again
PATIENCE = 400  # how often


@dataclass
class Told:
    """What clients were told."""

    tokens: list[tuple[str, float]] = field(default_factory=list)  # with the moment before each was asked for
    codes: dict[str, int] = field(default_factory=dict)  # how often each was good
    raced: dict[str, int] = field(default_factory=dict)  # the same, of codes that two brought at once
    refreshed: dict[str, list[str]] = field(default_factory=dict)  # what each refresh token was traded for
    last: list[str] = field(default_factory=list)  # refresh tokens that nobody has used yet
    statuses: Counter[int] = field(default_factory=Counter)
    good_at: list[float] = field(default_factory=list)


class Working(Doing):
    """What such a process does."""

    def __init__(self, config: dict[str, Any], folder: str) -> None:
        super().__init__({"OAUTH_GRANT_TYPES": GRANT_TYPES, "OAUTH_REFRESH_TOKEN_GRACE": 120} | config, folder)
        self.gateway.current_user(lambda: Person("alice"))
        self.gateway.approve(lambda _: True)
        self._threads: list[threading.Thread] = []

    def register(self) -> None:
        self.gateway.clients.create(
            client_id=CLIENT,
            client_secret=PASSWORD,
            grant_types=GRANT_TYPES,
            redirect_uris=[REDIRECT_URI],
            scope=["weather:read"],
        )

    def start(self, threads: int) -> None:
        self._told, self._over = Told(), threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def good_since(self, moment: float) -> int:
        """How many answers were good since then (by `time.monotonic`, which all processes share)."""
        return sum(at > moment for at in list(self._told.good_at))

    def stop(self) -> Told:
        self._over.set()
        for thread in self._threads:
            thread.join()
        return self._told

    def trade(self, code: str) -> int:
        """The status of one more try with a code."""
        return self._redeem(self.app.test_client(), code)[0]

    def refresh_once_more(self, refresh_token: str) -> int:
        """The status of one more try with a refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self._send(self.app.test_client(), form)[0]

    def _work(self) -> None:
        browser, told = self.app.test_client(), self._told
        while not self._over.is_set():
            self._ask(browser, {"grant_type": "client_credentials"})
            code = self._code(browser)
            if code is not None:
                answer = self._ask(browser, self._with(code))
                told.codes[code] = 0 if answer is None else 1
                for _ in range(2):
                    answer = None if answer is None else self._refresh(browser, answer["refresh_token"])
                if answer is not None:
                    told.last.append(answer["refresh_token"])
            code = self._code(browser)
            if code is not None:
                self._race(browser, code)

    def _refresh(self, browser: FlaskClient, refresh_token: str) -> Any:
        answer = self._ask(browser, {"grant_type": "refresh_token", "refresh_token": refresh_token})
        if answer is not None:
            self._told.refreshed.setdefault(refresh_token, []).append(answer["refresh_token"])
        return answer

    def _race(self, browser: FlaskClient, code: str) -> None:
        """Two bring the same code: at most one gets its tokens, which end as the other one comes (RFC 6749 section 4.1.2)."""
        statuses: list[int] = []
        other = threading.Thread(target=lambda: statuses.append(self._redeem(self.app.test_client(), code)[0]))
        other.start()
        statuses.append(self._redeem(browser, code)[0])
        other.join()
        self._told.raced[code] = statuses.count(200)

    def _code(self, browser: FlaskClient) -> str | None:
        query = {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": REDIRECT_URI,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        response = browser.get("/oauth/authorize", query_string=query)
        self._note(response.status_code)
        where = response.headers.get("Location", "")
        return parse_qs(urlsplit(where).query).get("code", [None])[0]

    def _with(self, code: str) -> dict[str, str]:
        return {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }

    def _redeem(self, browser: FlaskClient, code: str) -> tuple[int, Any]:
        return self._send(browser, self._with(code))

    def _ask(self, browser: FlaskClient, form: dict[str, str]) -> Any:
        """The tokens; asked for again and again where the answer is 503. `None` where they are refused."""
        for _ in range(PATIENCE):
            asked_at = time.monotonic()
            status, answer = self._send(browser, form)
            if status == 200:
                self._told.tokens.append((answer["access_token"], asked_at))
                return answer
            if status != 503 or self._over.is_set():
                return None
            time.sleep(AGAIN_SECONDS)
        return None

    def _send(self, browser: FlaskClient, form: dict[str, str]) -> tuple[int, Any]:
        response = browser.post("/oauth/token", data=form, headers=basic(CLIENT, PASSWORD))
        self._note(response.status_code)
        return response.status_code, response.get_json()

    def _note(self, status: int) -> None:
        self._told.statuses[status] += 1
        if status in (200, 302):
            self._told.good_at.append(time.monotonic())

    def statuses_of(self, tokens: list[str]) -> list[int]:
        browser = self.app.test_client()
        return [browser.get("/weather", headers=bearer(token)).status_code for token in tokens]

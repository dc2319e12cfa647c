"""The demo's client apps, each against the running demo. What the single-page app's script does needs a real browser."""

import json
import re
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask.testing import FlaskClient

from example_app.clients import tv
from example_app.clients.tv import Television
from tests.support.example import example_app, url_in
from tests.support.qr_codes import read_svg
from tests.support.serving import Form, Walker


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with example_app(tmp_path_factory.mktemp("demo")) as printed:
        yield url_in(printed)


@pytest.fixture
def alice() -> Iterator[Walker]:
    person = Walker("alice")
    with person.browser:
        yield person


def press(person: Walker, page: requests.Response) -> requests.Response:
    """Send the only form of a page as it stands."""
    form = Form(page)
    assert form.action is not None, page.text
    return person.browser.post(form.action, data=form.fields)


class TestStartPage:
    def test_it_leads_to_every_client_and_page(self, url: str) -> None:
        page = requests.get(url).text
        links = set(re.findall(r'href="(/[^"]*)"', page))
        assert {"/playground/", "/client", "/spa", "/tv", "/oauth/device", "/oauth/applications", "/login"} <= links
        for link in links:
            assert requests.get(url + link).status_code == 200, link


class TestWebApp:
    def test_alice_signs_in_and_out(self, url: str, alice: Walker) -> None:
        assert "Sign in with the gateway" in alice.browser.get(f"{url}/client").text
        page = alice.browse(f"{url}/client/login")
        assert page.url == f"{url}/client/"
        assert "Alice Archer" in page.text
        assert "clear, 21 °C" in page.text
        assert "weather:read weather:write" in page.text
        assert "Sign in with the gateway" in press(alice, page).text
        assert "Alice" not in alice.browser.get(f"{url}/client").text

    def test_it_shows_what_the_server_says_of_her(self, url: str, alice: Walker) -> None:
        page = unescape(alice.browse(f"{url}/client/login").text)
        assert "alice@example.com" in page  # from the userinfo endpoint
        (id_token,) = re.findall(r"<pre[^>]*><code>(\{.*?\n\})</code>", page, re.DOTALL)
        claims = json.loads(id_token)
        assert [claims["iss"], claims["aud"], claims["sub"], claims["amr"]] == [url, "weather-board", "alice", ["pwd"]]
        assert claims["auth_time"] <= claims["iat"] < claims["exp"]
        assert {"nonce", "at_hash"} <= claims.keys()

    @pytest.mark.parametrize("form", [{}, {"logout_token": ""}, {"logout_token": "a.b.c"}, {"logout_token": "é"}])
    def test_what_is_no_logout_token_signs_nobody_out(self, url: str, alice: Walker, form: dict[str, str]) -> None:
        alice.browse(f"{url}/client/login")
        response = requests.post(f"{url}/client/backchannel-logout", data=form)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
        assert "Alice Archer" in alice.browser.get(f"{url}/client").text

    def test_another_browser_of_hers_stays_signed_in(self, url: str, alice: Walker) -> None:
        at_home = Walker("alice")
        at_home.browser.headers["User-Agent"] = "another"
        with at_home.browser:
            at_home.browse(f"{url}/client/login")
            page = alice.browse(f"{url}/client/login")
            assert "Sign in with the gateway" in press(alice, page).text
            time.sleep(0.5)  # in which the server would tell the board
            assert "Alice Archer" in at_home.browser.get(f"{url}/client").text

    def test_a_way_back_that_nobody_asked_for_is_refused(self, url: str, alice: Walker) -> None:
        for query in ("", "?state=forged"):
            assert alice.browser.get(f"{url}/client/signed-out{query}").status_code == 400

    def test_access_that_is_taken_back_is_noticed(self, url: str, alice: Walker) -> None:
        assert "Alice Archer" in alice.browse(f"{url}/client/login").text
        press(alice, alice.browser.get(f"{url}/oauth/applications"))
        assert "somebody took the access back" in alice.browser.get(f"{url}/client").text

    def test_a_refusal_is_said_in_words(self, url: str, alice: Walker) -> None:
        page = alice.browse(f"{url}/client/login", decision="deny")
        assert page.status_code == 400
        assert "access_denied" in page.text

    @pytest.mark.parametrize(
        "query", ["", "?code=x&state=y", "?code=x&state=y&iss=https://evil.example", "?code=x&state=y&iss={url}"]
    )
    def test_an_answer_that_nobody_asked_for_is_refused(self, url: str, alice: Walker, query: str) -> None:
        assert alice.browser.get(f"{url}/client/callback{query.format(url=url)}").status_code == 400

    def test_the_browser_holds_no_token(self, url: str, alice: Walker) -> None:
        alice.browse(f"{url}/client/login")
        cookies = {cookie.name: cookie for cookie in alice.browser.cookies}
        cookie = cookies[f"weather_board_session_{urlsplit(url).port}"]
        assert cookie.path == "/client"
        assert len(cookie.value or "") < 150


class TestSinglePageApp:
    def test_only_its_own_script_may_run(self, url: str) -> None:
        page = requests.get(f"{url}/spa")
        policy = page.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert re.findall(r"<script[^>]*>", page.text) == ['<script src="/static/spa.js" defer>']
        assert not re.search(r"\son\w+=|style=", page.text)

    def test_the_token_is_stored_nowhere(self) -> None:
        script = Path(__file__).parent.parent.parent.joinpath("example_app/static/spa.js").read_text(encoding="utf-8")
        assert re.findall(r"(?:local|session)Storage\.setItem\(.*", script) == [
            'sessionStorage.setItem("authorization", JSON.stringify({ verifier, state }));'
        ]
        assert "innerHTML" not in script


class TestTelevision:
    def turn_on(self, url: str, person: Walker) -> str:
        page = press(person, person.browser.get(f"{url}/tv"))
        assert page.headers["Refresh"] == "5"
        return re.findall(r"[B-Z]{4}-[B-Z]{4}", page.text)[0]

    def wait(self, url: str, person: Walker, until: str) -> None:
        for _ in range(12):
            page = person.browser.get(f"{url}/tv")
            if until in page.text:
                assert "Refresh" not in page.headers
                return
            assert "slow_down" not in page.text
            time.sleep(1)
        raise AssertionError(page.text)

    def test_alice_connects_it(self, url: str, alice: Walker) -> None:
        user_code = self.turn_on(url, alice)
        alice.connect_device(f"{url}/oauth/device", user_code)
        self.wait(url, alice, "Connected by Alice Archer")
        assert "Turn on" in press(alice, alice.browser.get(f"{url}/tv")).text

    def test_alice_refuses(self, url: str, alice: Walker) -> None:
        user_code = self.turn_on(url, alice)
        alice.connect_device(f"{url}/oauth/device", user_code, decision="deny")
        self.wait(url, alice, "Somebody refused.")

    def test_it_shows_a_code_for_the_camera_one_to_type_and_how_long_both_are_good(
        self, url: str, alice: Walker
    ) -> None:
        code = self.turn_on(url, alice)
        shown = alice.browser.get(f"{url}/tv").text
        assert read_svg(shown[shown.index("<svg") :]) == [f"{url}/oauth/device?user_code={code}"]
        assert f'aria-label="{" ".join(code.replace("-", ","))}"' in shown
        assert re.search(r'<time datetime="PT(59\d|600)S">(9:5\d|10:00)</time>', shown)
        still = alice.browser.get(f"{url}/tv/?still=1")
        assert "Refresh" not in still.headers
        assert code in still.text


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[tuple[FlaskClient, Television, list[str]]]:
    """A television whose server is far away; what it asks there."""
    app = tv.make_app()
    app.config.update(SERVER="http://127.0.0.1:9", API="http://127.0.0.1:9")
    now = time.time()
    television = Television(
        device_code="x", user_code="BCDF-GHJK", verification_uri="https://a.example", verification_uri_complete="",
        interval=5, asked_at=now - 5, lifetime=600, ends_at=now + 61,
    )  # fmt: skip
    app.extensions["televisions"]["mine"] = television
    browser = app.test_client()
    with browser.session_transaction(path="/tv/", base_url="http://localhost/tv") as session:
        session["id"] = "mine"
    asked: list[str] = []

    def call(method: str, url: str, form: Any) -> tuple[int, dict[str, str]]:
        asked.append(url)
        return 400, {"error": "authorization_pending"}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tv, "call", call)
        yield browser, television, asked


class TestATelevisionThatWaits:
    def test_it_never_asks_sooner_than_the_server_said(self, screen: tuple[FlaskClient, Television, list[str]]) -> None:
        browser, television, asked = screen
        for _ in range(3):
            assert browser.get("/", base_url="http://localhost/tv").headers["Refresh"] == "5"
        assert len(asked) == 1
        television.asked_at -= 3
        assert browser.get("/", base_url="http://localhost/tv").headers["Refresh"] == "2"
        assert len(asked) == 1

    def test_at_its_end_it_offers_a_new_code_and_asks_no_more(
        self, screen: tuple[FlaskClient, Television, list[str]]
    ) -> None:
        browser, television, asked = screen
        assert ">1:01<" in browser.get("/", base_url="http://localhost/tv").text
        television.ends_at = time.time() + 2
        page = browser.get("/", base_url="http://localhost/tv")
        assert page.headers["Refresh"] == "2", "it is looked at when it ends"
        television.ends_at = time.time() - 1
        for _ in range(2):
            ended = browser.get("/", base_url="http://localhost/tv")
            assert "The code has ended" in ended.text
            assert "Get a new code" in ended.text
            assert "BCDF-GHJK" not in ended.text
            assert "Refresh" not in ended.headers
        assert len(asked) == 1


def test_without_a_connection_the_clients_say_so(tmp_path: Path) -> None:
    from example_app import create_app
    from tests.support.app import close_app

    app = create_app({"TESTING": True}, instance_path=str(tmp_path / "instance"))
    for path in ("/client/", "/tv/"):
        response = app.test_client().get(path)
        assert response.status_code == 503
        assert "make run" in response.text
    assert app.test_client().get("/client/login").location == "/client/"
    close_app(app)

"""The playground out of order: the back button, two tabs, lost sessions, forged answers, and what is typed into it."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from tests.support.player import END, Player
from tests.support.serving import Form


@pytest.fixture
def url(playground_url: str) -> str:
    return playground_url


@pytest.fixture
def alice(url: str) -> Iterator[Player]:
    player = Player(url)
    with player.browser:
        yield player


def test_a_button_of_an_old_page_does_nothing(alice: Player) -> None:
    alice.start("client_credentials")
    old = Form(alice.page)
    alice.press()
    for _ in range(2):
        page = alice.browser.post(str(old.action), data=old.fields)
        assert page.status_code == 200
        assert page.text == alice.page.text


@pytest.mark.parametrize("position", ["", "-1", "0", "99", "x", "1" * 400])
def test_a_step_out_of_order_does_nothing(alice: Player, position: str) -> None:
    alice.start("client_credentials")
    page = alice.browser.post(str(Form(alice.page).action), data={"position": position})
    assert page.text == alice.page.text


def test_the_browser_part_cannot_be_skipped(alice: Player) -> None:
    alice.start("authorization_code")
    page = alice.browser.post(f"{alice.page.url.partition('#')[0]}/next", data={"position": "1"})
    assert page.text == alice.page.text


def test_two_walks_side_by_side_keep_apart(alice: Player) -> None:
    alice.start("authorization_code")
    first = alice.page
    alice.start("authorization_code", "jwt")
    second = alice.page
    assert first.url != second.url
    alice.page = first
    alice.decide()
    assert alice.page.url.startswith(first.url)
    alice.walk()
    assert END in alice.text()
    alice.page = alice.browser.get(second.url)
    assert "Next: The app sends the user's browser" in alice.text()
    alice.walk()
    assert END in alice.text()


def test_nobody_elses_walk_can_be_seen_or_driven(alice: Player, url: str) -> None:
    alice.start("client_credentials")
    form = Form(alice.page)
    for answer in (requests.get(alice.page.url), requests.post(str(form.action), data=form.fields)):
        assert answer.status_code == 404
        assert "This walk isn't here any more" in answer.text
        assert "weather-station" not in answer.text
    alice.page = alice.browser.get(alice.page.url)
    assert alice.statuses() == []


def test_a_session_that_is_lost_is_said_in_words(alice: Player) -> None:
    alice.start("authorization_code")
    alice.browser.cookies.clear()
    assert alice.browser.get(alice.page.url).status_code == 404
    alice.decide()
    assert alice.page.status_code == 400
    assert "Nobody asked for this" in alice.text()


@pytest.mark.parametrize(
    "query",
    [
        {"code": "stolen", "state": "forged"},
        {"code": "stolen"},
        {"state": ""},
        {"state": "é"},
        {"error": "<script>alert(1)</script>", "state": "forged"},
    ],
)
def test_an_answer_that_nobody_asked_for_is_refused(alice: Player, query: dict[str, str]) -> None:
    alice.start("authorization_code")
    page = alice.browser.get(f"{alice.url}/callback?{urlencode(query)}")
    assert page.status_code == 400
    assert "Nobody asked for this" in page.text
    assert "<script>alert" not in page.text
    again = alice.browser.get(alice.page.url)
    assert again.text == alice.page.text


def test_an_answer_that_comes_twice_counts_once(alice: Player) -> None:
    alice.start("authorization_code")
    address = alice.approve(alice.authorization_url(), f"{alice.url}/callback")
    alice.come_back(address)
    before = alice.page
    assert alice.browser.get(address).status_code == 400
    assert alice.browser.get(before.url).text == before.text


def test_an_answer_of_another_server_ends_the_walk(alice: Player) -> None:
    alice.start("authorization_code")
    address = alice.approve(alice.authorization_url(), f"{alice.url}/callback")
    alice.come_back(address.replace("iss=http", "iss=https"))
    assert "That isn't what was expected" in alice.text()
    assert "RFC 9207" in alice.text()


def test_a_code_that_was_changed_on_the_way_is_refused_by_the_server(alice: Player) -> None:
    alice.start("authorization_code")
    address = alice.approve(alice.authorization_url(), f"{alice.url}/callback")
    alice.come_back(address.replace("code=", 'code="><script>alert(1)</script>'))
    assert "<script>alert" not in alice.page.text
    alice.press()
    assert alice.statuses() == [400]
    assert "That isn't what was expected" in alice.text()
    assert "<script>alert" not in alice.page.text


@pytest.mark.parametrize(
    "address", ["", "nonsense", "http://[", "https://evil.example/#", "#=", "#state=x&access_token=y"]
)
def test_an_address_that_is_none_is_said_in_words(alice: Player, address: str) -> None:
    alice.start("implicit")
    page = alice.browser.post(f"{alice.url}/callback", data={"address": address})
    assert page.status_code == 400
    assert 'role="alert"' in page.text


@pytest.mark.parametrize(
    "form", [{}, {"flow": "nonsense"}, {"flow": "jwt_bearer", "format": "jwt"}, {"flow": "password", "format": "x"}]
)
def test_a_flow_that_there_is_not(alice: Player, form: dict[str, str]) -> None:
    assert alice.browser.post(f"{alice.url}/start", data=form).status_code == 400


def test_an_access_that_is_taken_back_on_the_way(alice: Player, url: str) -> None:
    alice.start("authorization_code")
    alice.decide()
    alice.press()
    taken = Form(alice.browser.get(f"{url}/oauth/applications"))
    alice.browser.post(str(taken.action), data=taken.fields)
    alice.press()
    assert "That isn't what was expected" in alice.text()
    assert "the access was taken back elsewhere" in alice.text()


class TestPages:
    def test_nothing_but_the_playgrounds_own_script_and_style_may_run(self, alice: Player) -> None:
        alice.start("client_credentials")
        for page in (alice.page, alice.browser.get(f"{alice.url}/"), alice.browser.get(f"{alice.url}/callback")):
            policy = page.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy
            assert page.headers["Cache-Control"] == "no-store"
            assert page.headers["Referrer-Policy"] == "no-referrer"
            assert " style=" not in page.text
            assert " on" + "click" not in page.text

    def test_the_cookie_holds_no_more_than_a_name(self, alice: Player) -> None:
        alice.start("password")
        alice.press()
        cookies = {cookie.name: cookie for cookie in alice.browser.cookies}
        cookie = cookies[f"playground_session_{urlsplit(alice.url).port}"]
        assert cookie.path == "/playground"
        assert len(cookie.value or "") < 150

    def test_it_says_that_the_secrets_are_the_demos_own(self, alice: Player) -> None:
        assert "the demo's own clients" in alice.browser.get(f"{alice.url}/").text.replace("&#39;", "'")

    def test_under_another_name_of_the_machine_it_sends_to_the_one_it_goes_by(self, url: str) -> None:
        answer = requests.get(f"{url}/playground/", headers={"Host": "evil.example"}, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{url}/playground/")


def test_without_a_connection_it_says_so(tmp_path: Path) -> None:
    from example_app import create_app
    from tests.support.app import close_app

    app = create_app({"TESTING": True}, instance_path=str(tmp_path / "instance"))
    response = app.test_client().get("/playground/")
    assert response.status_code == 503
    assert "make run" in response.text
    close_app(app)


def test_old_walks_make_way(monkeypatch: pytest.MonkeyPatch) -> None:
    from example_app.playground import run
    from example_app.playground.catalogue import BY_NAME

    monkeypatch.setattr(run, "MAX_RUNS", 3)
    runs = run.Runs()
    secrets = {"weather-station": "x", "weather-api": "x"}
    begun = [runs.begin("somebody", BY_NAME["password"], "opaque", "http://127.0.0.1:1", secrets) for _ in range(5)]
    assert [runs.get("somebody", each.id) is not None for each in begun] == [False, False, True, True, True]
    begun[-1].press(begun[-1].position)
    assert "can't be reached" in begun[-1].problem

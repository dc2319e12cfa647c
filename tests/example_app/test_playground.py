"""The playground without a browser's help: each flow from its first button to its last."""

import re
import shlex
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import requests

from example_app.flows import FLOWS
from example_app.playground.catalogue import CATALOGUE
from example_app.playground.diagram import PARTS, plans
from tests.support.example import example_app, url_in
from tests.support.player import END, SEND, Player, plain
from tests.support.serving import Form

#: Each flow once, and those whose tokens come about differently also with a JWT.
FORMATS = [
    *(
        (entry.name, "opaque")
        for entry in CATALOGUE
        if entry.name not in ("logout", "mcp", "personal_token", "step_up")
    ),
    ("authorization_code", "jwt"),
    ("client_credentials", "jwt"),
    ("device_code", "jwt"),
]


@pytest.fixture
def url(playground_url: str) -> str:
    return playground_url


@pytest.fixture
def alice(url: str) -> Iterator[Player]:
    player = Player(url)
    with player.browser:
        yield player


def unexplained(page: str) -> set[str]:
    """Fields of requests, answers and JWTs on a page, of which it doesn't say what they mean."""
    text = unescape(re.sub(r"</?mark>", "", page))
    named = set(re.findall(r'^  "(\w+)":', text, re.MULTILINE)) | set(
        re.findall(r"^[?&#]?([a-z_]+)=[^=\s]", text, re.MULTILINE)
    )
    assert len(named) > 8
    return named - set(re.findall(r"<dt><code>([^<]+)</code>", page))


def is_counted(player: Player, flow: str) -> None:
    """Each page said which step of how many is next, and the diagram has shown every one of them ahead of its time.

    `python -m example_app.playground.plans` writes anew what was still to come.
    """
    plan = plans()[flow]
    counted = [re.findall(r"Step (\d+) of (\d+)", page) for page in player.seen]  # in the title, and over the next step
    total = str(len(plan))
    assert counted[:-1] == [[(str(number), total)] * 2 for number in range(1, len(plan) + 1)]
    assert f"All {total} steps are done" in player.seen[-1]
    drawn = re.findall(r'<p class="label"><span class="hidden">([^<]+)</span>(.*?)<span', player.page.text, re.DOTALL)
    assert [f"{who} {plain(label)}" for who, label in drawn] == [
        f"{PARTS[each.source]} to {PARTS[each.target]}: {each.label}" for each in plan
    ]
    assert any("Break it on purpose" in page for page in player.seen)


class TestEveryFlow:
    @pytest.mark.parametrize(("flow", "kind"), FORMATS)
    def test_is_walked_to_its_end(self, alice: Player, flow: str, kind: str) -> None:
        alice.start(flow, kind)
        assert alice.page.status_code == 200
        assert "Next:" in alice.text()
        alice.walk()
        told = alice.text()
        assert END in told
        assert "isn't what was expected" not in told
        for chapter in ("Get a token", "Read the token", "Use the token", "Give the token back"):
            assert chapter in told
        # without the token, with too little scope, and when it has been given back
        refused = [status for status in alice.statuses() if status >= 400]
        assert refused.count(401) >= 2
        assert 403 in refused
        assert "It isn't active." in told
        if kind == "jwt":
            assert '"alg": "ES256"' in told
            assert '"client_id": "weather-' in told
        else:
            assert "This token is opaque" in told
        assert unexplained(alice.page.text) == set()
        is_counted(alice, flow)

    @pytest.mark.parametrize("flow", ["authorization_code", "jwt_bearer"])
    def test_explains_what_is_next_before_it_is_sent(self, alice: Player, flow: str) -> None:
        alice.start(flow)
        named = set(re.findall(r"^(?:POST .*|GET .*|[?&]?)(\w+)=", alice.page.text, re.MULTILINE))
        explained = set(re.findall(r"<dt><code>([^<]+)</code>", alice.page.text))
        assert named
        assert named <= explained

    def test_a_sign_out_is_walked_to_its_end(self, alice: Player) -> None:
        alice.start("logout")
        alice.walk()
        told = alice.text()
        assert END in told
        for chapter in ("Sign in", "Sign out", "The app's server is told", "What has ended", "What is refused"):
            assert chapter in told
        assert alice.statuses()[-1] == 400
        assert '"typ": "logout+jwt"' in told
        assert "error=login_required" in told
        assert unexplained(alice.page.text) == set()
        is_counted(alice, "logout")

    def test_there_is_one_for_each_of_the_command_line(self) -> None:
        assert sorted(entry.name for entry in CATALOGUE) == sorted(FLOWS)
        assert list(plans()) == [entry.name for entry in CATALOGUE]


class TestAFlowStepByStep:
    def test_an_mcp_server_is_called_to_the_end(self, alice: Player) -> None:
        alice.start("mcp")
        alice.walk(without=())
        told = alice.text()
        assert END in told
        for chapter in ("Find out who gives tokens", "Call a tool", "Ask for more", "What is refused"):
            assert chapter in told
        assert "The sky is clear" in told
        assert [status for status in alice.statuses() if status >= 400] == [401, 403, 401, 401]
        assert unexplained(alice.page.text) == set()
        is_counted(alice, "mcp")

    def test_a_token_of_ones_own_is_brought_used_and_found_by_a_scanner(self, alice: Player) -> None:
        alice.start("personal_token")
        assert "without any client" in alice.text()
        alice.walk()
        told = alice.text()
        assert END in told
        for chapter in ("Make a token", "Use the token", "It leaks"):
            assert chapter in told
        assert "its last six characters are the checksum of the others" in told
        assert [status for status in alice.statuses() if status >= 400] == [401, 403, 401]
        assert unexplained(alice.page.text) == set()
        is_counted(alice, "personal_token")

    def test_a_token_of_ones_own_that_is_none_ends_the_walk_in_words(self, alice: Player) -> None:
        alice.start("personal_token")
        alice.press()  # "Go on with it", and nothing is there
        assert "Step 1 of" in alice.text()
        alice.page = alice.browser.post(str(Form(alice.page).action), data={"position": "1", "token": "<b>x</b>"})
        assert "That isn't what was expected" in alice.text()
        assert "<b>x</b>" not in alice.page.text

    def test_who_steps_up_types_a_code_and_gets_a_token_that_says_so(self, alice: Player) -> None:
        alice.start("step_up")
        alice.walk(without=())
        told = alice.text()
        assert END in told
        assert "insufficient_user_authentication" in told
        assert '"restarted": true' in told
        assert alice.statuses().count(401) == 4, "by the password, without a token, by the first token, and revoked"
        assert unexplained(alice.page.text) == set()
        is_counted(alice, "step_up")

    def test_a_request_is_shown_then_sent(self, alice: Player) -> None:
        alice.start("client_credentials")
        told = alice.text()
        assert "Next: The client says who it is, and asks for a token." in told
        assert "grant_type=client_credentials" in told
        assert "(base64 of weather-station:" in told
        assert "curl -i -X POST" in told
        assert alice.statuses() == []
        alice.press()
        assert alice.statuses() == [200]
        assert '"access_token":' in alice.text()
        assert "the answer names the scope that was given" in alice.text()

    def test_the_curl_line_works_where_it_is_pasted(self, alice: Player, url: str) -> None:
        alice.start("client_credentials")
        line = shlex.split(unescape(re.findall(r"data-copy>([^<]+)<", alice.page.text)[0]))
        headers = dict(line[at + 1].split(": ", 1) for at, word in enumerate(line) if word == "-H")
        answer = requests.post(line[-1], data=line[line.index("-d") + 1], headers=headers)
        assert answer.json()["token_type"] == "Bearer"

    def test_what_the_user_unticks_the_token_lacks(self, alice: Player) -> None:
        alice.start("authorization_code")
        alice.decide(without=("weather:write",))
        alice.press()
        assert '"scope": "weather:read"' in alice.text()

    def test_what_was_allowed_in_an_earlier_walk_is_asked_again(self, alice: Player) -> None:
        for without in ((), ("weather:write",)):
            alice.start("authorization_code")
            alice.decide(without=without)
            alice.press()
        assert '"scope": "weather:read"' in alice.text()

    def test_who_unticks_everything_has_refused(self, url: str) -> None:
        admin = Player(url, "admin")  # who has allowed nothing before: what was is not asked again
        with admin.browser:
            admin.start("authorization_code")
            admin.decide(without=("weather:read", "weather:write"))
        assert "That was a no" in admin.text()

    def test_what_the_user_leaves_ticked_the_token_may(self, alice: Player) -> None:
        alice.start("authorization_code")
        alice.decide()
        while SEND in alice.page.text:
            alice.press()
        assert END in alice.text()
        assert '"by": "alice"' in alice.text()
        assert 403 not in alice.statuses()

    def test_another_user_may_take_part(self, url: str) -> None:
        bob = Player(url, "bob")
        with bob.browser:
            bob.start("authorization_code")
            bob.walk()
        assert '"subject": "bob"' in bob.text()

    def test_the_password_flow_marks_the_password(self, alice: Player) -> None:
        alice.start("password")
        assert "password=<mark>alice</mark>" in alice.page.text
        assert "username=alice" in alice.page.text

    def test_the_device_waits_until_somebody_has_approved(self, alice: Player) -> None:
        alice.start("device_code")
        for _ in range(3):
            alice.press()
        for _ in range(2):
            alice.press()  # "I have approved", which isn't so
            alice.press()
            assert "Nobody has approved it yet." in alice.text()
        alice.approve_device()
        alice.press()
        alice.press()
        assert '"access_token":' in alice.text()

    def test_the_id_token_is_taken_apart_claim_by_claim(self, alice: Player) -> None:
        alice.start("openid")
        alice.press()
        alice.decide()
        alice.press()
        told = alice.text()
        header, _, claims = told.partition("Read the ID token")[2].partition("claims {")
        assert '"alg": "RS256"' in header
        assert '"nonce": "' in claims
        assert unexplained(alice.page.text) == set()
        alice.press()
        assert "its nonce is the one that the app sent" in alice.text()

    def test_a_claim_that_the_user_keeps_back_stays_back(self, url: str) -> None:
        bob = Player(url, "bob")
        with bob.browser:
            bob.start("openid")
            bob.press()
            bob.decide(without=("openid#email", "profile"))
            bob.walk()
        assert "the user kept it back" in bob.text()
        assert "bob@example.com" not in bob.text()
        assert "Bob Baker" not in bob.text().partition("Learn more of the user")[2].partition("Go on without")[0]
        assert END in bob.text()


class TestNo:
    @pytest.mark.parametrize("flow", ["authorization_code", "implicit"])
    def test_a_user_who_refuses_is_told_what_the_app_learns(self, alice: Player, flow: str) -> None:
        alice.start(flow)
        alice.decide("deny")
        assert "That was a no" in alice.text()
        assert "access_denied" in alice.text()
        assert SEND not in alice.page.text
        alice.press()  # "Walk it again"
        assert "Next:" in alice.text()

    def test_a_device_that_is_refused(self, alice: Player) -> None:
        alice.start("device_code")
        for _ in range(3):
            alice.press()
        alice.approve_device("deny")
        alice.press()
        alice.press()
        assert "That was a no" in alice.text()
        assert "access_denied" in alice.text()


def test_who_walks_so_often_that_the_server_stops_them_is_told_to_wait(tmp_path: Path) -> None:
    with example_app(tmp_path) as printed:
        alice = Player(url_in(printed))
        with alice.browser:
            for _ in range(12):
                alice.start("password")
                alice.walk()
                if END not in alice.text():
                    break
    assert alice.statuses()[-1] == 429
    assert "Retry-After" in alice.text()
    assert "Wait for as long as the answer says" in alice.text()

"""What is broken on purpose at the playground: it is really sent and refused, it is said why, and the walk goes on."""

import re

import pytest
import requests

from example_app.playground import breaking
from example_app.playground.catalogue import BY_NAME
from example_app.playground.inside import Inside
from example_app.playground.mistakes import BREAKS
from example_app.playground.run import Runs
from tests.support.player import END, SEND, Player

#: Of each flow, what is tried where it is first offered: what the answer says, and what the explanation.
TRIED: dict[str, dict[str, tuple[str, ...]]] = {
    "authorization_code": {
        "redirect_uri": (
            "400 BAD REQUEST",
            "The user reads on a page: This did not work The address to send you back to is not one",
            "Check redirect URI",
            "Got https://evil.example/callback",
        ),
        "scope": ("302 FOUND", "to the app: invalid_scope", "Got weather:control"),
        "challenge": ("302 FOUND", "to the app: invalid_request", "RFC 7636 section 4.4.1"),
        "verifier": ("400 BAD REQUEST", '"invalid_grant"', "Expected a verifier for the S256 challenge", "RFC 7636"),
        "client": ("400 BAD REQUEST", '"invalid_grant"', "Expected the client that it was given to, weather-app"),
        "expired": ("400 BAD REQUEST", '"invalid_grant"', "Got one that expired at"),
        "token": ("400 BAD REQUEST", '"invalid_token"', "Check access token"),
        "secret": ("401 UNAUTHORIZED", '"invalid_client"', "Check client secret"),
        "ended": ("401 UNAUTHORIZED", '"invalid_token"', "Check access token", "good until"),
    },
    "device_code": {"expired": ("400 BAD REQUEST", '"expired_token"', "RFC 8628 section 3.5")},
    "jwt_bearer": {
        "signer": ("401 UNAUTHORIZED", "vouches for nobody"),
        "assertion": ("400 BAD REQUEST", '"invalid_grant"', "its signature is wrong"),
    },
    "saml2_bearer": {"assertion": ("400 BAD REQUEST", '"invalid_grant"', "its signature is wrong")},
    "registration": {"registration": ("400 BAD REQUEST", '"invalid_redirect_uri"', "javascript:alert(1)", "RFC 7591")},
    "par": {"pushed": ("400 BAD REQUEST", "Check request_uri", "the request_uri is unknown")},
    "jar": {"request": ("400 BAD REQUEST", "Check signature of the request", "RFC 9101 section 6.2")},
    "jarm": {"scope": ("302 FOUND", "to the app: invalid_scope", "Got weather:control")},
    "dpop": {
        "key": ("400 BAD REQUEST", '"invalid_grant"', "Check key of the code", "RFC 9449 sections 5 and 10"),
        "proof": ("400 BAD REQUEST", '"invalid_dpop_proof"', "Check DPoP proof"),
        "bearer": ("401 UNAUTHORIZED", '"invalid_token"', "Check scheme of the token"),
    },
    "mtls": {"certificate": ("401 UNAUTHORIZED", '"invalid_client"', "no certificate")},
    "fapi2": {
        "credentials": ("401 UNAUTHORIZED", '"invalid_client"', "its signature is wrong"),
        "key": ("401 UNAUTHORIZED", '"invalid_token"', "Check key of the token", "RFC 9449"),
    },
    "password": {"password": ("400 BAD REQUEST", '"invalid_grant"', "which of the two was wrong")},
    "logout": {"logout": ("400 BAD REQUEST", "Check redirect URI", "https://evil.example/callback")},
}


@pytest.fixture
def alice(playground_url: str) -> Player:
    return Player(playground_url)


def go_on(player: Player) -> bool:
    """Do the next step; whether there was one."""
    if "Go there in this browser" in player.page.text:
        player.decide(without=("weather:write",))
    elif "I have approved" in player.page.text:
        player.approve_device()
        player.press()
    elif SEND in player.page.text:
        player.press()
    else:
        return False
    return True


@pytest.mark.parametrize("flow", TRIED)
def test_it_is_sent_refused_and_explained_and_the_walk_goes_on_to_its_end(alice: Player, flow: str) -> None:
    left = dict(TRIED[flow])
    alice.start(flow)
    for _ in range(40):
        step = re.findall(r"Step \d+ of \d+", alice.text())
        for name in [name for name in alice.breaks() if name in left]:
            said = alice.break_it(name)
            for words in left.pop(name):
                assert words in said, said
            assert f"On purpose: {BREAKS[name].label.lower()[:5]}" in said.replace("On purpose: A", "On purpose: a")
            assert BREAKS[name].why in said
            assert re.search("<(ins|del)>", alice.page.text) or name in ("expired", "ended"), (
                "it shows what was changed"
            )
            assert re.findall(r"Step \d+ of \d+", alice.text()) == step
        if not go_on(alice):
            break
    assert left == {}
    assert END in alice.text()


def test_every_way_to_break_something_is_tried() -> None:
    assert {name for tried in TRIED.values() for name in tried} == BREAKS.keys()


class TestTwice:
    def test_a_code_that_comes_twice_ends_the_walk_as_all_that_it_gave_has_ended(self, alice: Player) -> None:
        alice.start("authorization_code")
        alice.decide()
        assert "replay" not in alice.breaks()
        alice.press()
        assert "one that was used at" in alice.break_it("replay")
        told = alice.text()
        assert "That broke it" in told
        assert "All that the code or refresh token gave has ended" in told
        assert "Ended at step 2" in told
        assert SEND not in alice.page.text
        token = re.findall(r'"access_token": "([^"]+)"', told)[0]
        me = alice.url.replace("/playground", "/api/me")
        assert requests.get(me, headers={"Authorization": f"Bearer {token}"}).status_code == 401
        alice.press()  # "Walk it again"
        assert "Step 1 of 13" in alice.text()

    @pytest.mark.parametrize("flow", ["jwt_bearer", "saml2_bearer", "device_code", "dpop", "fapi2"])
    def test_what_else_is_good_once_is_refused_and_does_no_harm(self, alice: Player, flow: str) -> None:
        alice.start(flow)
        while "replay" not in alice.breaks():
            assert go_on(alice)
        assert re.search(r"4\d\d (BAD REQUEST|UNAUTHORIZED)", alice.break_it("replay"))
        while go_on(alice):
            pass
        assert END in alice.text()

    def test_the_same_may_be_broken_again(self, alice: Player) -> None:
        alice.start("client_credentials")
        for _ in range(2):
            assert "invalid_scope" in alice.break_it("scope")
        alice.press()
        assert '"access_token":' in alice.text()


class TestMisuse:
    def broken(self, player: Player, **form: str) -> requests.Response:
        return player.browser.post(player.page.url.partition("#")[0] + "/break", data=form)

    @pytest.mark.parametrize("form", [
        {}, {"break": "scope"}, {"position": "0", "break": "scope"}, {"position": "x", "break": "scope"},
        {"position": "1", "break": "nonsense"}, {"position": "1", "break": "replay"}, {"position": "1", "break": "key"},
    ])  # fmt: skip
    def test_what_no_button_of_the_page_sends_does_nothing(self, alice: Player, form: dict[str, str]) -> None:
        alice.start("client_credentials")
        page = self.broken(alice, **form)
        assert page.status_code == 200
        assert page.text == alice.page.text

    def test_a_button_of_an_old_page_does_nothing(self, alice: Player) -> None:
        alice.start("client_credentials")
        alice.press()
        assert self.broken(alice, position="1", **{"break": "scope"}).text == alice.page.text

    def test_nobody_breaks_anothers_walk(self, alice: Player, playground_url: str) -> None:
        alice.start("client_credentials")
        stranger = Player(playground_url)
        stranger.page = alice.page
        assert self.broken(stranger, position="1", **{"break": "scope"}).status_code == 404

    def test_nobody_else_has_the_server_explain_a_refusal(self, playground_url: str) -> None:
        for name in ("", "x"):
            answer = requests.post(f"{playground_url}/oauth/token", headers={"X-Playground-Why": name})
            assert answer.json()["error"] == "invalid_request"

    def test_there_is_an_end_to_it(self) -> None:
        secrets = {"weather-station": "x", "weather-api": "x"}
        walk = Runs().begin("somebody", BY_NAME["password"], "opaque", "http://127.0.0.1:1", secrets)
        walk.broken = breaking.MOST
        before = list(walk.to.story)
        breaking.break_it(walk, walk.position, "password", Inside())
        assert walk.to.story == before
        walk.broken = 0
        breaking.break_it(walk, walk.position, "password", Inside())
        assert "can't be reached" in walk.problem

"""What a program learns from an ID token: who signed in, when, and that the tokens belong together (OIDC Core section 2)."""

import hashlib
import math
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Any

import pytest

from flask_oauth_gateway.oidc.claims import UnusableClaims
from tests.support.clock import Clock
from tests.support.device import decide
from tests.support.relying_party import CLAIMS, MakeParty, RelyingParty
from tests.support.site import DEVICE_CODE, READ

FORMATS = ["opaque", "jwt"]


def left_half(token: str, name: str = "sha256") -> str:
    digest = hashlib.new(name, token.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


@pytest.mark.parametrize("access_token_format", FORMATS)
def test_a_code_with_openid_gives_an_id_token_with_the_nonce_as_it_came(
    make_party: MakeParty, access_token_format: str
) -> None:
    party = make_party(OAUTH_ACCESS_TOKEN_FORMAT=access_token_format)
    claims = party.sign_in(nonce="n-0S6_WzA2Mj ü")
    assert claims["sub"] == "alice"
    assert claims["nonce"] == "n-0S6_WzA2Mj ü"
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["at_hash"] == left_half(party.tokens["access_token"])
    assert claims.keys() == {"iss", "sub", "aud", "exp", "iat", "nonce", "sid", "at_hash"}, "nothing is invented"


def test_without_openid_it_is_plain_oauth(party: RelyingParty) -> None:
    tokens = party.trade(party.site.code(party.client, scope=READ, nonce="n", claims="no JSON"))
    assert "id_token" not in tokens
    assert party.asked == []


def test_with_openid_connect_off_nothing_of_it_is_there(make_party: MakeParty) -> None:
    party = make_party(
        {"scope": "openid"}, OAUTH_OIDC=False, OAUTH_SCOPES={"openid": "An app's own scope", "weather:read": "Read"}
    )
    assert "id_token" not in party.trade(party.site.code(party.client, scope="openid", nonce="n"))
    browser = party.site.app.test_client()
    assert browser.get("/oauth/userinfo").status_code == 404
    assert browser.get("/.well-known/openid-configuration").status_code == 404


def test_it_says_how_the_user_signed_in_as_far_as_the_app_knows(party: RelyingParty) -> None:
    party.site.gateway.login_details(lambda _: {"auth_time": 1700000000, "acr": "2", "amr": ["pwd", "otp"]})
    claims = party.sign_in()
    assert (claims["auth_time"], claims["acr"], claims["amr"]) == (1700000000, "2", ["pwd", "otp"])
    assert "nonce" not in claims


@pytest.mark.parametrize(
    ("given", "said", "wrong"),
    [
        ({"auth_time": 1700000000.7, "amr": ("pwd",)}, {"auth_time": 1700000000, "amr": ["pwd"]}, ""),
        ({"auth_time": "yesterday", "acr": "2"}, {"acr": "2"}, "(auth_time: a str)"),
        ({"auth_time": datetime(2026, 1, 31), "amr": "pwd"}, {}, "(auth_time: a datetime, amr: a str)"),  # noqa: DTZ001
        ({"auth_time": True, "acr": 2}, {}, "(auth_time: a bool, acr: a int)"),
        ({"auth_time": math.inf, "amr": ["pwd", 1]}, {}, "(auth_time: a float, amr: a list)"),
        ([1700000000], {}, "(a list)"),
        ({"auth_time": None, "acr": "", "amr": []}, {}, ""),
    ],
)
def test_what_no_token_can_say_of_a_sign_in_is_left_out_with_a_line_in_the_log(
    party: RelyingParty, caplog: pytest.LogCaptureFixture, given: Any, said: dict[str, Any], wrong: str
) -> None:
    party.site.gateway.login_details(lambda _: given)
    claims = party.sign_in()
    assert {name: claims[name] for name in ("auth_time", "acr", "amr") if name in claims} == said
    lines = {each.getMessage() for each in caplog.records if "login_details" in each.getMessage()}
    assert len(lines) == bool(wrong)
    assert all(wrong in line and "auth_time (seconds since 1970)" in line for line in lines)


@pytest.mark.parametrize("given", [["email"], {1: "one"}, "alice@example.com"])
def test_claims_that_are_no_dict_are_an_error_that_names_the_hook(party: RelyingParty, given: Any) -> None:
    party.site.gateway.user_claims(lambda _user, _scopes: given)
    party.sign_in()
    with pytest.raises(UnusableClaims, match="The user_claims hook gave a "):
        party.userinfo()


@pytest.mark.parametrize("access_token_format", FORMATS)
def test_a_refresh_gives_the_same_sign_in_at_a_new_time_and_no_nonce(
    make_party: MakeParty, clock: Clock, access_token_format: str
) -> None:
    party = make_party(OAUTH_ACCESS_TOKEN_FORMAT=access_token_format)
    party.site.gateway.login_details(lambda _: {"auth_time": 1700000000, "amr": ["pwd"]})
    first = party.sign_in(nonce="n")
    clock.advance(100)
    party.site.gateway.login_details(lambda _: {"auth_time": 1800000000})
    for _ in range(2):
        again = party.read(party.refresh()["id_token"])
        assert {name: again[name] for name in ("iss", "sub", "aud", "auth_time", "amr")} == {
            name: first[name] for name in ("iss", "sub", "aud", "auth_time", "amr")
        }
        assert again["iat"] >= first["iat"] + 100
        assert "nonce" not in again
        assert again["at_hash"] == left_half(party.tokens["access_token"])


def test_a_refresh_for_fewer_scopes_without_openid_gives_none(party: RelyingParty) -> None:
    party.sign_in(scope=f"openid {READ}")
    assert "id_token" not in party.refresh(scope=READ)


def test_the_repeat_of_a_refresh_whose_answer_was_lost_has_an_id_token_too(make_party: MakeParty) -> None:
    party = make_party(OAUTH_REFRESH_TOKEN_GRACE=60)
    party.sign_in()
    before = dict(party.tokens)
    first = party.refresh()
    party.tokens = before
    again = party.refresh()
    assert again["access_token"] == first["access_token"]
    assert party.read(again["id_token"])["at_hash"] == left_half(again["access_token"])


def test_a_device_s_user_is_told_to_it_too(make_party: MakeParty) -> None:
    party = make_party({"grant_types": [DEVICE_CODE], "redirect_uris": []})
    asked = party.site.post(party.client, "/oauth/device_authorization", scope="openid email").get_json()
    decide(party.site, asked["user_code"])
    tokens = party.site.post(
        party.client, "/oauth/token", grant_type=DEVICE_CODE, device_code=asked["device_code"]
    ).get_json()
    assert party.read(tokens["id_token"])["sub"] == "alice"


@pytest.mark.parametrize(
    ("algorithm", "hash_name"), [("RS256", "sha256"), ("ES256", "sha256"), ("PS256", "sha256"), ("EdDSA", "sha512")]
)
def test_it_is_signed_as_the_client_registered(make_party: MakeParty, algorithm: str, hash_name: str) -> None:
    party = make_party({"id_token_signed_response_alg": algorithm})
    claims = party.sign_in()
    assert party.decode(party.tokens["id_token"]).header["alg"] == algorithm
    assert claims["at_hash"] == left_half(party.tokens["access_token"], hash_name)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS1", 5, ""])
def test_nothing_else_can_be_registered(party: RelyingParty, algorithm: Any) -> None:
    with pytest.raises(ValueError, match="id_token_signed_response_alg"):
        party.site.register(id_token_signed_response_alg=algorithm)


def test_scopes_of_claims_put_them_into_it_only_where_that_is_wanted(make_party: MakeParty) -> None:
    asked = {"scope": "openid email"}
    assert "email" not in make_party().sign_in(**asked)
    for party in (make_party(OAUTH_ID_TOKEN_CLAIMS="all"), make_party({"id_token_claims": "all"})):
        claims = party.sign_in(**asked)
        assert claims["email"] == CLAIMS["email"]
        assert claims["groups"] == CLAIMS["groups"], "what no scope governs leaves as the hook gave it"
        assert "name" not in claims
        assert (claims["sub"], claims["iss"]) == ("alice", "http://localhost"), "the hook can't say these"
        assert "nonce" not in claims
    party = make_party({"id_token_claims": "requested"}, OAUTH_ID_TOKEN_CLAIMS="all")
    assert "email" not in party.sign_in(**asked)


def test_a_hook_that_fails_spends_no_code(party: RelyingParty) -> None:
    party.site.app.config["PROPAGATE_EXCEPTIONS"] = False
    code = party.site.code(party.client, scope="openid", claims='{"id_token": {"email": null}}')
    knows = party.site.gateway.hooks.user_claims

    def fail(user: Any, scopes: frozenset[str]) -> dict[str, Any]:
        raise RuntimeError("the directory is away")

    party.site.gateway.user_claims(fail)
    with pytest.raises(AssertionError):
        party.trade(code)
    assert knows is not None
    party.site.gateway.user_claims(knows)
    assert party.read(party.trade(code)["id_token"])["email"] == CLAIMS["email"]

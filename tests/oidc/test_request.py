"""What a program may say of a sign-in in its request: which user, how recently, how strongly, in which language (OIDC Core)."""

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt

from tests.support.device import decide
from tests.support.relying_party import MakeParty, RelyingParty
from tests.support.signing import Signer
from tests.support.site import DEVICE_CODE, REDIRECT_URI, Page, answer, location, split


def refused(party: RelyingParty, **parameters: Any) -> dict[str, str]:
    """The error that the program gets."""
    found = answer(party.site.approve(party.client, **{"scope": "openid"} | parameters))
    assert "code" not in found
    return found


def sent_to_login(party: RelyingParty, **parameters: Any) -> dict[str, str]:
    """The parameters with which the browser arrives at the sign-in page."""
    response = party.site.ask(party.client, **{"scope": "openid"} | parameters)
    assert response.status_code in (302, 303), response.text
    assert urlsplit(response.location).path == "/login", response.location
    return {name: values[0] for name, values in parse_qs(urlsplit(response.location).query).items()}


def come_back(party: RelyingParty, next_: str) -> dict[str, str]:
    """The browser returns from the sign-in; what the program gets in the end."""
    response = party.site.browser.get(next_)
    if response.status_code == 200:
        response = party.site.send(Page(response))
    return answer(location(response))


@pytest.fixture
def party(make_party: MakeParty) -> RelyingParty:
    return make_party(OAUTH_LOGIN_URL="/login")


# id_token_hint


def test_a_hint_of_the_user_who_is_signed_in_changes_nothing(party: RelyingParty) -> None:
    party.sign_in()
    hint = party.tokens["id_token"]
    assert party.sign_in(id_token_hint=hint)["sub"] == "alice"
    assert "code" in answer(party.site.approve(party.client, scope="openid", prompt="none", id_token_hint=hint))


def test_a_hint_may_have_expired(make_party: MakeParty, clock: Any) -> None:
    party = make_party(OAUTH_ID_TOKEN_LIFETIME=60)
    party.sign_in()
    hint = party.tokens["id_token"]
    clock.advance(86400)
    assert party.sign_in(id_token_hint=hint)["sub"] == "alice"


def test_a_hint_of_another_user_asks_for_that_user(party: RelyingParty) -> None:
    party.sign_in()
    hint = party.tokens["id_token"]
    party.site.person = "bob"
    assert refused(party, prompt="none", id_token_hint=hint)["error"] == "login_required"
    next_ = sent_to_login(party, id_token_hint=hint)["next"]
    assert come_back(party, next_)["error"] == "login_required", "bob again"
    next_ = sent_to_login(party, id_token_hint=hint)["next"]
    party.site.person = "alice"
    assert party.read(party.trade(come_back(party, next_)["code"])["id_token"])["sub"] == "alice"


def test_a_hint_that_is_not_ours_or_not_this_client_s_is_refused(party: RelyingParty) -> None:
    party.sign_in()
    theirs, here = party.tokens["id_token"], party.site.app
    other = RelyingParty(party.site)
    assert refused(other, id_token_hint=theirs)["error"] == "invalid_request"
    claims = party.decode(theirs).claims
    forged = Signer().sign(dict(claims))
    for hint in ("junk", "a.b.c", forged, theirs[:-4] + "AAAA", party.tokens["access_token"]):
        assert refused(party, id_token_hint=hint)["error"] == "invalid_request"
    unsigned = theirs.split(".")
    assert refused(party, id_token_hint=f"eyJhbGciOiJub25lIn0.{unsigned[1]}.AAAA")["error"] == "invalid_request"
    assert here.testing


def test_a_jwt_access_token_is_no_hint(make_party: MakeParty) -> None:
    party = make_party(OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_LOGIN_URL="/login")
    party.sign_in()
    assert refused(party, id_token_hint=party.tokens["access_token"])["error"] == "invalid_request"


# max_age, auth_time


def test_where_the_app_cannot_tell_when_it_is_the_moment_of_the_return(party: RelyingParty) -> None:
    next_ = sent_to_login(party, max_age="100")["next"]
    before = int(time.time())
    code = come_back(party, next_)["code"]
    claims = party.read(party.trade(code)["id_token"])
    assert before <= claims["auth_time"] <= time.time()


def test_the_app_s_own_time_comes_first(party: RelyingParty) -> None:
    now = int(time.time())
    party.site.gateway.login_details(lambda _: {"auth_time": now - 50})
    assert party.sign_in(max_age="100")["auth_time"] == now - 50
    assert "next" in sent_to_login(party, max_age="10")


def test_the_time_is_told_unasked_where_the_client_registered_so(make_party: MakeParty) -> None:
    for metadata in ({"require_auth_time": True}, {"default_max_age": 600}):
        party = make_party(metadata, OAUTH_LOGIN_URL="/login")
        code = come_back(party, sent_to_login(party)["next"])["code"]
        assert party.read(party.trade(code)["id_token"])["auth_time"] <= time.time()


def test_the_time_as_an_essential_claim_is_told(party: RelyingParty) -> None:
    claims = json.dumps({"id_token": {"auth_time": {"essential": True}}})
    code = come_back(party, sent_to_login(party, claims=claims)["next"])["code"]
    assert "auth_time" in party.read(party.trade(code)["id_token"])


def test_one_return_is_good_for_one_answer_and_its_time_is_that_of_the_return(party: RelyingParty) -> None:
    next_ = sent_to_login(party, max_age="100")["next"]
    cookie = party.site.browser.get_cookie("oauth_relogin", path="/oauth/authorize")
    assert cookie is not None
    assert "code" in come_back(party, next_)
    party.site.browser.set_cookie("oauth_relogin", cookie.value, path="/oauth/authorize")
    response = party.site.browser.get(next_)
    assert urlsplit(response.location).path == "/login", "the kept cookie is used up, whatever the time says"


@pytest.mark.parametrize("max_age", ["x", "-1", "1.5", "1" * 20])
def test_a_max_age_that_is_no_number_is_refused(party: RelyingParty, max_age: str) -> None:
    assert refused(party, max_age=max_age)["error"] == "invalid_request"


# claims: sub and acr


def test_a_sub_that_is_asked_for_must_be_the_user_s(party: RelyingParty) -> None:
    for place in ("id_token", "userinfo"):
        assert "code" in answer(
            party.site.approve(party.client, scope="openid", claims=json.dumps({place: {"sub": {"value": "alice"}}}))
        )
        for wrong in ({"value": "bob"}, {"values": ["bob", 5]}):
            assert refused(party, claims=json.dumps({place: {"sub": wrong}}))["error"] == "login_required"


def test_an_essential_acr_that_the_sign_in_does_not_reach_is_an_error(party: RelyingParty) -> None:
    claims = json.dumps({"id_token": {"acr": {"essential": True, "values": ["gold", "silver"]}}})
    party.site.gateway.login_details(lambda _: {"acr": "silver"})
    assert party.sign_in(claims=claims)["acr"] == "silver"
    party.site.gateway.login_details(lambda _: {"acr": "wood", "auth_time": int(time.time())})
    next_ = sent_to_login(party, claims=claims)["next"]
    assert come_back(party, next_)["error"] in ("unmet_authentication_requirements", "login_required")
    party.site.gateway.login_details(lambda _: {})
    next_ = sent_to_login(party, claims=claims)["next"]
    assert come_back(party, next_)["error"] == "unmet_authentication_requirements"
    assert refused(party, claims=claims, prompt="none")["error"] in (
        "unmet_authentication_requirements",
        "login_required",
    )


def test_a_voluntary_acr_is_no_condition(party: RelyingParty) -> None:
    claims = json.dumps({"id_token": {"acr": {"value": "gold"}}})
    party.sign_in(claims=claims)
    assert "acr" not in party.read(party.tokens["id_token"])


# prompt=create, ui_locales, and parameters that are not taken


def test_an_account_is_made_where_the_app_says_so(make_party: MakeParty) -> None:
    party = make_party(OAUTH_LOGIN_URL="/login", OAUTH_SIGNUP_URL="/signup")
    response = party.site.ask(party.client, scope="openid", prompt="create")
    assert urlsplit(response.location).path == "/signup"
    next_ = parse_qs(urlsplit(response.location).query)["next"][0]
    assert "code" in come_back(party, next_)
    document = party.site.app.test_client().get("/.well-known/openid-configuration").get_json()
    assert "create" in document["prompt_values_supported"]


def test_without_such_a_page_nobody_is_sent_there(party: RelyingParty) -> None:
    assert refused(party, prompt="create")["error"] == "invalid_request"
    document = party.site.app.test_client().get("/.well-known/openid-configuration").get_json()
    assert document["prompt_values_supported"] == ["none", "login", "consent", "select_account"]


def test_the_page_is_in_the_language_that_the_request_names(make_party: MakeParty) -> None:
    from flask_babel import Babel

    party = make_party()
    Babel(party.site.app)
    for wanted, language in (("xx-bad fr-CA de", "fr-CA"), ("de", "de"), ("tlh zz", "en"), ("en de", "en")):
        response = party.site.ask(party.client, scope="openid", ui_locales=wanted)
        assert f'<html lang="{language}"' in response.text, wanted
    assert '<html lang="en"' in party.site.ask(party.client, scope="openid").text


@pytest.mark.parametrize("display", ["page", "popup", "touch", "what"])
def test_display_claims_locales_and_unknown_parameters_change_nothing(party: RelyingParty, display: str) -> None:
    assert party.sign_in(display=display, claims_locales="fr de", foo="bar")["sub"] == "alice"


@pytest.mark.parametrize("name", ["request", "request_uri", "registration"])
def test_what_is_not_supported_is_said_to_be_so(party: RelyingParty, name: str) -> None:
    assert refused(party, **{name: "x"})["error"] == f"{name}_not_supported"


def test_a_nonce_that_is_too_long_is_refused(party: RelyingParty) -> None:
    assert party.sign_in(nonce="n" * 2048)["nonce"] == "n" * 2048
    assert refused(party, nonce="n" * 2049)["error"] == "invalid_request"
    assert refused(party, nonce="ü" * 1025)["error"] == "invalid_request"


# PKCE


@pytest.mark.parametrize("how", ["server", "client"])
def test_a_confidential_client_may_send_a_nonce_instead_of_pkce(make_party: MakeParty, how: str) -> None:
    without = {"code_challenge": None, "code_challenge_method": None}
    party = make_party() if how == "client" else make_party(OAUTH_REQUIRE_PKCE="nonce")
    metadata = {"require_pkce": False} if how == "client" else {}
    trusting = RelyingParty(party.site, **metadata)
    code = party.site.code(trusting.client, scope="openid", nonce="n", **without)
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    assert party.site.post(trusting.client, "/oauth/token", **data).status_code == 200
    assert refused(trusting, **without)["error"] == "invalid_request", "neither"
    assert refused(trusting, scope="email", nonce="n", **without)["error"] == "invalid_request", "no sign-in"
    public = RelyingParty(party.site, token_endpoint_auth_method="none", **metadata)
    assert refused(public, nonce="n", **without)["error"] == "invalid_request", "a public client has no secret"
    assert trusting.sign_in(nonce="n")["nonce"] == "n", "PKCE does as well"


def test_an_unsigned_jwt_is_never_read(party: RelyingParty) -> None:
    party.sign_in()
    assert isinstance(party.decode(party.tokens["id_token"]), jwt.Token)


def test_a_strength_that_is_only_wished_for_refuses_nobody(party: RelyingParty) -> None:
    """`acr_values` and `default_acr_values` are voluntary (OIDC Core section 3.1.2.1); the token says what was reached."""
    wishing = RelyingParty(party.site, default_acr_values=["gold"])
    party.site.gateway.login_details(lambda _: {"acr": "wood", "auth_time": int(time.time()) - 100})
    for who, wish in ((party, {"acr_values": "gold silver"}), (wishing, {})):
        next_ = sent_to_login(who, **wish)["next"]
        code = come_back(who, next_)["code"]
        assert who.read(who.trade(code)["id_token"])["acr"] == "wood", "nobody could do any better"
        assert "code" in answer(who.site.approve(who.client, scope="openid", prompt="none", **wish))


def test_a_device_s_user_signs_in_again_where_the_program_asks_for_that(make_party: MakeParty) -> None:
    metadata = {"grant_types": [DEVICE_CODE], "redirect_uris": [], "default_max_age": 600}
    party = make_party(metadata, OAUTH_LOGIN_URL="/login")
    at = {"auth_time": int(time.time()) - 700}
    party.site.gateway.login_details(lambda _: at)
    asked = party.site.post(party.client, "/oauth/device_authorization", scope="openid").get_json()
    page = Page(party.site.browser.get("/oauth/device"))
    sent = {"form_token": page.hidden("form_token"), "user_code": asked["user_code"]}
    path, parameters = split(party.site.browser.post("/oauth/device", data=sent).location)
    assert path == "/login"
    assert parameters["next"] == f"/oauth/device?user_code={asked['user_code']}"
    at["auth_time"] = int(time.time())
    assert asked["user_code"] in party.site.browser.get(parameters["next"]).text
    decide(party.site, asked["user_code"])
    data = {"grant_type": DEVICE_CODE, "device_code": asked["device_code"]}
    tokens = party.site.post(party.client, "/oauth/token", **data).get_json()
    assert party.read(tokens["id_token"])["auth_time"] == at["auth_time"]

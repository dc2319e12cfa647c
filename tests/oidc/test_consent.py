"""What a program asks for by name beyond its scopes: the user is asked, may refuse, and isn't asked twice (OIDC Core 5.5)."""

import datetime
import json
import time
from typing import Any

import pytest

from tests.support.app import bearer
from tests.support.relying_party import CLAIMS, MakeParty, RelyingParty
from tests.support.signing import Signer
from tests.support.site import Page, answer, location

ASKED = json.dumps({"userinfo": {"email": None, "phone_number": {"essential": True}}, "id_token": {"address": None}})
BEYOND = ["openid#email", "openid#phone_number", "openid#address"]


def decide(party: RelyingParty, ticked: str | None = None, **parameters: Any) -> dict[str, Any]:
    """What the program learns after the user ticked these, or everything."""
    response = party.site.ask(party.client, **{"scope": "openid", "claims": ASKED} | parameters)
    page = Page(response)
    code = answer(location(party.site.send(page, ticked)))["code"]
    party.tokens = party.trade(code)
    return {**party.read(party.tokens["id_token"]), **party.userinfo().get_json()}


def test_the_page_names_each_and_only_what_is_ticked_leaves(party: RelyingParty) -> None:
    response = party.site.ask(party.client, scope="openid", claims=ASKED)
    assert "See this about you: phone_number" in response.text
    assert sorted(Page(response).boxes) == sorted(["openid", *BEYOND])
    learned = decide(party, "openid openid#email")
    assert learned["email"] == CLAIMS["email"]
    assert learned.keys().isdisjoint({"phone_number", "address"})
    assert party.tokens["scope"] == "openid"


def test_who_allowed_them_is_not_asked_again_and_for_more_is(party: RelyingParty) -> None:
    decide(party)
    silent = {"scope": "openid", "prompt": "none"}
    assert "code" in answer(party.site.approve(party.client, claims=ASKED, **silent))
    more = json.dumps({"userinfo": {"phone_number": None, "name": None}})
    assert answer(party.site.approve(party.client, claims=more, **silent))["error"] == "consent_required"


def test_consent_for_openid_alone_gives_no_claims_silently(party: RelyingParty) -> None:
    party.sign_in()
    found = answer(party.site.approve(party.client, scope="openid", prompt="none", claims=ASKED))
    assert found["error"] == "consent_required"


def test_a_scope_that_is_unticked_takes_its_claims_with_it(party: RelyingParty) -> None:
    claims = json.dumps({"userinfo": {"email": None}, "id_token": {"email": None}})
    learned = decide(party, "openid", scope="openid email", claims=claims)
    assert "email" not in learned


def test_first_party_programs_learn_them_unasked(make_party: MakeParty) -> None:
    party = make_party({"skip_consent": True})
    party.sign_in(claims=ASKED)
    assert party.userinfo().get_json()["phone_number"] == CLAIMS["phone_number"]


def test_claims_with_a_language_are_let_out_as_those_without(make_party: MakeParty) -> None:
    party = make_party()
    party.site.gateway.user_claims(lambda *_: {"family_name": "Smith", "family_name#ja": "スミス", "email#x": "e"})
    party.sign_in()
    assert party.userinfo().get_json() == {"sub": "alice"}
    party.sign_in(scope="openid profile")
    assert party.userinfo().get_json() == {"sub": "alice", "family_name": "Smith", "family_name#ja": "スミス"}


def test_half_a_surrogate_pair_is_no_claim_s_name(party: RelyingParty) -> None:
    found = answer(party.site.approve(party.client, scope="openid", claims='{"userinfo": {"\\ud800": null}}'))
    assert found["error"] == "invalid_request"


def test_a_claim_that_cannot_be_sent_costs_no_code(party: RelyingParty) -> None:
    party.site.app.config["PROPAGATE_EXCEPTIONS"] = False
    knows = party.site.gateway.hooks.user_claims
    party.site.gateway.user_claims(lambda *_: {"address": datetime.date(2000, 1, 1)})
    code = answer(party.site.approve(party.client, scope="openid", claims=ASKED))["code"]
    with pytest.raises(AssertionError):
        party.trade(code)
    assert knows is not None
    party.site.gateway.user_claims(knows)
    assert "id_token" in party.trade(code)


def test_another_server_s_user_of_the_same_name_is_nobody_here(make_party: MakeParty) -> None:
    signer = Signer()
    other = "https://other.example"
    party = make_party(OAUTH_TRUSTED_TOKEN_ISSUERS={other: {"jwks": signer.jwks(), "audience": "http://localhost"}})
    claims = {
        "iss": other,
        "sub": "alice",
        "aud": "http://localhost",
        "scope": "openid profile email",
        "client_id": "x",
    }
    token = signer.sign(claims | {"exp": int(time.time()) + 600, "iat": int(time.time()), "jti": "1"}, typ="at+jwt")
    me = party.site.app.test_client().get("/me", headers=bearer(token))
    assert me.status_code == 200, "a view of the app takes it"
    refused = party.userinfo(token)
    assert (refused.status_code, refused.get_json()["error"]) == (401, "invalid_token")


def test_access_tokens_are_signed_as_configured_whoever_signed_in_first(make_party: MakeParty) -> None:
    party = make_party({"id_token_signed_response_alg": "EdDSA"}, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    party.sign_in()
    assert party.decode(party.tokens["access_token"]).header["alg"] == "ES256"
    keys = party.site.app.test_client().get("/oauth/jwks").get_json()["keys"]
    assert {key["alg"] for key in keys} == {"ES256", "RS256", "EdDSA"}


def test_opening_the_request_once_more_is_no_sign_in(make_party: MakeParty) -> None:
    party = make_party(OAUTH_LOGIN_URL="/login")
    for parameters in ({"max_age": "60"}, {"prompt": "login"}):
        for _ in range(3):
            response = party.site.ask(party.client, scope="openid", **parameters)
            assert response.location.startswith("/login"), "nobody has signed in since"


def test_another_account_leaves_the_rest_of_the_request_as_it_is(make_party: MakeParty) -> None:
    party = make_party(OAUTH_LOGIN_URL="/login")
    party.sign_in()
    response = party.site.ask(
        party.client, scope="openid email", prompt="consent", id_token_hint=party.tokens["id_token"]
    )
    assert "prompt=consent+select_account" in response.text
    assert "id_token_hint" not in response.text.split("prompt=consent+select_account")[0].rsplit('"', 1)[1]

"""`/oauth/userinfo`: who the user of an access token is, and no more than the user allowed (OIDC Core section 5.3)."""

import json
import time
from typing import Any

import pytest

from tests.support.app import basic, bearer
from tests.support.relying_party import CLAIMS, MakeParty, RelyingParty
from tests.support.site import READ
from tests.support.statements import statements_of
from tests.support.stored import database_of

BY_SCOPE = {
    "profile": {"name", "updated_at", "preferred_username"},
    "email": {"email", "email_verified"},
    "address": {"address"},
    "phone": {"phone_number"},
}


@pytest.mark.parametrize("access_token_format", ["opaque", "jwt"])
@pytest.mark.parametrize("scope", BY_SCOPE)
def test_a_scope_lets_out_its_claims_and_no_others(make_party: MakeParty, scope: str, access_token_format: str) -> None:
    party = make_party(OAUTH_ACCESS_TOKEN_FORMAT=access_token_format)
    party.sign_in(scope=f"openid {scope}")
    answer = party.userinfo()
    assert answer.status_code == 200
    assert answer.get_json().keys() == {"sub", "groups"} | BY_SCOPE[scope]
    assert answer.get_json()["sub"] == "alice"
    assert answer.headers["Cache-Control"] == "no-store"


def test_post_does_the_same(party: RelyingParty) -> None:
    party.sign_in(scope="openid email")
    answer = party.site.app.test_client().post("/oauth/userinfo", headers=bearer(party.tokens["access_token"]))
    assert answer.get_json() == party.userinfo().get_json()


def test_the_body_may_hold_the_token_where_that_is_on(make_party: MakeParty) -> None:
    party = make_party(OAUTH_BEARER_METHODS=["header", "body"])
    party.sign_in()
    browser = party.site.app.test_client()
    assert (
        browser.post("/oauth/userinfo", data={"access_token": party.tokens["access_token"]}).get_json()["sub"]
        == "alice"
    )


def test_scopes_of_the_app_s_own_let_out_their_claims(make_party: MakeParty) -> None:
    config: dict[str, Any] = {
        "OAUTH_SCOPES": {"teams": "See your teams", "weather:read": "Read"},
        "OAUTH_CLAIMS": {"teams": ["groups"]},
    }
    party = make_party({"scope": "openid teams"}, **config)
    party.sign_in(scope="openid")
    assert "groups" not in party.userinfo().get_json()
    party.sign_in(scope="openid teams")
    assert party.userinfo().get_json()["groups"] == CLAIMS["groups"]


def test_the_app_can_t_set_what_a_token_says_by_itself_in_no_language(party: RelyingParty) -> None:
    party.site.gateway.user_claims(lambda *_: {"sub": "bob", "sub#de": "bob", "exp#ja": 1, "nickname#ja": "あ"})
    party.sign_in(scope="openid profile")
    assert party.userinfo().get_json() == {"sub": "alice", "nickname#ja": "あ"}


@pytest.mark.parametrize("access_token_format", ["opaque", "jwt"])
def test_claims_asked_for_by_name_come_where_they_were_asked_for(
    make_party: MakeParty, access_token_format: str
) -> None:
    party = make_party(OAUTH_ACCESS_TOKEN_FORMAT=access_token_format)
    asked = {"userinfo": {"email": {"essential": True}, "unknown": None}, "id_token": {"phone_number": None}, "x": 5}
    claims = party.sign_in(claims=json.dumps(asked))
    assert claims["phone_number"] == CLAIMS["phone_number"]
    assert "email" not in claims
    assert party.userinfo().get_json().keys() == {"sub", "email", "groups"}
    refreshed = party.read(party.refresh()["id_token"])
    assert refreshed["phone_number"] == CLAIMS["phone_number"]
    assert party.userinfo().get_json().keys() == {"sub", "email", "groups"}
    shown = party.site.post(party.client, "/oauth/introspect", token=party.tokens["access_token"]).get_json()
    assert shown["active"] is True
    assert "openid" not in shown


@pytest.mark.parametrize(
    "claims",
    [
        "no JSON", "[]", "5", "null", '"text"', '{"userinfo": []}', '{"id_token": "email"}', '{"userinfo": {"email": 5}}',
        '{"userinfo": {"email": {"values": "x"}}}', '{"userinfo": {"email": {"essential": "yes"}}}',
        '{"userinfo": {"email": ' + "[" * 100 + "]" * 100 + "}}", "[" * 5000, '{"x": "' + "y" * 8192 + '"}',
    ],
)  # fmt: skip
def test_claims_that_are_not_what_they_should_be_are_refused(party: RelyingParty, claims: str) -> None:
    location = party.site.approve(party.client, scope="openid", claims=claims)
    assert "error=invalid_request" in location
    assert "code=" not in location


def test_a_token_without_openid_is_refused(party: RelyingParty) -> None:
    tokens = party.trade(party.site.code(party.client, scope=f"email {READ}"))
    answer = party.userinfo(tokens["access_token"])
    assert (answer.status_code, answer.get_json()["error"]) == (403, "insufficient_scope")
    assert 'scope="openid"' in answer.headers["WWW-Authenticate"]


def test_a_client_s_own_token_is_refused(make_party: MakeParty) -> None:
    party = make_party({"grant_types": ["client_credentials"], "redirect_uris": []})
    token = party.site.post(party.client, "/oauth/token", grant_type="client_credentials", scope="openid").get_json()
    assert "id_token" not in token
    answer = party.userinfo(token["access_token"])
    assert (answer.status_code, answer.get_json()["error"]) == (403, "insufficient_scope")


def test_an_id_token_is_no_access_token(party: RelyingParty) -> None:
    party.sign_in()
    answer = party.userinfo(party.tokens["id_token"])
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_token")


def test_without_a_token_it_says_nothing_of_one(party: RelyingParty) -> None:
    answer = party.site.app.test_client().get("/oauth/userinfo")
    assert answer.status_code == 401
    assert "error" not in answer.headers["WWW-Authenticate"]


def test_a_user_who_is_gone_is_told_of_no_more(party: RelyingParty) -> None:
    party.sign_in()
    del party.site.people["alice"]
    answer = party.userinfo()
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_token")


def test_scripts_of_the_client_may_ask(make_party: MakeParty) -> None:
    party = make_party()
    party.sign_in()
    origin = {"Origin": "https://app.example"}
    asked = party.site.app.test_client().options(
        "/oauth/userinfo", headers={**origin, "Access-Control-Request-Method": "GET"}
    )
    assert asked.headers["Access-Control-Allow-Origin"] in ("https://app.example", "*")
    answer = party.site.app.test_client().get(
        "/oauth/userinfo", headers={**origin, **bearer(party.tokens["access_token"])}
    )
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"


def test_it_takes_one_statement_and_a_code_with_openid_no_more_than_one_without(
    party: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()  # it stands still: what is known for some seconds is so to the end, on a busy machine too
    monkeypatch.setattr(time, "monotonic", lambda: now)
    engine = database_of(party.site.app).engine
    party.sign_in()
    party.userinfo()
    with statements_of(engine) as statements:
        assert party.userinfo().status_code == 200
    assert len(statements) == 1
    counts = []
    for scope in (READ, f"openid {READ}"):
        party.trade(party.site.code(party.client, scope=scope))
        code = party.site.code(party.client, scope=scope)
        with statements_of(engine) as statements:
            party.trade(code)
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_token_for_another_resource_of_this_server_does(make_party: MakeParty) -> None:
    resources = {"/": "https://site.example", "/api": "https://site.example/api"}
    party = make_party(OAUTH_RESOURCES=resources)
    party.sign_in(resource="https://site.example/api")
    assert party.userinfo().status_code == 200


def test_basic_credentials_are_no_token(party: RelyingParty) -> None:
    answer = party.site.app.test_client().get("/oauth/userinfo", headers=basic("a", "b"))
    assert answer.status_code == 401

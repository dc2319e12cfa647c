"""`urn:ietf:params:oauth:grant-type:jwt-bearer`: whose assertions are taken, and what the token is (RFC 7523 section 2.1)."""

import time
from typing import Any

import pytest

from flask_oauth_gateway.signals import assertion_rejected
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import SCOPES, basic, recorded, refusal, server_of
from tests.support.databases import sqlite_only
from tests.support.signing import Signer, claims_of, rsa_key
from tests.support.trading import GRANT, IDP, MakeTrading, Trading

READ, WRITE = SCOPES


def test_an_assertion_of_a_trusted_issuer_becomes_a_token_of_its_client(trading: Trading) -> None:
    answer = trading.trade(trading.assertion())
    assert answer["token_type"] == "Bearer"
    assert answer["scope"] == f"{READ} {WRITE}"
    assert "refresh_token" not in answer
    seen = {"client": "partner", "subject": "alice", "scope": f"{READ} {WRITE}", "grant_type": GRANT, "attributes": {}}
    assert trading.me(answer) == seen
    assert trading.trade(trading.assertion() + "\r\n")  # sent from a file


@sqlite_only
@pytest.mark.parametrize(
    "algorithm", ["ES256", "ES384", "ES512", "RS256", "RS384", "PS256", "PS512", "EdDSA", "Ed25519"]
)
@pytest.mark.parametrize("form", ["jwks", "jwk", "pem", "certificate"])
def test_the_issuer_s_key_is_a_key_set_a_jwk_a_pem_key_or_a_certificate(
    make_trading: MakeTrading, algorithm: str, form: str
) -> None:
    signer = Signer(algorithm)
    key = {"jwks": signer.jwks(), "jwk": signer.jwk(), "pem": signer.pem(), "certificate": signer.certificate()}[form]
    entry = {"jwks": signer.jwks() if form == "jwks" else None, "key": None if form == "jwks" else key}
    trading = make_trading(signer, entry=entry)
    assert trading.me(trading.trade(trading.assertion()))["subject"] == "alice"
    other = Signer(algorithm, key=rsa_key(2048, 1) if algorithm[0] in "RP" else None)
    assert trading.why(other.sign(claims_of(IDP))) == "its signature is wrong"


@sqlite_only
@pytest.mark.parametrize("form", ["jwks", "certificate"])
def test_a_client_may_sign_for_itself_with_what_it_registered(trading: Trading, form: str) -> None:
    own = Signer("RS256")
    keys = {"jwks": own.jwks()} if form == "jwks" else {"certificate": own.certificate()}
    made = trading.register(token_endpoint_auth_method="private_key_jwt", **keys)
    seen = trading.me(trading.trade(own.sign(claims_of(made.client_id))))
    assert (seen["client"], seen["subject"]) == (made.client_id, "alice")
    with_kid = own.sign(claims_of(made.client_id), kid="another")
    assert trading.post(with_kid).status_code == (400 if form == "jwks" else 200)
    other = Signer("RS256", key=rsa_key(2048, 1))
    assert trading.why(other.sign(claims_of(made.client_id))) == "its signature is wrong"


@sqlite_only
@pytest.mark.parametrize("days", [{"since": -9, "until": -1}, {"since": 1, "until": 9}])
def test_a_certificate_counts_while_it_is_valid(make_trading: MakeTrading, days: dict[str, float]) -> None:
    signer = Signer()
    trading = make_trading(signer, entry={"jwks": None, "key": signer.certificate(**days)})
    reason = "its issuer has no key that can be used: its certificate has expired, or is not valid yet"
    assert trading.why(trading.assertion()) == reason
    made = trading.register_signing(signer, jwks=None, certificate=signer.certificate(**days))
    assert trading.why(signer.sign(claims_of(made.client_id))) == reason


def test_a_key_that_another_process_registered_just_now_counts_at_once(make_trading: MakeTrading) -> None:
    here, there = make_trading(), make_trading()
    old, new = Signer(), Signer()
    made = here.register_signing(old)
    there.trade(old.sign(claims_of(made.client_id)))  # remembered there from now on
    here.gateway.clients.update(made.client_id, jwks=new.jwks())
    there.trade(new.sign(claims_of(made.client_id)))
    assert there.why(old.sign(claims_of(made.client_id))) == "its signature is wrong"


# No user


def test_without_a_subject_only_a_client_that_signs_for_itself_gets_a_token_which_is_nobody_s(trading: Trading) -> None:
    own = Signer()
    made = trading.register_signing(own, grant_types=["jwt_bearer", "refresh_token"])
    for subject in (None, made.client_id):  # to be called as the client is makes nobody a user
        answer = trading.trade(own.sign(claims_of(made.client_id, sub=subject)))
        assert trading.me(answer)["subject"] is None
        assert "refresh_token" not in answer
    assert trading.why(trading.assertion(sub=None)) == "it names no subject (sub)"


# Who brings it


@sqlite_only
def test_an_issuer_without_a_client_needs_one_that_authenticates(make_trading: MakeTrading) -> None:
    trading = make_trading(entry={"client_id": None})
    made = trading.register()
    response = trading.post(trading.assertion())
    refusal(response, 401, "invalid_client")
    refusal(trading.post(trading.assertion(), client_id=made.client_id), 401, "invalid_client")
    assert trading.me(trading.trade(trading.assertion(), by=made))["client"] == made.client_id
    form = {"client_id": made.client_id, "client_secret": made.client_secret}
    assert trading.me(trading.trade(trading.assertion(), **form))["client"] == made.client_id


@sqlite_only
def test_authentication_that_is_not_needed_must_be_right(trading: Trading) -> None:
    assert trading.trade(trading.assertion(), by=trading.partner)
    other = trading.register(client_id="other")
    for wrong in (
        {"headers": basic("partner", "wrong")},
        {"headers": {"Authorization": "Bearer x"}},
        {"client_id": "partner", "client_secret": "wrong"},
        {"client_id": "partner", "client_assertion_type": "urn:x"},
        {"client_assertion": "x"},
    ):
        headers = wrong.pop("headers", {})
        sent = {"grant_type": GRANT, "assertion": trading.assertion(), **wrong}
        refusal(trading.client.post("/oauth/token", data=sent, headers=headers), 401, "invalid_client")
    belongs = "it belongs to the client 'partner'; 'other' brought it"
    assert trading.why(trading.assertion(), by=other) == belongs
    assert trading.why(trading.assertion(), client_id="other") == belongs
    assert trading.trade(trading.assertion(), client_id="partner")
    assert trading.trade(trading.assertion(), by=trading.partner, client_id="partner")


def test_a_client_that_is_disabled_unknown_or_not_registered_for_the_grant_gets_nothing(
    make_trading: MakeTrading,
) -> None:
    trading = make_trading()
    trading.gateway.clients.update("partner", enabled=False)
    assert trading.why(trading.assertion()) == "the client 'partner' of its issuer is unknown or disabled"
    trading.gateway.clients.update("partner", enabled=True, grant_types=["client_credentials"])
    refusal(trading.post(trading.assertion()), 400, "unauthorized_client")
    own = Signer()
    made = trading.register_signing(own)
    trading.gateway.clients.update(made.client_id, enabled=False)
    assert "unknown or disabled" in trading.why(own.sign(claims_of(made.client_id)))
    trading.gateway.clients.delete(made.client_id)
    assert "is not trusted here" in trading.why(own.sign(claims_of(made.client_id)))


# Scopes


@sqlite_only
def test_scopes_are_asked_for_in_the_request_or_in_the_assertion(trading: Trading) -> None:
    assert trading.trade(trading.assertion(), scope=READ)["scope"] == READ
    assert trading.trade(trading.assertion(scope=WRITE))["scope"] == WRITE
    assert trading.trade(trading.assertion(scope=f"{READ} {WRITE}"), scope=WRITE)["scope"] == WRITE
    for response in (
        trading.post(trading.assertion(scope=READ), scope=WRITE),  # more than was signed
        trading.post(trading.assertion(), scope="unknown"),
        trading.post(trading.assertion(scope=READ), scope="unknown"),
    ):
        refusal(response, 400, "invalid_scope")


@sqlite_only
@pytest.mark.parametrize(
    "foreign", ["openid profile email", "offline_access profile", "\u00e4 '\"", ["uaa.user"], [], ""]
)
def test_an_issuer_s_own_scopes_in_its_tokens_say_nothing_here(trading: Trading, foreign: Any) -> None:
    """Every token of Keycloak's has some."""
    assert trading.trade(trading.assertion(scope=foreign))["scope"] == f"{READ} {WRITE}"
    assert trading.trade(trading.assertion(scope=foreign), scope=READ)["scope"] == READ
    refusal(trading.post(trading.assertion(scope=foreign), scope="profile"), 400, "invalid_scope")
    ours = [*foreign, READ] if isinstance(foreign, list) else f"{foreign} {READ}"
    assert trading.trade(trading.assertion(scope=ours))["scope"] == READ
    assert trading.trade(trading.assertion(scope=ours), scope=f" {READ}")["scope"] == READ
    assert trading.trade(trading.assertion(scope=ours), scope=" ")["scope"] == READ
    refusal(trading.post(trading.assertion(scope=ours), scope=WRITE), 400, "invalid_scope")


@sqlite_only
def test_a_client_that_signs_for_itself_asks_for_what_it_names(trading: Trading) -> None:
    own = Signer()
    made = trading.register_signing(own)
    assert trading.trade(own.sign(claims_of(made.client_id, scope=READ)))["scope"] == READ
    refusal(trading.post(own.sign(claims_of(made.client_id, scope="weather:raed"))), 400, "invalid_scope")


@sqlite_only
@pytest.mark.parametrize("scope", [5, {}, True, [5], [[READ]]])
def test_a_scope_that_cannot_be_read_might_be_a_limit(trading: Trading, scope: Any) -> None:
    assert trading.why(trading.assertion(scope=scope)) == "its scope is neither a text nor a list of texts"


@sqlite_only
def test_an_entry_may_say_that_the_scope_in_its_issuer_s_tokens_is_none_of_ours(make_trading: MakeTrading) -> None:
    trading = make_trading(entry={"scope_claim": False})
    for scope in (READ, f"profile {READ}", [READ], 5, {}):
        assert trading.trade(trading.assertion(scope=scope))["scope"] == f"{READ} {WRITE}"
        assert trading.trade(trading.assertion(scope=scope), scope=WRITE)["scope"] == WRITE


@sqlite_only
def test_issuer_and_client_each_have_their_limit(make_trading: MakeTrading) -> None:
    trading = make_trading(entry={"scopes": [READ]})
    assert trading.trade(trading.assertion())["scope"] == READ
    refusal(trading.post(trading.assertion(), scope=WRITE), 400, "invalid_scope")
    refusal(trading.post(trading.assertion(scope=f"{READ} {WRITE}")), 400, "invalid_scope")
    trading.gateway.clients.update("partner", scope=WRITE)
    assert trading.trade(trading.assertion())["scope"] == ""
    refusal(trading.post(trading.assertion(), scope=READ), 400, "invalid_scope")


# Whom it stands for


@sqlite_only
def test_map_assertion_says_who_it_is_or_refuses(trading: Trading) -> None:
    @trading.gateway.map_assertion
    def map_assertion(assertion: Any) -> Any:
        assert (assertion.kind, assertion.issuer) == ("jwt", IDP)
        return {"alice": 7, "mallory": None}[assertion.subject] if "mail" not in assertion.claims else "by mail"

    assert trading.me(trading.trade(trading.assertion()))["subject"] == "7"
    assert trading.me(trading.trade(trading.assertion(mail="a@b.example")))["subject"] == "by mail"
    assert trading.why(trading.assertion(sub="mallory")) == "map_assertion refused it"


@sqlite_only
@pytest.mark.parametrize(
    "claims",
    [
        {"typ": "Bearer", "azp": "robot", "preferred_username": "service-account-robot"},
        {"azp": "alice"},
        {"gty": "client-credentials"},
        {"azpacr": "1"},
    ],
)
def test_another_server_s_token_of_a_client_itself_is_no_user_s_unless_map_assertion_says_so(
    trading: Trading, claims: dict[str, Any]
) -> None:
    why = "it is a client's own token, and no user's: map_assertion may say whose it is"
    assert trading.why(trading.assertion(**claims)) == why
    trading.gateway.map_assertion(lambda assertion: f"robot of {assertion.subject}")
    assert trading.me(trading.trade(trading.assertion(**claims)))["subject"] == "robot of alice"


def test_a_subject_that_load_user_does_not_know_is_refused(trading: Trading) -> None:
    trading.gateway.load_user(lambda subject: subject if subject == "alice" else None)
    given = []

    @trading.gateway.token_attributes
    def token_attributes(client: Client, user: Any, scopes: Any, grant_type: str) -> dict[str, Any]:
        given.append((client.client_id, user, grant_type))
        return {"plan": "gold"}

    answer = trading.trade(trading.assertion())
    assert answer["plan"] == "gold"
    assert trading.me(answer)["attributes"] == {"plan": "gold"}
    assert given == [("partner", "alice", GRANT)]
    assert trading.why(trading.assertion(sub="bob")) == "load_user doesn't know its subject 'bob'"


@sqlite_only
def test_a_subject_that_is_none_of_the_app_s_numbers_is_refused_and_no_error_of_the_server(trading: Trading) -> None:
    trading.gateway.load_user(lambda subject: {7: "Alice"}.get(int(subject)))
    assert trading.me(trading.trade(trading.assertion(sub="7")))["subject"] == "7"
    assert trading.why(trading.assertion(sub="alice")) == "load_user doesn't know its subject 'alice'"


# Refresh tokens


def test_a_refresh_token_is_given_where_the_client_may_have_one_and_a_user_takes_part(trading: Trading) -> None:
    users = {"alice": "alice"}
    trading.gateway.load_user(users.get)
    trading.gateway.clients.update("partner", grant_types=["jwt_bearer", "refresh_token"])
    answer = trading.trade(trading.assertion(), scope=READ)
    form = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
    headers = basic("partner", trading.partner.client_secret)
    refusal(trading.client.post("/oauth/token", data=form | {"client_id": "partner"}), 401, "invalid_client")
    refreshed = trading.client.post("/oauth/token", data=form, headers=headers).get_json()
    assert trading.me(refreshed)["subject"] == "alice"
    assert refreshed["scope"] == READ
    refusal(trading.client.post("/oauth/token", data=form, headers=headers), 400, "invalid_grant")  # spent
    users.clear()
    form["refresh_token"] = refreshed["refresh_token"]
    refusal(trading.client.post("/oauth/token", data=form, headers=headers), 400, "invalid_grant")


# What is noted of a refusal


def test_a_refusal_is_told_to_the_log_the_signal_and_the_audit_trail(make_trading: MakeTrading) -> None:
    trading = make_trading()
    with recorded(assertion_rejected, trading.app) as payloads:
        trading.why(trading.assertion(exp=int(time.time()) - 100), by=trading.partner)
        reason = trading.why(trading.assertion(aud="https://other.example"))
    assert [(each["kind"], each["client_id"]) for each in payloads] == [("JWT", "partner"), ("JWT", None)]
    assert payloads[1]["reason"] == reason
    here = "'http://localhost' or 'http://localhost/oauth/token'"
    assert reason == f"its aud is 'https://other.example', which does not name this server ({here})"
    noted = [each for each in server_of(trading.app).audit.newest(9) if each.event == "assertion_rejected"]
    assert [(each.outcome, each.client_id) for each in noted] == [("invalid_grant", None), ("invalid_grant", "partner")]
    assert noted[0].details == {"reason": reason, "kind": "JWT"}


@sqlite_only
def test_a_flood_of_refusals_does_not_fill_the_audit_trail(trading: Trading) -> None:
    for number in range(30):
        trading.why(trading.assertion(iss=f"https://idp{number}.example"))
        trading.why(trading.assertion(exp=int(time.time()) - 100 - number))
    noted = [each for each in server_of(trading.app).audit.newest(99) if each.event == "assertion_rejected"]
    assert len(noted) == 2


@sqlite_only
def test_what_is_no_assertion_at_all_is_an_invalid_request(trading: Trading) -> None:
    refusal(trading.client.post("/oauth/token", data={"grant_type": GRANT}), 400, "invalid_request")
    refusal(trading.post(""), 400, "invalid_request")
    assert "64 KiB" in refusal(trading.post("a" * 65537), 400, "invalid_request")
    sent = f"/oauth/token?assertion={trading.assertion()}"
    refusal(trading.client.post(sent, data={"grant_type": GRANT}), 400, "invalid_request")
    twice = {"grant_type": GRANT, "assertion": [trading.assertion(), trading.assertion()]}
    refusal(trading.client.post("/oauth/token", data=twice), 400, "invalid_request")


@sqlite_only
def test_without_the_grant_nothing_of_it_is_there(make_trading: MakeTrading) -> None:
    trading = make_trading(OAUTH_GRANT_TYPES=["client_credentials"])
    refusal(trading.post(trading.assertion()), 400, "unsupported_grant_type")

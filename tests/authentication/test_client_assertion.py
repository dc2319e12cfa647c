"""`private_key_jwt` and `client_secret_jwt` (RFC 7523 section 2.2), on every endpoint that asks who calls."""

import time
from typing import Any

import pytest

from flask_oauth_gateway.crypto.jose import read
from flask_oauth_gateway.signals import client_authenticated, client_rejected
from tests.support.app import basic, recorded, refusal, server_of
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.signing import Signer, claims_of, rsa_key, token
from tests.support.trading import CLIENT_ASSERTION, GRANT, MakeTrading, Trading

HERE = "http://localhost"
METHODS = ["client_secret_basic", "client_secret_post", "none", "private_key_jwt", "client_secret_jwt"]
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
GRANTS = ["jwt_bearer", "client_credentials", "refresh_token", DEVICE_CODE]
PATHS = ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device_authorization"]


@pytest.fixture
def site(make_trading: MakeTrading) -> Any:
    """An app with both methods, and a client `signing` whose key is `site.own`."""
    site = make_trading(OAUTH_CLIENT_AUTH_METHODS=METHODS, OAUTH_GRANT_TYPES=GRANTS)
    site.own = Signer()
    site.register_signing(site.own, client_id="signing", grant_types=GRANTS)
    return site


def said(client_id: str = "signing", **changes: Any) -> dict[str, Any]:
    return claims_of(client_id, **{"sub": client_id, "aud": HERE} | changes)


def by_secret(site: Trading, **metadata: Any) -> tuple[Any, Signer]:
    """A client whose secret is its key."""
    grants = ["client_credentials", DEVICE_CODE]
    made = site.register(token_endpoint_auth_method="client_secret_jwt", grant_types=grants, **metadata)
    return made, Signer("HS256", kid=None, key=made.client_secret.encode())


def why(site: Trading, client_assertion: str, path: str = "/oauth/token", **form: str) -> str:
    """Why a client assertion is turned away, as the audit trail has it; the answer says nothing."""
    with recorded(client_rejected, site.app) as rejections:
        refusal(site.authenticate(client_assertion, path, **form), 401, "invalid_client")
    (rejection,) = rejections
    return str(rejection["reason"]).removeprefix("client assertion: ")


@pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_jwt"])
def test_both_methods_work_on_every_endpoint(site: Trading, method: str) -> None:
    client_id, signer = "signing", site.own
    if method == "client_secret_jwt":
        made, signer = by_secret(site)
        client_id = made.client_id
    with recorded(client_authenticated, site.app) as authenticated:
        for path in PATHS:
            for audience in (HERE, f"{HERE}/oauth/token", f"{HERE}{path}", [f"{HERE}{path}", "https://other.example"]):
                assertion = signer.sign(said(client_id, aud=audience))
                response = site.authenticate(assertion, path)
                assert response.status_code == 200, f"{path} {audience} {response.text}"
                assert why(site, assertion, path) == "it was used before"
        # The other endpoints' addresses are not this one's.
        assert "does not name this server" in why(site, signer.sign(said(client_id, aud=f"{HERE}/oauth/revoke")))
    assert {(each["client_id"], each["method"]) for each in authenticated} == {(client_id, method)}


def test_a_token_is_asked_about_and_given_back_with_one_assertion_each(site: Trading) -> None:
    """Both endpoints look at their client twice where the token is not there; its assertion is spent once."""
    answer = site.authenticate(site.own.sign(said())).get_json()
    sent = {"token": answer["access_token"]}
    found = site.authenticate(site.own.sign(said()), "/oauth/introspect", **sent).get_json()
    assert (found["active"], found["client_id"]) == (True, "signing")
    assert site.authenticate(site.own.sign(said()), "/oauth/revoke", **sent).status_code == 200
    for path in ("/oauth/revoke", "/oauth/introspect"):
        assert site.authenticate(site.own.sign(said()), path, **sent).status_code == 200
    found = site.authenticate(site.own.sign(said()), "/oauth/introspect", **sent).get_json()
    assert found == {"active": False}


@sqlite_only
def test_a_client_that_changed_meanwhile_still_spends_its_assertion_once(make_trading: MakeTrading) -> None:
    here, there = (make_trading(OAUTH_CLIENT_AUTH_METHODS=METHODS) for _ in range(2))
    own = Signer()
    here.register_signing(own, client_id="signing")
    assert there.authenticate(own.sign(said())).status_code == 200  # remembered there
    here.gateway.clients.update("signing", client_name="Renamed")
    assert there.authenticate(own.sign(said())).status_code == 200  # the insert sees the change, and it is tried anew
    new = Signer()
    here.gateway.clients.update("signing", jwks=new.jwks())
    assert there.authenticate(new.sign(said())).status_code == 200  # a new key counts at once
    assert why(there, own.sign(said())) == "its signature is wrong"


@sqlite_only
def test_what_it_says_of_the_client_must_fit(site: Trading) -> None:
    site.register_signing(Signer(), client_id="other")
    assert site.authenticate(site.own.sign(said()), client_id="signing").status_code == 200
    assert "client_id beside it is another" in why(site, site.own.sign(said()), client_id="other")
    names = "its iss and sub are not both the client_id"
    for claims in (said(sub="alice"), said(sub=None), said(iss=None), said(iss=5, sub=5), said(iss=["signing"])):
        assert why(site, site.own.sign(claims)) == names
    assert why(site, site.own.sign(said("other"))) == "its signature is wrong"
    for unknown in ("nobody", "x" * 5000, "a\u0000b", ""):
        assert "no client of that name" in why(site, site.own.sign(said(unknown)))
    assert why(site, site.own.sign(said("\ud800"))) == "its payload is not a JSON object"


@sqlite_only
def test_its_claims_are_checked_and_the_jti_must_be_there(site: Trading) -> None:
    now = int(time.time())
    for changes, reason in (
        ({"jti": None}, "it has no jti"),
        ({"exp": None}, "it does not say when it expires (exp)"),
        ({"exp": now - 100}, "it expired 10"),
        ({"iat": now, "exp": now + 4000}, "it lives for 4000 seconds, longer than the 3600 that are allowed"),
        ({"nbf": now + 100}, "it is not valid yet"),
        ({"iat": now + 100}, "it was issued 9"),
        ({"aud": None}, "its aud is neither a text nor a list of texts"),
        ({"aud": "https://other.example"}, "its aud is 'https://other.example', which does not name this server"),
    ):
        assert why(site, site.own.sign(said(**changes))).startswith(reason)
    for kind in ("at+jwt", "dpop+jwt", "authorization-grant+jwt"):
        assert "another kind of token" in why(site, site.own.sign(said(), typ=kind))
    assert site.authenticate(site.own.sign(said(), typ="client-authentication+jwt")).status_code == 200


@sqlite_only
def test_one_assertion_does_not_serve_twice_nor_in_two_roles(site: Trading) -> None:
    assertion = site.own.sign(said())
    assert site.authenticate(assertion).status_code == 200
    assert why(site, assertion) == "it was used before"
    assert site.why(assertion) == "it was used before"  # as a grant
    grant = site.own.sign(claims_of("signing"))
    assert site.trade(grant)
    assert why(site, site.own.sign(said(jti=read(grant).claims["jti"]))) == "it was used before"
    both = site.own.sign(said())
    form = {"grant_type": GRANT, "assertion": both, "client_assertion": both, "client_assertion_type": CLIENT_ASSERTION}
    refusal(site.client.post("/oauth/token", data=form), 400, "invalid_grant")


@sqlite_only
def test_a_client_authenticates_as_it_is_registered_and_not_otherwise(site: Trading) -> None:
    made, secret = by_secret(site)
    plain = site.register(client_id="plain", grant_types=["client_credentials"])
    not_for = "no client of that name is registered for"
    assert not_for in why(site, Signer("HS256", key=plain.client_secret.encode()).sign(said("plain")))
    assert not_for in why(site, site.own.sign(said(made.client_id)))
    assert not_for in why(site, Signer("HS256", key=site.own.pem().encode()).sign(said()))  # its public key as a secret
    data = {"grant_type": "client_credentials"}
    headers = basic(made.client_id, made.client_secret)
    refusal(site.client.post("/oauth/token", data=data, headers=headers), 401, "invalid_client")
    data |= {"client_id": made.client_id, "client_secret": made.client_secret}
    refusal(site.client.post("/oauth/token", data=data), 401, "invalid_client")
    assert site.authenticate(secret.sign(said(made.client_id))).status_code == 200
    none = token({"alg": "none"}, said(), lambda _: b"x")
    assert "no key of its issuer fits" in why(site, none)


@sqlite_only
def test_two_ways_at_once_are_an_invalid_request_and_an_unknown_type_is_none(site: Trading) -> None:
    form = {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": site.own.sign(said())}
    data = form | {"grant_type": "client_credentials"}
    for assertion in (form["client_assertion"], "garbage"):
        twice = data | {"client_assertion": assertion}
        response = site.client.post("/oauth/token", data=twice, headers=basic("signing", "x"))
        assert "two ways" in refusal(response, 400, "invalid_request")
        response = site.client.post("/oauth/token", data=twice | {"client_secret": "x"})
        assert "two ways" in refusal(response, 400, "invalid_request")
    for changes in (
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:other"},
        {"client_assertion_type": ""},
        {"client_assertion": ""},
        {"client_assertion": "x" * 65537},
        {"client_assertion": "a.b.c"},
        {"client_assertion_type": CLIENT_ASSERTION.replace("jwt", "saml2")},
    ):
        refusal(site.client.post("/oauth/token", data=data | changes), 401, "invalid_client")


@sqlite_only
@pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_jwt"])
def test_a_method_that_is_not_offered_does_not_work(make_trading: MakeTrading, method: str) -> None:
    on = make_trading(OAUTH_CLIENT_AUTH_METHODS=METHODS)
    on.register_signing(Signer(), client_id="signing")
    made, secret = by_secret(on)
    off = make_trading(OAUTH_CLIENT_AUTH_METHODS=["client_secret_basic"])
    assertion = secret.sign(said(made.client_id)) if method == "client_secret_jwt" else Signer().sign(said())
    with recorded(client_rejected, off.app) as rejections:
        refusal(off.authenticate(assertion), 401, "invalid_client")
    assert rejections[0]["reason"] == f"{method} is not offered"


@sqlite_only
def test_a_disabled_client_is_turned_away_whatever_it_signs(site: Trading) -> None:
    site.gateway.clients.update("signing", enabled=False)
    assert why(site, site.own.sign(said())) == "the client is disabled"


@sqlite_only
def test_a_certificate_serves_as_well_as_a_key_set(site: Trading) -> None:
    key = Signer("PS256", kid=None)
    grants = ["client_credentials"]
    method = {"token_endpoint_auth_method": "private_key_jwt", "grant_types": grants}
    made = site.register(certificate=key.certificate(), **method)
    assert site.authenticate(key.sign(said(made.client_id))).status_code == 200
    forged = Signer("PS256", key=rsa_key(2048, 1)).sign(said(made.client_id))
    assert why(site, forged) == "its signature is wrong"


def test_a_new_secret_works_beside_the_old_one_while_they_overlap(site: Trading, clock: Clock) -> None:
    made, old = by_secret(site)
    renewed = site.gateway.clients.rotate_secret(made.client_id, overlap=100)
    new = Signer("HS512", kid=None, key=renewed.client_secret.encode())
    for key in (old, new):
        assert site.authenticate(key.sign(said(made.client_id))).status_code == 200
    site.gateway.close()  # written later, and at the end
    (last_used,) = {each.last_used_at is None for each in site.gateway.clients.get(made.client_id).secrets}
    assert last_used is False
    clock.advance(101)
    assert why(site, old.sign(said(made.client_id))) == "it was not signed with a live secret of the client"
    assert site.authenticate(new.sign(said(made.client_id))).status_code == 200


@sqlite_only
def test_a_refused_assertion_is_noted_without_itself(site: Trading) -> None:
    assertion = site.own.sign(said(aud="https://other.example"))
    why(site, assertion)
    (noted,) = [each for each in server_of(site.app).audit.newest(9) if each.event == "client_rejected"]
    assert noted.client_id == "signing"
    assert assertion not in str(noted.details)


@sqlite_only
def test_with_the_issuer_as_the_only_audience_nothing_else_is_one(make_trading: MakeTrading) -> None:
    site = make_trading(
        OAUTH_CLIENT_AUTH_METHODS=METHODS,
        OAUTH_GRANT_TYPES=GRANTS,
        OAUTH_CLIENT_ASSERTION_AUDIENCE="issuer",
        OAUTH_RATE_LIMITS=None,
    )
    own = Signer()
    site.register_signing(own, client_id="signing", grant_types=GRANTS)
    made, secret = by_secret(site)
    for client_id, signer in (("signing", own), (made.client_id, secret)):
        for path in PATHS:
            assert site.authenticate(signer.sign(said(client_id)), path).status_code == 200
            for audience in (f"{HERE}/oauth/token", f"{HERE}{path}", f"{HERE}/"):
                assertion = signer.sign(said(client_id, aud=audience))
                assert f"does not name this server ('{HERE}')" in why(site, assertion, path)
            for several in ([HERE], [HERE, f"{HERE}/oauth/token"], [], [5]):
                assertion = signer.sign(said(client_id, aud=several))
                assert why(site, assertion, path) == f"its aud is a list, and may only be the text '{HERE}'"


@sqlite_only
def test_its_clock_may_be_a_little_ahead_and_no_more_than_a_minute(site: Trading, clock: Clock) -> None:
    """FAPI 2.0 Security Profile section 5.3.2.1: 10 seconds ahead are taken, more than 60 are not."""
    now = int(time.time())
    for name in ("nbf", "iat"):
        for ahead in (8, 10):
            assert site.authenticate(site.own.sign(said(**{name: now + ahead}))).status_code == 200
        assert why(site, site.own.sign(said(**{name: now + 62}))).startswith("it ")

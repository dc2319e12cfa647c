"""FAPI 2.0 Security Profile: the modules of client assertions (`fapi2-security-profile-final-…`)."""

import pytest

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import basic
from tests.support.fapi import FIRST, PAR, STRANGER, TOKEN, FapiClient, ahead, error_of, fapi_site
from tests.support.signing import Signer, claims_of, rsa_key
from tests.support.site import ISSUER, MakeSite, Site


def refused_everywhere(client: FapiClient, *assertions: str) -> None:
    """Refused where requests are pushed, and at the token endpoint, where the code stays good."""
    for assertion in assertions:
        assert error_of(client.par(assertion), 401) == "invalid_client"
    code = client.code()
    for assertion in assertions:
        assert error_of(client.redeem(code, assertion), 401) == "invalid_client"
    assert client.redeem(code).status_code == 200


def test_ensure_signed_client_assertion_with_RS256_fails(fapi: Site) -> None:
    rsa = Signer("PS256", key=rsa_key())
    client = FapiClient(fapi, "rsa", rsa)
    wrong = Signer("RS256", key=rsa_key())
    said = claims_of("rsa", ISSUER, sub="rsa")
    refused_everywhere(client, wrong.sign(said))
    assert client.par().status_code == 201


def test_ensure_client_assertion_in_token_endpoint(first: FapiClient) -> None:
    code = first.code()
    for who in ({}, {"client_id": "first"}):
        sent = {"grant_type": "authorization_code", "code": code, **who}
        response = first.site.app.test_client().post("/oauth/token", data=sent, headers=first.key.headers())
        assert error_of(response, 401) == "invalid_client"


def test_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(first: FapiClient) -> None:
    refused_everywhere(first, first.assertion(iat=ahead(-400), exp=ahead(-300)))


def test_ensure_client_assertion_with_wrong_aud_fails(first: FapiClient) -> None:
    refused_everywhere(first, first.assertion(aud="https://elsewhere.example"), first.assertion(aud=f"{ISSUER}/"))


def test_ensure_client_assertion_with_no_sub_fails(first: FapiClient) -> None:
    refused_everywhere(first, first.assertion(sub=None), first.assertion(sub="second"))


def test_par_test_array_as_audience_fails(first: FapiClient) -> None:
    refused_everywhere(first, first.assertion(aud=[ISSUER]), first.assertion(aud=[ISSUER, TOKEN]))


def test_par_test_par_endpoint_url_as_audience_fails(first: FapiClient) -> None:
    refused_everywhere(first, first.assertion(aud=PAR))


def test_par_test_token_endpoint_url_as_audience_fails(first: FapiClient) -> None:
    refused_everywhere(first, first.assertion(aud=TOKEN))


def test_an_assertion_is_good_once_and_by_the_client_s_own_key(first: FapiClient) -> None:
    assertion = first.assertion()
    assert first.par(assertion).status_code == 201
    refused_everywhere(first, assertion, STRANGER.sign(claims_of("first", ISSUER, sub="first")))


# What is no module of the suite: clients that the profile doesn't know.


def test_clients_that_the_profile_does_not_know_are_not_registered(fapi: Site) -> None:
    from flask_oauth_gateway import ClientMetadataError

    jwks = {"token_endpoint_auth_method": "private_key_jwt", "jwks": FIRST.jwks()}
    for metadata, why in (
        ({}, "token_endpoint_auth_method is 'client_secret_basic'; here it may be private_key_jwt"),
        ({"token_endpoint_auth_method": "none"}, "OAUTH_CLIENT_AUTH_METHODS offers private_key_jwt"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "OAUTH_CLIENT_AUTH_METHODS offers"),
        (jwks | {"jwks": Signer("ES384").jwks()}, "jwks has a key for another algorithm"),
        (jwks | {"jwks": Signer("Ed448").jwks()}, "jwks has a key for another algorithm"),
        (jwks | {"jwks": {"keys": [Signer("RS256").jwk(alg="RS256")]}}, "jwks has a key for another algorithm"),
        (jwks | {"jwks": None, "certificate": Signer("ES384").certificate()}, "certificate has a key for another"),
        (
            jwks | {"id_token_signed_response_alg": "RS256"},
            "id_token_signed_response_alg is 'RS256'; where OAUTH_PROFILE",
        ),
        (jwks | {"userinfo_signed_response_alg": "RS256"}, "userinfo_signed_response_alg is 'RS256'"),
    ):
        with pytest.raises(ClientMetadataError) as refusal:
            fapi.register(**metadata)
        assert why in str(refusal.value)
    for algorithm in ("PS256", "ES256", "EdDSA"):
        assert fapi.register(**jwks | {"jwks": Signer(algorithm).jwks(), "id_token_signed_response_alg": algorithm})


def test_clients_from_before_the_profile_are_refused_when_they_call(make_site: MakeSite) -> None:
    before = make_site(OAUTH_ISSUER=ISSUER)
    secret = before.register(client_id="secret")
    public = before.register_public(client_id="public")
    strong = before.register(
        client_id="p384", token_endpoint_auth_method="private_key_jwt", jwks=Signer("ES384").jwks()
    )
    now = fapi_site(make_site)
    post = now.app.test_client().post
    for path in ("/oauth/par", "/oauth/token", "/oauth/introspect", "/oauth/revoke"):
        headers = basic(secret.client_id, secret.client_secret)
        assert error_of(post(path, data={"grant_type": "refresh_token"}, headers=headers), 401) == "invalid_client"
        assert (
            error_of(post(path, data={"grant_type": "refresh_token", "client_id": public.client_id}), 401)
            == "invalid_client"
        )
    assert isinstance(strong, Client)
    old = Signer("ES384")
    with_key = FapiClient(now, "other", FIRST)
    with_key.client_id, with_key.signer = "p384", old
    assert error_of(with_key.par(), 401) == "invalid_client"

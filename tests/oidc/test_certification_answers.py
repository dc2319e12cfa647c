"""The certification's tests of what the provider answers: metadata, ID tokens, userinfo, codes and refreshes, by their names.

See docs/certification.md for the plans that each belongs to.
"""

from typing import Any

import pytest
from authlib.oidc.discovery import OpenIDProviderMetadata
from flask import Flask
from joserfc import jws
from joserfc.jwk import RSAKey

from tests.support.app import bearer
from tests.support.certification import FLOWS, HYBRID, ID_TOKEN, IMPLICIT, ISSUER, REDIRECT_URI, Flow, Suite
from tests.support.clock import Clock
from tests.support.site import VERIFIER, challenge_of


def flows(*, code: bool | None = None, access_token: bool = False, id_token_at_once: bool = False) -> Any:
    """The flows of the plans that have what is named."""
    chosen = [
        flow
        for flow in FLOWS
        if code in (None, "code" in flow.gives)
        and (flow.gives_access_token or not access_token)
        and (ID_TOKEN in flow.gives or not id_token_at_once)
    ]
    return pytest.mark.parametrize("suite", chosen, indirect=True, ids=str)


CODE_FLOW = pytest.mark.parametrize("suite", [Flow("code"), Flow("code", "form_post")], indirect=True, ids=str)


def test_oidcc_discovery_endpoint_verification(provider: Flask) -> None:
    response = provider.test_client().get("/.well-known/openid-configuration", base_url=ISSUER)
    assert response.mimetype == "application/json"
    document = response.get_json()
    OpenIDProviderMetadata(document).validate()
    assert document["issuer"] == ISSUER, "byte for byte, without a slash at the end"
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert document[name].startswith(f"{ISSUER}/")
        assert "#" not in document[name]
    assert set(document["response_types_supported"]) >= {"code", *IMPLICIT, *HYBRID}
    assert set(document["response_modes_supported"]) >= {"query", "fragment", "form_post"}
    assert set(document["grant_types_supported"]) >= {"authorization_code", "implicit"}
    assert set(document["scopes_supported"]) >= {"openid", "profile", "email", "address", "phone"}
    assert set(document["claims_supported"]) >= {"sub", "iss", "name", "email", "address", "phone_number"}
    assert "public" in document["subject_types_supported"]
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    assert "none" not in document["id_token_signing_alg_values_supported"]
    assert {"client_secret_basic", "client_secret_post"} <= set(document["token_endpoint_auth_methods_supported"])
    assert document["claims_parameter_supported"] is True
    assert document["request_parameter_supported"] is document["request_uri_parameter_supported"] is False
    keys = provider.test_client().get(document["jwks_uri"].removeprefix(ISSUER), base_url=ISSUER).get_json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys)
    assert all(key["use"] == "sig" and key.keys().isdisjoint({"d", "p", "q", "k"}) for key in keys)
    (rsa,) = (key for key in keys if key["alg"] == "RS256")
    assert RSAKey.import_key(rsa).raw_value.key_size >= 2048


@flows()
def test_oidcc_server(suite: Suite) -> None:
    signed_in = suite.sign_in()
    assert suite.shown == ["login", "consent"]
    assert signed_in.claims["sub"] == suite.user
    if suite.flow.gives_access_token:
        assert suite.userinfo(signed_in)["sub"] == suite.user


@flows()
def test_oidcc_response_type_missing(suite: Suite) -> None:
    suite.sign_in()
    response = suite.ask(state="kept", response_type=None, response_mode=None)
    assert response.status_code in (302, 303)
    assert response.headers["Location"].startswith(f"{REDIRECT_URI}?")
    assert {"error=invalid_request", "state=kept"} <= set(response.headers["Location"].partition("?")[2].split("&"))


@flows()
def test_oidcc_idtoken_signature(suite: Suite) -> None:
    signed_in = suite.sign_in()
    id_token = signed_in.tokens.get(ID_TOKEN) or signed_in.answer[ID_TOKEN]
    header = jws.extract_compact(id_token.encode()).headers()
    assert header.keys() == {"alg", "kid"}
    assert header["alg"] == "RS256"
    head, payload, signature = id_token.split(".")
    with pytest.raises(Exception, match="bad_signature"):
        suite.read(f"{head}.{payload}.{signature[::-1]}", {})


@CODE_FLOW
def test_oidcc_idtoken_unsigned(suite: Suite) -> None:
    """What may be left out is: no client can ask for unsigned ID tokens, and the metadata don't name them."""
    with pytest.raises(ValueError, match="id_token_signed_response_alg"):
        suite.register(id_token_signed_response_alg="none")
    assert "none" not in suite.endpoint["id_token_signing_alg_values_supported"]


@flows(access_token=True)
def test_oidcc_userinfo_get(suite: Suite) -> None:
    assert suite.userinfo(suite.sign_in(), "GET") == {"sub": suite.user}


@flows(access_token=True)
def test_oidcc_userinfo_post_header(suite: Suite) -> None:
    assert suite.userinfo(suite.sign_in(), "POST") == {"sub": suite.user}


@flows(access_token=True)
def test_oidcc_userinfo_post_body(suite: Suite) -> None:
    assert suite.userinfo(suite.sign_in(), "POST", in_body=True) == {"sub": suite.user}


@CODE_FLOW
def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(suite: Suite) -> None:
    """It sends no PKCE either: of what OAUTH_REQUIRE_PKCE may be, only "public" and False take that."""
    assert "nonce" not in suite.sign_in(nonce=None).claims


@flows(id_token_at_once=True)
def test_oidcc_ensure_request_without_nonce_fails(suite: Suite) -> None:
    assert suite.refused(nonce=None) == "invalid_request"


@flows(code=True)
def test_oidcc_codereuse(suite: Suite) -> None:
    signed_in = suite.sign_in()
    again = suite.token(grant_type="authorization_code", code=signed_in.answer["code"], redirect_uri=REDIRECT_URI)
    assert (again.status_code, again.get_json()["error"]) == (400, "invalid_grant")


@flows(code=True)
def test_oidcc_codereuse_30seconds(suite: Suite, clock: Clock) -> None:
    signed_in = suite.sign_in()
    clock.advance(30)
    again = suite.token(grant_type="authorization_code", code=signed_in.answer["code"], redirect_uri=REDIRECT_URI)
    assert (again.status_code, again.get_json()["error"]) == (400, "invalid_grant")
    endpoint = suite.endpoint["userinfo_endpoint"]
    refused = suite.app.test_client().get(endpoint, base_url=ISSUER, headers=bearer(signed_in.access_token))
    assert refused.status_code == 401, "the tokens that the code was traded for have ended"


@flows(code=True)
def test_oidcc_server_client_secret_post(suite: Suite) -> None:
    suite.client = suite.register(token_endpoint_auth_method="client_secret_post")
    assert suite.sign_in().claims["sub"] == suite.user


@flows(code=True)
def test_oidcc_ensure_request_with_valid_pkce_succeeds(suite: Suite) -> None:
    answer = suite.answer(code_challenge=challenge_of(VERIFIER), code_challenge_method="S256")
    tokens = suite.trade(answer["code"], code_verifier=VERIFIER)
    assert suite.read(tokens[ID_TOKEN], tokens)["sub"] == suite.user


@flows(code=True)
def test_oidcc_refresh_token(suite: Suite, clock: Clock) -> None:
    first = suite.sign_in(scope="openid email offline_access", prompt="consent")
    other = suite.register()
    clock.advance(2)
    stolen = suite.token(other, grant_type="refresh_token", refresh_token=first.tokens["refresh_token"])
    assert (stolen.status_code, stolen.get_json()["error"]) == (400, "invalid_grant")
    response = suite.token(grant_type="refresh_token", refresh_token=first.tokens["refresh_token"])
    assert response.status_code == 200
    tokens = response.get_json()
    assert tokens["access_token"] != first.tokens["access_token"]
    suite.sent = {}  # a nonce is good for one ID token
    claims = suite.read(tokens[ID_TOKEN], tokens)
    same = ("iss", "sub", "aud", "auth_time", "sid")
    assert {name: claims[name] for name in same} == {name: first.claims[name] for name in same}
    assert claims["iat"] > first.claims["iat"]
    first.tokens = tokens
    assert suite.userinfo(first) == {"sub": suite.user, "email": "alice@example.com", "email_verified": True}

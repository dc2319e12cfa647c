"""FAPI 2.0 Security Profile: the modules of its conformance suite, each by its name (`fapi2-security-profile-final-…`).

Those of pushed requests, of client assertions and of DPoP stand in files of their own.
"""

import json
import time
from typing import Any

import pytest
from flask import redirect

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import bearer
from tests.support.clock import Clock
from tests.support.fapi import (
    CERTIFICATE,
    MTLS,
    OTHER_CERTIFICATE,
    OTHER_KEY,
    SECOND,
    SECOND_KEY,
    FapiClient,
    error_of,
    fapi_site,
)
from tests.support.proofs import ProofKey
from tests.support.pushing import come
from tests.support.signing import Signer, unb64
from tests.support.site import (
    ISSUER,
    VERIFIER,
    MakeSite,
    Page,
    Site,
    answer,
    challenge_of,
    error_page,
    location,
    refused,
)


def test_happy_flow(either: FapiClient) -> None:
    tokens = either.tokens(scope="openid weather:read", nonce="n")
    assert either.call(tokens["access_token"]).get_json() == {"subject": "alice", "client_id": "first"}
    assert tokens["scope"].split() == ["openid", "weather:read"]
    told = either.post("/oauth/introspect", {"token": tokens["access_token"], **either.who()}).get_json()
    assert told["cnf"] == (
        {"jkt": either.key.thumbprint} if either.certificate is None else {"x5t#S256": CERTIFICATE.thumbprint}
    )


@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "EdDSA"])
def test_happy_flow_with_each_algorithm(make_site: MakeSite, algorithm: str) -> None:
    site = fapi_site(make_site, OAUTH_SIGNING_ALGORITHM=algorithm, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    key = ProofKey("Ed25519" if algorithm == "EdDSA" else algorithm)
    client = FapiClient(site, signer=Signer(algorithm), key=key)
    tokens = client.tokens(scope="openid weather:read")
    assert client.call(tokens["access_token"]).status_code == 200
    for name in ("access_token", "id_token"):
        assert header_of(tokens[name])["alg"] == algorithm


def header_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(unb64(token.split(".", maxsplit=1)[0]))
    return found


@pytest.mark.parametrize("mtls", [True, False])
def test_discovery_end_point_verification(make_site: MakeSite, mtls: bool) -> None:
    site = fapi_site(make_site, **MTLS if mtls else {})
    for path in ("oauth-authorization-server", "openid-configuration"):
        said = site.browser.get(f"/.well-known/{path}").get_json()
        assert said["issuer"] == ISSUER
        assert said["pushed_authorization_request_endpoint"] == f"{ISSUER}/oauth/par"
        assert said["require_pushed_authorization_requests"] is True
        assert said["authorization_response_iss_parameter_supported"] is True
        assert said["code_challenge_methods_supported"] == ["S256"]
        assert said["response_types_supported"] == ["code"]
        assert set(said["grant_types_supported"]) == {"authorization_code", "refresh_token"}
        methods = {"private_key_jwt", "self_signed_tls_client_auth"} if mtls else {"private_key_jwt"}
        assert set(said["token_endpoint_auth_methods_supported"]) == methods
        assert said.get("tls_client_certificate_bound_access_tokens", False) is mtls
        for name in ("dpop", "token_endpoint_auth"):
            assert set(said[f"{name}_signing_alg_values_supported"]) <= {"PS256", "ES256", "EdDSA", "Ed25519"}
    for name in ("id_token", "userinfo"):
        assert set(said[f"{name}_signing_alg_values_supported"]) == {"PS256", "ES256", "EdDSA"}
    algorithms = {key["alg"] for key in site.browser.get("/oauth/jwks").get_json()["keys"]}
    assert algorithms == {"ES256"}, "no key is made for an algorithm that nobody may use"


def test_user_rejects_authentication(either: FapiClient) -> None:
    found = either.go(either.push(), "deny")
    assert (found["error"], found["iss"], found["state"]) == ("access_denied", ISSUER, "xyz")


def test_ensure_authorization_request_without_state_success(first: FapiClient) -> None:
    found = first.go(first.push(state=None))
    assert set(found) == {"code", "iss"}
    assert first.redeem(found["code"]).status_code == 200


def test_ensure_authorization_request_without_nonce_success(first: FapiClient) -> None:
    assert "id_token" in first.tokens(scope="openid weather:read", nonce=None)


def test_ensure_authorization_request_with_64_char_nonce_success(first: FapiClient) -> None:
    assert claims_in(first.tokens(scope="openid", nonce="n" * 64))["nonce"] == "n" * 64


def test_ensure_authorization_request_with_long_nonce(first: FapiClient) -> None:
    """A server may refuse it; ours keeps it."""
    assert claims_in(first.tokens(scope="openid", nonce="n" * 384))["nonce"] == "n" * 384


def claims_in(tokens: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(unb64(tokens["id_token"].split(".")[1]))
    return found


def test_ensure_authorization_request_with_long_state(first: FapiClient) -> None:
    assert first.go(first.push(state="s" * 1024))["state"] == "s" * 1024


def test_ensure_other_scope_order_succeeds(first: FapiClient) -> None:
    for scope in ("weather:read openid profile", "profile weather:read openid"):
        assert set(first.tokens(scope=scope)["scope"].split()) == set(scope.split())


def test_access_token_type_header_case_sensitivity(either: FapiClient) -> None:
    token = either.tokens()["access_token"]
    for scheme in ("dpop", "DPOP", "DPoP") if either.certificate is None else ("bearer", "BEARER"):
        headers = either.presenting(token) | {"Authorization": f"{scheme} {token}"}
        assert either.call(token, headers).status_code == 200


def test_ensure_holder_of_key_required(either: FapiClient) -> None:
    code = either.code()
    error = error_of(either.redeem(code, headers={"X-SSL-Client-Cert": ""}), 400 if either.certificate is None else 401)
    assert error in ("invalid_dpop_proof", "invalid_client", "invalid_request")
    token = either.tokens()["access_token"]
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"DPoP {token}"},
        {"Authorization": f"Bearer {token}", "X-SSL-Client-Cert": OTHER_CERTIFICATE.escaped},
        OTHER_KEY.with_token(token, "GET", f"{ISSUER}/accounts"),
    ):
        assert either.call(token, headers).status_code == 401


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_a_token_from_before_the_profile_is_taken_nowhere(make_site: MakeSite, token_format: str) -> None:
    before = make_site(OAUTH_ISSUER=ISSUER, OAUTH_OIDC=True, OAUTH_ACCESS_TOKEN_FORMAT=token_format)
    client = before.register(scope="openid weather:read")
    token = before.tokens(client, scope="openid weather:read")["access_token"]
    assert before.is_live(token)
    now = fapi_site(make_site, OAUTH_ACCESS_TOKEN_FORMAT=token_format)
    for path in ("/accounts", "/oauth/userinfo", "/oauth/tokeninfo"):
        response = now.app.test_client().get(path, headers=bearer(token))
        assert response.status_code in (400, 401), f"{path}: {response.text}"
    assert now.app.test_client().get("/accounts", headers={"Authorization": f"DPoP {token}"}).status_code == 401


def test_ensure_authorization_code_is_bound_to_client(either: FapiClient) -> None:
    second = FapiClient(either.site, "second", SECOND, SECOND_KEY)
    code = either.code()
    assert error_of(second.redeem(code)) == "invalid_grant"


def test_attempt_reuse_authorization_code_after_one_second(either: FapiClient, clock: Clock) -> None:
    code = either.code()
    token = either.redeem(code).get_json()["access_token"]
    assert either.call(token).status_code == 200
    clock.advance(1)
    assert error_of(either.redeem(code)) == "invalid_grant"
    assert either.call(token).status_code == 401, "a code that comes twice was stolen: what it gave ends"


def test_ensure_token_endpoint_fails_with_expired_auth_code(either: FapiClient, clock: Clock) -> None:
    code = either.code()
    clock.advance(61)
    assert error_of(either.redeem(code)) == "invalid_grant"


def test_ensure_client_id_in_token_endpoint(make_site: MakeSite) -> None:
    """With mutual TLS, nothing but the parameter says who calls."""
    client = FapiClient(fapi_site(make_site, **MTLS), certificate=CERTIFICATE)
    code = client.code()
    assert error_of(client.redeem(code, client_id=None), 401) == "invalid_client"
    assert client.redeem(code).status_code == 200


def test_refresh_token(either: FapiClient) -> None:
    """It stays the same (5.3.2.1), and is worth nothing without its client and the key's proof."""
    tokens = either.tokens()
    token = tokens["refresh_token"]
    for _ in range(3):
        again = either.refresh(token).get_json()
        assert again.get("refresh_token", token) == token
        assert either.call(again["access_token"]).status_code == 200
    second = FapiClient(either.site, "second", SECOND, SECOND_KEY)
    assert error_of(second.refresh(token)) == "invalid_grant"
    nobody = either.site.app.test_client().post(
        "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": token}, headers=either.key.headers()
    )
    assert error_of(nobody, 401) == "invalid_client"
    named = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "first"}
    assert error_of(either.site.app.test_client().post("/oauth/token", data=named, headers=either.key.headers()), 401)
    if either.certificate is None:
        assert error_of(either.refresh(token, headers={})) == "invalid_dpop_proof"
    assert either.refresh(token).status_code == 200


def test_ensure_pkce_code_verifier_required(either: FapiClient) -> None:
    assert error_of(either.redeem(either.code(), code_verifier=None)) in ("invalid_grant", "invalid_request")


def test_incorrect_pkce_code_verifier_rejected(either: FapiClient) -> None:
    for wrong in (VERIFIER + "0", challenge_of(VERIFIER), "x" * 43):
        assert error_of(either.redeem(either.code(), code_verifier=wrong)) == "invalid_grant"


def test_ensure_registered_redirect_uri(first: FapiClient) -> None:
    for uri in (
        "https://app.example/cb2",
        "https://app.example/cb?x=1",
        "https://app.example/",
        "https://evil.example/cb",
    ):
        assert error_of(first.par(redirect_uri=uri)) == "invalid_request"


def test_plain_fapi_tolerate_unregistered_redirect_uri(fapi: Site) -> None:
    """Either will do (RFC 9126 section 2.4): here it is for the clients whose registration says so."""
    uri = "https://app.example/another"
    assert error_of(FapiClient(fapi).par(redirect_uri=uri)) == "invalid_request"
    trusted = FapiClient(fapi, "trusted", pushed_redirect_uris=True)
    response = come(fapi, trusted.client, trusted.push(redirect_uri=uri))
    found = answer(location(fapi.send(Page(response))), uri)
    assert trusted.redeem(found["code"], redirect_uri=uri).status_code == 200


def test_ensure_redirect_uri_in_authorization_request(first: FapiClient) -> None:
    assert error_of(first.par(redirect_uri=None)) == "invalid_request"


def test_ensure_response_type_code_idtoken_fails(first: FapiClient) -> None:
    error = error_of(first.par(response_type="code id_token", scope="openid", nonce="n"))
    assert error in ("unsupported_response_type", "unauthorized_client", "invalid_request")


def test_ensure_response_type_token_fails(first: FapiClient) -> None:
    assert error_of(first.par(response_type="token")) in ("unsupported_response_type", "unauthorized_client")


def test_ensure_unsigned_authorization_request_without_using_par_fails(either: FapiClient) -> None:
    response = either.site.browser.get("/oauth/authorize", query_string=either.request())
    assert refused(location(response), "invalid_request")


def test_ensure_server_handles_non_matching_intent_id(make_site: MakeSite) -> None:
    """With authorization details: of a payment that the app doesn't know, nothing is given."""
    site = fapi_site(
        make_site, OAUTH_AUTHORIZATION_DETAILS={"payment": {"required": ["intent"], "allowed": ["intent"]}}
    )

    @site.gateway.authorization_detail("payment")
    def payment(detail: dict[str, Any], client: Client, user: Any) -> dict[str, Any] | None:
        return detail if detail["intent"] == "known" else None

    first = FapiClient(site, authorization_details_types=["payment"])

    def asking(intent: str) -> str:
        return json.dumps([{"type": "payment", "intent": intent}])

    assert first.tokens(authorization_details=asking("known"))["authorization_details"][0]["intent"] == "known"
    response = first.par(authorization_details=asking("unknown"))
    if response.status_code == 201:  # who the user is decides
        found = first.go(response.get_json()["request_uri"])
        assert found["error"] in ("invalid_authorization_details", "access_denied")
    else:
        assert error_of(response) == "invalid_authorization_details"


@pytest.fixture
def strong(make_site: MakeSite) -> Any:
    """A site that knows three strengths of a sign-in."""
    acr_values = ["urn:low", "urn:openbanking:psd2:ca", "urn:openbanking:psd2:sca"]
    site: Any = fapi_site(make_site, OAUTH_ACR_VALUES=acr_values, OAUTH_LOGIN_URL="/login")
    site.acr = "urn:openbanking:psd2:sca"
    site.gateway.login_details(lambda _: {"acr": site.acr, "auth_time": int(time.time()) - 10})
    return site


def test_test_essential_acr_sca_claim(strong: Any) -> None:
    first = FapiClient(strong)
    sca = {"essential": True, "value": "urn:openbanking:psd2:sca"}
    claims = json.dumps({"id_token": {"acr": sca}})
    tokens = first.tokens(scope="openid", claims=claims)
    assert claims_in(tokens)["acr"] == "urn:openbanking:psd2:sca"
    strong.acr = "urn:low"
    found = first.go(first.push(scope="openid", claims=claims, prompt="none"))
    assert found["error"] == "unmet_authentication_requirements"


def test_test_claims_parameter_identity_claims(fapi: Site, first: FapiClient) -> None:
    fapi.gateway.user_claims(lambda _user, _scopes: {"given_name": "Alice", "family_name": "Liddell"})
    wanted = {name: {"essential": True} for name in ("given_name", "family_name")}
    claims = json.dumps({"id_token": wanted, "userinfo": wanted})
    tokens = first.tokens(scope="openid profile weather:read", claims=claims)
    said = claims_in(tokens)
    assert (said["given_name"], said["family_name"]) == ("Alice", "Liddell")
    headers = first.key.with_token(tokens["access_token"], "GET", f"{ISSUER}/oauth/userinfo")
    assert fapi.app.test_client().get("/oauth/userinfo", headers=headers).get_json()["family_name"] == "Liddell"


def test_a_page_and_no_redirect_where_nothing_is_known_of_the_request(first: FapiClient) -> None:
    error_page(come(first.site, first.client, "urn:ietf:params:oauth:request_uri:" + "x" * 43), "invalid_request_uri")


def test_every_redirect_is_303_whoever_makes_it(make_site: MakeSite) -> None:
    """Section 5.3.2.1: after a 307 the browser would send on what was typed into a form. The app's own login hook too."""
    site = fapi_site(make_site)
    site.gateway.login(lambda wanted: redirect(f"/login?next={wanted.return_to}", 307))
    first = FapiClient(site)
    request_uri = first.push()
    site.person, alice = None, site.person
    assert come(site, first.client, request_uri).status_code == 303
    site.person = alice
    page = Page(come(site, first.client, request_uri))
    assert site.send(page).status_code == 303
    assert come(site, first.client, first.push()).status_code == 303, "nobody is asked a second time"
    assert come(site, first.client, first.push(prompt="none", max_age="0")).status_code == 303
    plain = make_site(OAUTH_LOGIN_URL="/login")
    plain.person = None
    assert plain.ask(plain.register()).status_code == 302

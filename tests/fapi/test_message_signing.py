"""FAPI 2.0 Message Signing: the modules of its conformance suite, each by its name (`fapi2-message-signing-final-…`)."""

from typing import Any

import pytest

from tests.support.fapi import ACCOUNTS, FIRST, SECOND, SECOND_KEY, STRANGER, SigningClient, ahead, error_of, fapi_site
from tests.support.pushing import URN
from tests.support.signing import Signer, b64, claims_of, rsa_key
from tests.support.site import ISSUER, MakeSite

HOUR = 3600


@pytest.fixture
def first(make_site: MakeSite) -> SigningClient:
    return SigningClient(fapi_site(make_site, "fapi2-message-signing"))


def refused(client: SigningClient, request: str, error: str = "invalid_request_object", **beside: Any) -> None:
    assert error_of(client.par_signed(request, **beside)) == error


def test_a_whole_flow_is_signed_in_both_directions(first: SigningClient) -> None:
    assert first.go(first.push(), "deny")["error"] == "access_denied"
    found = first.go(first.push(state="here"))
    assert found["state"] == "here"
    token = first.redeem(found["code"]).get_json()["access_token"]
    assert first.call(token).get_json() == {"subject": "alice", "client_id": "first"}


def test_introspection_is_signed(first: SigningClient) -> None:
    """RFC 9701, whatever else is preferred; plain JSON is for those who name it."""
    token = first.tokens()["access_token"]
    for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/token-introspection+jwt"}):
        response = first.post("/oauth/introspect", {"token": token, **first.who()}, headers)
        assert response.mimetype == "application/token-introspection+jwt"
        header, said = first.read(response.text)
        assert header["typ"] == "token-introspection+jwt"
        assert (said["iss"], said["aud"]) == (ISSUER, "first")
        assert said["token_introspection"]["cnf"] == {"jkt": first.key.thumbprint}
    plain = first.post("/oauth/introspect", {"token": token, **first.who()}, {"Accept": "application/json"})
    assert plain.get_json()["active"] is True


def test_the_metadata_say_so(first: SigningClient) -> None:
    said = first.site.browser.get("/.well-known/openid-configuration").get_json()
    assert said["request_parameter_supported"] is True
    assert said["require_signed_request_object"] is True
    assert all(mode.endswith("jwt") for mode in said["response_modes_supported"])
    for name in ("request_object", "authorization", "introspection"):
        assert set(said[f"{name}_signing_alg_values_supported"]) <= {"PS256", "ES256", "EdDSA", "Ed25519"}


def test_ensure_request_object_with_multiple_aud_succeeds(first: SigningClient) -> None:
    assert first.par_signed(first.signed(aud=[ISSUER, "https://other.example"])).status_code == 201


def test_ensure_request_object_without_exp_fails(first: SigningClient) -> None:
    refused(first, first.signed(exp=None))


def test_ensure_request_object_without_nbf_fails(first: SigningClient) -> None:
    refused(first, first.signed(nbf=None))


def test_ensure_expired_request_object_fails(first: SigningClient) -> None:
    refused(first, first.signed(nbf=ahead(-600), iat=ahead(-600), exp=ahead(-300)))


def test_ensure_request_object_with_bad_aud_fails(first: SigningClient) -> None:
    for aud in ("https://other.example", ["https://other.example"], None, f"{ISSUER}/oauth/token"):
        refused(first, first.signed(aud=aud))


def test_ensure_request_object_with_exp_over_60_fails(first: SigningClient) -> None:
    refused(first, first.signed(exp=ahead(70 * 60)))


def test_ensure_request_object_with_nbf_over_60_fails(first: SigningClient) -> None:
    refused(first, first.signed(nbf=ahead(-70 * 60)))


def test_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(first: SigningClient) -> None:
    assert first.par_signed(first.signed(nbf=ahead(8))).status_code == 201


def test_ensure_request_object_without_redirect_uri_fails(first: SigningClient) -> None:
    for beside in ({}, {"redirect_uri": "https://app.example/cb"}):
        response = first.par_signed(first.signed(redirect_uri=None), **beside)
        assert error_of(response) in ("invalid_request", "invalid_request_object")


def test_ensure_request_object_signature_algorithm_is_not_none(first: SigningClient) -> None:
    _, payload, _ = first.signed().split(".")
    header = b64(b'{"alg":"none","typ":"oauth-authz-req+jwt"}')
    refused(first, f"{header}.{payload}.")


def test_ensure_request_object_with_invalid_signature_fails(first: SigningClient) -> None:
    head, payload, signature = first.signed().split(".")
    refused(first, f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}")
    _, other, _ = first.signed(scope="weather:write").split(".")
    refused(first, f"{head}.{other}.{signature}")


def test_ensure_signed_request_object_with_RS256_fails(make_site: MakeSite) -> None:
    site = fapi_site(make_site, "fapi2-message-signing")
    client = SigningClient(site, "rsa", Signer("PS256", key=rsa_key()))
    assert client.par_signed().status_code == 201
    refused(client, client.signed(Signer("RS256", key=rsa_key())))


def test_ensure_matching_key_in_authorization_request(first: SigningClient) -> None:
    second = SigningClient(first.site, "second", SECOND, SECOND_KEY)
    refused(first, first.signed(second.signer))
    refused(first, first.signed(STRANGER))
    refused(first, second.signed())
    assert first.par_signed(first.signed(FIRST)).status_code == 201


def test_ensure_unsigned_request_at_par_endpoint_fails(first: SigningClient) -> None:
    assert error_of(first.par()) == "invalid_request"


def test_par_authorization_request_containing_request_uri(first: SigningClient) -> None:
    """Inside of the request object, and beside it."""
    for request_uri in (f"{URN}{'x' * 43}", first.push(), "https://app.example/request.jwt"):
        refused(first, first.signed(request_uri=request_uri), "invalid_request")
        refused(first, first.signed(), "invalid_request", request_uri=request_uri)


def test_ensure_different_nonce_inside_and_outside_request_object(first: SigningClient) -> None:
    request = first.signed(scope="openid weather:read", nonce="inside")
    request_uri = first.par_signed(request, nonce="outside").get_json()["request_uri"]
    tokens = first.redeem(first.go(request_uri)["code"]).get_json()
    assert first.read(tokens["id_token"])[1]["nonce"] == "inside"


def test_ensure_different_state_inside_and_outside_request_object(first: SigningClient) -> None:
    request_uri = first.par_signed(first.signed(state="inside"), state="outside").get_json()["request_uri"]
    assert first.go(request_uri, state="in the browser")["state"] == "inside"


def test_state_only_outside_request_object_not_used(first: SigningClient) -> None:
    request_uri = first.par_signed(first.signed(state=None), state="outside").get_json()["request_uri"]
    assert "state" not in first.go(request_uri)


def test_an_assertion_or_a_proof_is_no_request_object(first: SigningClient) -> None:
    refused(first, first.assertion())
    refused(first, first.signer.sign(claims_of("first", ISSUER, **first.says()), typ="client-authentication+jwt"))
    refused(first, first.key.proof("GET", ACCOUNTS))

"""FAPI 2.0 Security Profile: the modules of DPoP (`fapi2-security-profile-final-…`)."""

from typing import Any

import pytest
from werkzeug.datastructures import Headers

from tests.support.fapi import ACCOUNTS, FIRST_KEY, OTHER_KEY, FapiClient, ahead, error_of, fapi_site
from tests.support.proofs import KEPT_OUT, ProofKey
from tests.support.signing import Signer, b64, rsa_key
from tests.support.site import MakeSite

GOOD = 200


def private(key: ProofKey) -> dict[str, Any]:
    number = key.signer.key.private_numbers().private_value
    return key.jwk | {"d": b64(number.to_bytes(32))}


def proof(token: str, **more: Any) -> str:
    """A proof of the first client's key for `/accounts`, with changes."""
    uri = more.pop("htu", ACCOUNTS)
    return FIRST_KEY.proof("GET", uri, token, **more)


def broken(text: str) -> str:
    head, _, signature = text.rpartition(".")
    return f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


#: The steps of `dpop-negative-tests`, in the suite's order: what is sent for a token, and what the view answers.
STEPS: dict[str, tuple[Any, int]] = {
    "the header's name in capitals": (lambda token: {"DPOP": proof(token)}, GOOD),
    "two headers": (lambda token: [("DPoP", proof(token)), ("DPoP", proof(token))], 401),
    "no JWT": (lambda _: {"DPoP": "not.a-jwt"}, 401),
    "no typ": (lambda token: {"DPoP": proof(token, header={"typ": KEPT_OUT})}, 401),
    "no alg": (lambda token: {"DPoP": proof(token, header={"alg": KEPT_OUT})}, 401),
    "no jwk": (lambda token: {"DPoP": proof(token, header={"jwk": KEPT_OUT})}, 401),
    "no jti": (lambda token: {"DPoP": proof(token, jti=KEPT_OUT)}, 401),
    "no htm": (lambda token: {"DPoP": proof(token, htm=KEPT_OUT)}, 401),
    "no htu": (lambda token: {"DPoP": FIRST_KEY.proof("GET", KEPT_OUT, token)}, 401),  # type: ignore[arg-type]
    "no iat": (lambda token: {"DPoP": proof(token, iat=KEPT_OUT)}, 401),
    "no ath": (lambda token: {"DPoP": proof(token, ath=KEPT_OUT)}, 401),
    "another typ": (lambda token: {"DPoP": proof(token, header={"typ": "JWT"})}, 401),
    "RS256": (lambda token: {"DPoP": rs256(token)}, 401),
    "none": (lambda token: {"DPoP": none(token)}, 401),
    "a wrong signature": (lambda token: {"DPoP": broken(proof(token))}, 401),
    "a private jwk": (lambda token: {"DPoP": proof(token, header={"jwk": private(FIRST_KEY)})}, 401),
    "another method": (lambda token: {"DPoP": proof(token, htm="POST")}, 401),
    "a query that the request hasn't": (lambda token: {"DPoP": proof(token, htu=f"{ACCOUNTS}?a=b")}, GOOD),
    "a fragment": (lambda token: {"DPoP": proof(token, htu=f"{ACCOUNTS}#a")}, GOOD),
    "another path": (lambda token: {"DPoP": proof(token, htu="http://localhost/other")}, 401),
    "another host": (lambda token: {"DPoP": proof(token, htu="https://elsewhere.example/accounts")}, 401),
    "an hour ago": (lambda token: {"DPoP": proof(token, iat=ahead(-3600))}, 401),
    "in an hour": (lambda token: {"DPoP": proof(token, iat=ahead(3600))}, 401),
    "the hash of another token": (lambda token: {"DPoP": proof(f"{token}x")}, 401),
    "another key": (lambda token: {"DPoP": OTHER_KEY.proof("GET", ACCOUNTS, token)}, 401),
    "members that nobody knows": (lambda token: {"DPoP": proof(token, extra="1", header={"extra": 1})}, GOOD),
    "scheme and host in capitals": (lambda token: {"DPoP": proof(token, htu="HTTP://LOCALHOST/accounts")}, GOOD),
    "the port that is the default": (lambda token: {"DPoP": proof(token, htu="http://localhost:80/accounts")}, GOOD),
    "no proof": (lambda _: {}, 401),
    "as Bearer": (lambda token: {"DPoP": proof(token), "Authorization": f"Bearer {token}"}, 401),
    "at last a good one": (lambda token: {"DPoP": proof(token)}, GOOD),
}


def rs256(token: str) -> str:
    key = ProofKey("RS256")
    key.signer = Signer("RS256", kid=None, key=rsa_key())
    return key.proof("GET", ACCOUNTS, token)


def none(token: str) -> str:
    text = proof(token, header={"alg": "none"})
    return f"{text.rpartition('.')[0]}."


@pytest.mark.parametrize("step", STEPS)
def test_dpop_negative_tests(first: FapiClient, step: str) -> None:
    token = first.tokens()["access_token"]
    make, status = STEPS[step]
    headers = Headers(make(token))
    if "Authorization" not in headers:
        headers["Authorization"] = f"DPoP {token}"
    response = first.site.app.test_client().get("/accounts", headers=headers)
    assert response.status_code == status, f"{step}: {response.text}"
    if status == 401:
        assert "DPoP" in response.headers["WWW-Authenticate"]
        assert first.call(token).status_code == GOOD


def test_dpop_negative_tests_jti_twice(first: FapiClient) -> None:
    token = first.tokens()["access_token"]
    headers = first.presenting(token)
    assert first.call(token, headers).status_code == GOOD
    assert first.call(token, headers).status_code == 401
    same = first.presenting(token, jti="one and the same")
    assert first.call(token, same).status_code == GOOD
    assert first.call(token, first.presenting(token, jti="one and the same", iat=ahead(-1))).status_code == 401


def test_check_dpop_proof_nbf_exp(first: FapiClient) -> None:
    """Both may be there, and are heeded."""
    token = first.tokens()["access_token"]
    for changes, status in (
        ({"nbf": ahead(0), "exp": ahead(60)}, GOOD),
        ({"exp": ahead(-3600)}, 401),
        ({"nbf": ahead(3600)}, 401),
    ):
        assert first.call(token, first.presenting(token, **changes)).status_code == status
    code = first.code()
    assert error_of(first.redeem(code, headers=first.proof(exp=ahead(-3600)))) == "invalid_dpop_proof"
    assert error_of(first.redeem(code, headers=first.proof(nbf=ahead(3600)))) == "invalid_dpop_proof"
    assert first.redeem(code, headers=first.proof(nbf=ahead(0), exp=ahead(60))).status_code == GOOD


def test_ensure_dpopproof_with_iat_10seconds_before_succeeds(first: FapiClient) -> None:
    is_taken_at_both(first, ahead(-10))


def test_ensure_dpopproof_with_iat_10seconds_after_succeeds(first: FapiClient) -> None:
    is_taken_at_both(first, ahead(10))


def is_taken_at_both(client: FapiClient, iat: int) -> None:
    """At the token endpoint, and at the resource."""
    response = client.redeem(client.code(), headers=client.proof(iat=iat))
    assert response.status_code == GOOD
    token = response.get_json()["access_token"]
    assert client.call(token, client.presenting(token, iat=iat)).status_code == GOOD


def at_par(key: ProofKey) -> dict[str, str]:
    return key.headers("POST", "http://localhost/oauth/par")


def test_ensure_mismatched_dpop_jkt_fails(first: FapiClient) -> None:
    """`dpop_jkt` names another key than the proof beside it."""
    response = first.par(headers=at_par(FIRST_KEY), dpop_jkt=OTHER_KEY.thumbprint)
    assert error_of(response) == "invalid_dpop_proof"


def test_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(first: FapiClient) -> None:
    code = first.code(dpop_jkt=FIRST_KEY.thumbprint)
    assert error_of(first.redeem(code, headers=OTHER_KEY.headers())) == "invalid_grant"
    assert first.redeem(code).status_code == GOOD, "which has not spent the code"


def test_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(first: FapiClient) -> None:
    code = first.code(headers=at_par(FIRST_KEY))
    assert error_of(first.redeem(code, headers=OTHER_KEY.headers())) == "invalid_grant"


def test_ensure_dpopproof_at_par_endpoint_binding_success(first: FapiClient) -> None:
    assert first.redeem(first.code(headers=at_par(FIRST_KEY))).status_code == GOOD
    both = first.code(headers=at_par(FIRST_KEY), dpop_jkt=FIRST_KEY.thumbprint)
    assert first.redeem(both).status_code == GOOD


def test_ensure_dpop_auth_code_binding_success(first: FapiClient) -> None:
    token = first.redeem(first.code(dpop_jkt=FIRST_KEY.thumbprint)).get_json()["access_token"]
    assert first.call(token).status_code == GOOD


def test_a_whole_flow_with_nonces(make_site: MakeSite) -> None:
    """The suite's clients answer a server's nonce wherever one is asked for."""
    first = FapiClient(fapi_site(make_site, OAUTH_DPOP_NONCE=True))

    def again(response: Any, uri: str, method: str = "POST", **more: Any) -> dict[str, str]:
        assert response.status_code in (400, 401)
        nonce = response.headers["DPoP-Nonce"]
        return {"DPoP": FIRST_KEY.proof(method, uri, nonce=nonce, **more)}

    headers = again(first.par(headers=at_par(FIRST_KEY)), "http://localhost/oauth/par")
    code = first.code(headers=headers)
    headers = again(first.redeem(code), "http://localhost/oauth/token")
    token = first.redeem(code, headers=headers).get_json()["access_token"]
    headers = again(first.call(token), ACCOUNTS, "GET", token=token)
    assert first.call(token, {"Authorization": f"DPoP {token}", **headers}).status_code == GOOD

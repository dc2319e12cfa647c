"""Neither gateway knows DPoP. What has to be told of it is told as RFC 9449 says, whichever of them is imitated."""

import pytest

from tests.support.app import MakeApp, basic, bearer, refusal, register
from tests.support.proofs import ProofKey

KEY, OTHER = ProofKey(), ProofKey()


@pytest.mark.parametrize("gateway", ["apigee", "axway"])
def test_a_bound_token_is_called_one_and_refusals_name_both_schemes(make_app: MakeApp, gateway: str) -> None:
    app = make_app(OAUTH_COMPATIBILITY=gateway, OAUTH_DPOP=True)
    client, http = register(app), app.test_client()
    asked = {"data": {"grant_type": "client_credentials"}}
    secret = basic(client.client_id, client.client_secret)
    tokens = http.post("/oauth/token", headers=secret | KEY.headers(), **asked).get_json()
    assert tokens["token_type"] == "DPoP"
    plain = http.post("/oauth/token", headers=secret, **asked).get_json()
    assert plain["token_type"] == ("BearerToken" if gateway == "apigee" else "Bearer")
    token = tokens["access_token"]
    for headers in ({}, bearer(token), bearer("unknown"), OTHER.with_token(token)):
        challenge = http.get("/weather", headers=headers).headers["WWW-Authenticate"]
        assert "Bearer realm=" in challenge
        assert "DPoP realm=" in challenge
        assert 'algs="ES256 ' in challenge
    without = http.get("/weather", headers={"Authorization": f"DPoP {token}"})
    assert without.status_code == 401
    assert without.headers["WWW-Authenticate"].startswith("DPoP ")
    assert http.get("/weather", headers=KEY.with_token(token)).status_code == 200


@pytest.mark.parametrize("gateway", ["apigee", "axway"])
def test_a_client_is_told_of_its_proof_by_the_error_that_it_knows(make_app: MakeApp, gateway: str) -> None:
    app = make_app(OAUTH_COMPATIBILITY=gateway, OAUTH_DPOP="required", OAUTH_DPOP_NONCE=True)
    client, http = register(app), app.test_client()
    secret = basic(client.client_id, client.client_secret)
    asked = {"data": {"grant_type": "client_credentials"}}
    refusal(http.post("/oauth/token", headers=secret, **asked), 400, "invalid_dpop_proof")
    first = http.post("/oauth/token", headers=secret | KEY.headers(), **asked)
    refusal(first, 400, "use_dpop_nonce")
    again = http.post("/oauth/token", headers=secret | KEY.headers(nonce=first.headers["DPoP-Nonce"]), **asked)
    assert again.status_code == 200

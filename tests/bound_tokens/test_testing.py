"""How our users' own tests bring tokens that are bound: with a proof for each request, or with a certificate."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, redirect

from flask_oauth_gateway import current_token, require_token
from flask_oauth_gateway.testing import Clock
from tests.support.app import MakeApp, bearer, refusal
from tests.support.certificates import self_signed
from tests.support.checking import ISSUER, checking_app
from tests.support.signing import Signer

pytest_plugins = ["flask_oauth_gateway.testing"]
HEADER = {"header": "X-Client-Cert", "format": "pem-escaped"}
SOURCES: list[Any] = ["nginx", "apache", "haproxy", "traefik", "envoy", "rfc9440", "environ", HEADER]
Make = Callable[..., Any]


@pytest.fixture
def config() -> dict[str, Any]:
    return {"OAUTH_DPOP": True, "OAUTH_MTLS": True, "OAUTH_MTLS_CERTIFICATE": "nginx"}


@pytest.fixture
def app(make_app: MakeApp, config: dict[str, Any]) -> Flask:
    app = make_app(**config)

    @app.route("/pay", methods=["GET", "POST"])
    @require_token("pay", bound=True)
    def pay() -> dict[str, Any]:
        return dict(current_token.confirmation)

    @app.get("/moved")
    @require_token
    def moved() -> Any:
        return redirect("/pay?from=moved")

    return app


def test_a_client_sends_a_proof_for_each_request_by_itself(authorized_client: Make) -> None:
    client = authorized_client("pay", dpop=True)
    assert set(client.post("/pay?amount=5", json={"to": "bob"}).get_json()) == {"jkt"}
    assert client.get("/pay").status_code == 200
    assert client.get("/moved", follow_redirects=True).status_code == 200
    assert authorized_client("pay").get("/pay").status_code == 401


def test_a_token_makes_the_headers_of_one_request(app: Flask, oauth_token: Make) -> None:
    token, client = oauth_token("pay", dpop=True), app.test_client()
    headers = token.headers_for("POST", "/pay")
    assert client.post("/pay", headers=headers).status_code == 200
    assert "used before" in refusal(client.post("/pay", headers=headers), 401, "invalid_dpop_proof")
    assert client.get("/pay", headers=token.headers_for("POST", "/pay")).status_code == 401
    assert client.post("/pay", headers=bearer(token)).status_code == 401
    other = oauth_token("pay", dpop=True)
    stolen = {**other.headers_for("POST", "/pay"), "Authorization": f"DPoP {token}"}
    assert client.post("/pay", headers=stolen).status_code == 401
    with pytest.raises(TypeError, match=r"token.headers_for\(method, url\)"):
        token.headers  # noqa: B018
    plain = oauth_token()
    assert plain.headers_for("GET", "/pay") == plain.headers


@pytest.mark.parametrize("config", [{"OAUTH_DPOP": True, "OAUTH_DPOP_NONCE": True, "APPLICATION_ROOT": "/shop"}])
def test_nonces_and_the_place_of_the_app_are_known(authorized_client: Make, oauth_clock: Clock) -> None:
    client = authorized_client("pay", dpop=True, expires_in=3600)
    for _ in range(3):
        assert client.get("/pay").status_code == 200
        oauth_clock.advance(130)


@pytest.mark.parametrize("config", [{"OAUTH_MTLS": True, "OAUTH_MTLS_CERTIFICATE": each} for each in SOURCES], ids=str)
@pytest.mark.parametrize("given", ["new", "certificate", "pem"])
def test_a_certificate_comes_as_the_app_s_proxy_hands_it_on(
    app: Flask, authorized_client: Make, oauth_token: Make, given: str, config: dict[str, Any]
) -> None:
    held = self_signed("mine")
    certificate: Any = {"new": True, "certificate": held.certificate, "pem": held.pem}[given]
    thumbprint = authorized_client("pay", certificate=certificate).get("/pay").get_json()["x5t#S256"]
    assert (thumbprint == held.thumbprint) is (given != "new")
    token = oauth_token("pay", certificate=certificate)
    if config["OAUTH_MTLS_CERTIFICATE"] != "environ":  # which is no header
        assert app.test_client().get("/pay", headers=token.headers).status_code == 200
    assert app.test_client().get("/pay", headers=bearer(token)).status_code == 401


@pytest.mark.parametrize(
    "config", [{"OAUTH_MTLS": True, "OAUTH_MTLS_CERTIFICATE": "nginx", "OAUTH_MTLS_PEERS": ["10.1.0.0/16"]}]
)
def test_a_client_comes_from_a_proxy_that_is_believed(authorized_client: Make) -> None:
    assert authorized_client("pay", certificate=True).get("/pay").status_code == 200


def test_a_token_may_be_bound_to_both(authorized_client: Make) -> None:
    client = authorized_client("pay", dpop=True, certificate=True)
    assert set(client.get("/pay").get_json()) == {"jkt", "x5t#S256"}


@pytest.mark.parametrize("config", [{}])
def test_where_the_feature_is_off_the_test_says_so(authorized_client: Make, oauth_token: Make) -> None:
    with pytest.raises(pytest.UsageError, match="OAUTH_DPOP = True"):
        authorized_client(dpop=True).get("/pay")
    with pytest.raises(pytest.UsageError, match="OAUTH_MTLS = True"):
        oauth_token(certificate=True)


class TestInAnAppThatOnlyChecks:
    @pytest.fixture
    def app(self) -> Flask:
        entry = {"jwks": Signer().jwks(), "audience": "api"}
        return checking_app({ISSUER: entry}, OAUTH_DPOP=True, OAUTH_MTLS=True, OAUTH_MTLS_CERTIFICATE="nginx")

    def test_it_is_the_same(self, authorized_client: Make) -> None:
        assert authorized_client("weather:read", dpop=True, audience="api").get("/who").status_code == 200
        assert authorized_client("weather:read", certificate=True, audience="api").get("/who").status_code == 200

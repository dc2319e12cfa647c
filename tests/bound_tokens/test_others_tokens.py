"""Bound tokens of other servers: welcome with their proof where proofs are checked, and nowhere else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from tests.bound_tokens.places import HOST
from tests.support.app import MakeApp, bearer, refusal
from tests.support.certificates import self_signed
from tests.support.checking import API, ISSUER, asked, checking_app, said
from tests.support.key_server import KeyServer, key_server
from tests.support.proofs import ProofKey
from tests.support.signing import Signer

SIGNER, HOLDER, THIEF = Signer("ES256"), ProofKey(), ProofKey()
CERTIFICATE, ANOTHER = self_signed("holder"), self_signed("holder")
JKT, X5T = {"jkt": HOLDER.thumbprint}, {"x5t#S256": CERTIFICATE.thumbprint}
ON: dict[str, Any] = {"OAUTH_DPOP": True, "OAUTH_MTLS": True, "OAUTH_MTLS_CERTIFICATE": "rfc9440", "SECRET_KEY": "s"}
OWN, OTHER = ({"Client-Cert": f":{each.base64}:"} for each in (CERTIFICATE, ANOTHER))
WHO = f"{HOST}/who"

#: What a server says of a bound token: with the proofs `dpop`, `mtls` it is good.
SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "RFC 9068 and 9449": ({"cnf": JKT, "client_id": "shop"}, {"typ": "at+jwt"}, "dpop"),
    "RFC 9068 and 8705": ({"cnf": X5T, "client_id": "shop"}, {"typ": "at+jwt"}, "mtls"),
    "Keycloak, DPoP": ({"cnf": JKT, "typ": "DPoP", "azp": "shop"}, {}, "dpop"),
    "Keycloak, certificate": ({"cnf": X5T, "typ": "Bearer", "azp": "shop"}, {}, "mtls"),
    "Auth0, DPoP": ({"cnf": JKT, "azp": "shop", "gty": "authorization_code"}, {"typ": "at+jwt"}, "dpop"),
    "Auth0, certificate": ({"cnf": X5T, "sub": "shop@clients", "gty": "client-credentials"}, {}, "mtls"),
    "Okta, DPoP": ({"cnf": JKT, "azp": None, "cid": "shop", "scope": None, "scp": ["weather:read"]}, {}, "dpop"),
}


@pytest.fixture(scope="module", params=["authorization server", "resource server"])
def trusting(request: pytest.FixtureRequest) -> Flask:
    entry = {"jwks": SIGNER.jwks(), "audience": API}
    if request.param == "resource server":
        return checking_app({ISSUER: entry}, **ON)
    from tests.support.app import build_app

    config = {"OAUTH_TRUSTED_TOKEN_ISSUERS": {ISSUER: entry}, "OAUTH_DATABASE_URI": "sqlite:///:memory:"}
    app = build_app(**ON | config)
    app.add_url_rule("/who", view_func=app.view_functions["weather"], endpoint="who")
    return app


def statuses(app: Flask, token: str) -> dict[str, int]:
    """How a view answers the holder by each kind of proof, and thieves."""
    tried = {
        "dpop": HOLDER.with_token(token, "GET", WHO),
        "mtls": bearer(token) | OWN,
        "bearer": bearer(token),
        "another key": THIEF.with_token(token, "GET", WHO),
        "no proof": {"Authorization": f"DPoP {token}"},
        "another certificate": bearer(token) | OTHER,
        "another URI": HOLDER.with_token(token, "GET", f"{HOST}/weather"),
        "DPoP and certificate": THIEF.with_token(token, "GET", WHO) | OWN,
    }
    return {how: app.test_client().get("/who", headers=headers).status_code for how, headers in tried.items()}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_server_s_bound_tokens_are_welcome_with_their_proof(trusting: Flask, shape: str) -> None:
    claims, header, good = SHAPES[shape]
    token = SIGNER.sign(said(**claims), **header)
    found = statuses(trusting, token)
    assert found == {how: 200 if how == good else 401 for how in found}
    assert statuses(trusting, token) == found, "the JWT is remembered by now, and no proof with it"


@pytest.mark.parametrize("shape", SHAPES)
def test_where_its_kind_of_proof_is_off_a_bound_token_is_refused(make_app: MakeApp, shape: str) -> None:
    claims, header, good = SHAPES[shape]
    off = {"OAUTH_DPOP": False} if good == "dpop" else {"OAUTH_MTLS": False, "OAUTH_MTLS_CERTIFICATE": None}
    for config in (off, {"OAUTH_DPOP": False, "OAUTH_MTLS": False, "OAUTH_MTLS_CERTIFICATE": None}):
        app = checking_app({ISSUER: {"jwks": SIGNER.jwks(), "audience": API}}, **ON | config)
        assert set(statuses(app, SIGNER.sign(said(**claims), **header)).values()) == {401}


@pytest.mark.parametrize(
    "claims",
    [
        {"typ": "DPoP"},
        {"token_type": "DPoP"},
        {"typ": "DPoP", "cnf": X5T},
        {"cnf": {"kid": "k", "xms_ksl": "sw"}},  # Entra's proof-of-possession
        {"cnf": {"jwk": HOLDER.jwk}},
        {"cnf": {**JKT, "kid": "k"}},
        {"cnf": {}},
        {"cnf": []},
        {"cnf": [JKT]},
        {"cnf": "x"},
        {"cnf": False},
        {"cnf": {"jkt": None}},
        {"cnf": {"jkt": [HOLDER.thumbprint]}},
        {"cnf": {"x5t#S256": 5}},
    ],
    ids=str,
)
def test_a_binding_that_is_not_known_is_refused(trusting: Flask, claims: dict[str, Any]) -> None:
    assert set(statuses(trusting, SIGNER.sign(said(**claims))).values()) == {401}


# An issuer that is asked


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


def live(**more: Any) -> dict[str, Any]:
    return {"active": True, **said(iss=None, **more)}


Asking = Callable[..., Flask]


@pytest.fixture
def asking(server: KeyServer) -> Asking:
    return lambda **config: checking_app({ISSUER: asked(server.url)}, **ON | config)


@pytest.mark.parametrize("cached", [0, 60])
@pytest.mark.parametrize(
    ("answer", "good"),
    [
        ({"token_type": "DPoP", "cnf": JKT}, "dpop"),
        ({"token_type": "Bearer", "cnf": JKT}, "dpop"),
        ({"cnf": JKT}, "dpop"),
        ({"token_type": "Bearer", "cnf": X5T}, "mtls"),
        ({"token_type": "DPoP"}, ""),
        ({"token_type": "DPoP", "cnf": X5T}, ""),
        ({"cnf": {"kid": "1"}}, ""),
        ({"cnf": {}}, ""),
        ({"cnf": "x"}, ""),
    ],
    ids=str,
)
def test_a_server_that_is_asked_says_what_its_token_is_bound_to(
    asking: Asking, server: KeyServer, answer: dict[str, Any], good: str, cached: int
) -> None:
    server.says = live(**answer)
    app = asking(OAUTH_TOKEN_CACHE_SECONDS=cached)
    for _ in range(2):
        found = statuses(app, "an-opaque-token")
        assert found == {how: 200 if how == good else 401 for how in found}


def test_an_unbound_token_of_another_server_is_no_dpop_token(trusting: Flask) -> None:
    client, token = trusting.test_client(), SIGNER.sign(said())
    assert client.get("/who", headers=bearer(token)).status_code == 200
    answer = client.get("/who", headers=HOLDER.with_token(token, "GET", WHO))
    assert "send it as Bearer" in refusal(answer, 401, "invalid_token")

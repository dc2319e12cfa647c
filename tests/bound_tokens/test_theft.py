"""A stolen token is tried at every place that takes a token, in every way that a thief has."""

import time
from collections.abc import Iterator

import pytest

from tests.bound_tokens.places import HOST, PLACES, Places
from tests.support.app import bearer, close_app
from tests.support.certificates import self_signed
from tests.support.proofs import KEPT_OUT, ProofKey

HOLDER, THIEF = ProofKey(), ProofKey()
CERTIFICATE, ANOTHER = self_signed("holder"), self_signed("holder")

PROOF, TOKEN = "invalid_dpop_proof", "invalid_token"


def thefts(method: str, uri: str, token: str) -> dict[str, tuple[dict[str, str], str]]:
    """What a thief sends who has seen a token and proofs of its holder; and the error of the answer."""
    by = {"Authorization": f"DPoP {token}"}
    two = f"{HOLDER.proof(method, uri, token)},{THIEF.proof(method, uri, token)}"
    elsewhere = uri.replace(HOST, "http://thief.example")
    return {
        "as Bearer": (bearer(token), TOKEN),
        "as Bearer, with a proof of its key": (HOLDER.with_token(token, method, uri) | bearer(token), TOKEN),
        "without a proof": (by, PROOF),
        "with the thief's own key": (THIEF.with_token(token, method, uri), TOKEN),
        "with a proof for another URI": (HOLDER.with_token(token, method, f"{HOST}/other"), PROOF),
        "with a proof for another host": (HOLDER.with_token(token, method, elsewhere), PROOF),
        "with a proof for another method": (HOLDER.with_token(token, "TRACE", uri), PROOF),
        "with a proof of the token endpoint": (by | {"DPoP": HOLDER.proof()}, PROOF),
        "without ath": (HOLDER.with_token(token, method, uri, ath=KEPT_OUT), PROOF),
        "with another token's ath": (by | {"DPoP": HOLDER.proof(method, uri, f"{token}x")}, PROOF),
        "with an old proof": (HOLDER.with_token(token, method, uri, iat=int(time.time()) - 300), PROOF),
        "with two proofs": (by | {"DPoP": two}, PROOF),
    }


@pytest.fixture(scope="module", params=["opaque", "jwt"])
def places(request: pytest.FixtureRequest) -> Iterator[Places]:
    made = Places(
        OAUTH_DPOP=True, OAUTH_MTLS=True, OAUTH_MTLS_CERTIFICATE="nginx", OAUTH_DATABASE_URI="sqlite:///:memory:",
        OAUTH_ACCESS_TOKEN_FORMAT=request.param,
    )  # fmt: skip
    yield made
    close_app(made.app)


@pytest.mark.parametrize("place", PLACES)
def test_a_token_bound_to_a_key_is_of_no_use_to_a_thief(places: Places, place: str) -> None:
    method, path, _ = PLACES[place]
    uri, token = HOST + path, places.token({"jkt": HOLDER.thumbprint}, place)
    good = HOLDER.with_token(token, method, f"{uri}?with=query")
    assert places.ask(place, good).status in (200, 204), "its holder is let in"
    for name, (headers, error) in (thefts(method, uri, token) | {"with a proof that was used": (good, PROOF)}).items():
        answer = places.ask(place, headers)
        if place == "tokeninfo" and error == TOKEN:  # which has answered so since before it took such tokens
            assert answer.status == 400, name
            continue
        assert (answer.status, f'error="{error}"' in answer.challenge) == (401, True), (name, answer)
        assert answer.challenge.startswith("DPoP "), name
        assert 'algs="ES256 ' in answer.challenge, name
        assert ("Bearer " in answer.challenge) is (error == TOKEN), name
    assert places.ask(place, HOLDER.with_token(token, method, uri)).status in (200, 204), "and still is"


@pytest.mark.parametrize("place", PLACES)
def test_a_token_bound_to_a_certificate_is_of_no_use_to_a_thief(places: Places, place: str) -> None:
    method, path, _ = PLACES[place]
    token = places.token({"x5t#S256": CERTIFICATE.thumbprint}, place)
    own = {**bearer(token), "X-SSL-Client-Cert": CERTIFICATE.escaped}
    assert places.ask(place, own).status in (200, 204), "its holder is let in"
    tries = {
        "without a certificate": bearer(token),
        "with another certificate of the same name": {**bearer(token), "X-SSL-Client-Cert": ANOTHER.escaped},
        "as DPoP": THIEF.with_token(token, method, HOST + path),
        "as DPoP with the certificate": THIEF.with_token(token, method, HOST + path)
        | {"X-SSL-Client-Cert": CERTIFICATE.escaped},
        "with what is no certificate": {**bearer(token), "X-SSL-Client-Cert": CERTIFICATE.escaped[:-40]},
    }
    status = 400 if place == "tokeninfo" else 401
    for name, headers in tries.items():
        answer = places.ask(place, headers)
        assert (answer.status, f'error="{TOKEN}"' in answer.challenge or status == 400) == (status, True), name
    assert places.ask(place, own).status in (200, 204), "and still is"


@pytest.mark.parametrize("place", ["view", "ASGI application", "tokeninfo", "management API"])
def test_the_certificate_of_a_stranger_s_header_is_none(places: Places, place: str) -> None:
    token = places.token({"x5t#S256": CERTIFICATE.thumbprint}, place)
    own = {**bearer(token), "X-SSL-Client-Cert": CERTIFICATE.escaped}
    assert places.ask(place, own, address="192.0.2.1").status == (400 if place == "tokeninfo" else 401)


@pytest.mark.parametrize("place", PLACES)
def test_a_token_bound_to_both_needs_both(places: Places, place: str) -> None:
    method, path, _ = PLACES[place]
    token = places.token({"jkt": HOLDER.thumbprint, "x5t#S256": CERTIFICATE.thumbprint}, place)
    own = {"X-SSL-Client-Cert": CERTIFICATE.escaped}
    refused = (400, 401)
    assert places.ask(place, bearer(token) | own).status in refused
    assert places.ask(place, HOLDER.with_token(token, method, HOST + path)).status in refused
    assert places.ask(place, THIEF.with_token(token, method, HOST + path) | own).status in refused
    assert places.ask(place, HOLDER.with_token(token, method, HOST + path) | own).status in (200, 204)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "cnf", [{}, {"kid": "1"}, {"jkt": "x", "kid": "1"}, {"jwk": HOLDER.jwk}, "x", [], 0, {"jkt": 5}], ids=str
)
def test_what_a_token_is_bound_to_must_be_known(places: Places, place: str, cnf: object) -> None:
    method, path, _ = PLACES[place]
    token = places.token(cnf, place)
    certificate = {"X-SSL-Client-Cert": CERTIFICATE.escaped}
    for headers in (bearer(token), HOLDER.with_token(token, method, HOST + path)):
        assert places.ask(place, headers | certificate).status in (400, 401)


@pytest.mark.parametrize("place", PLACES)
def test_an_unbound_token_is_no_dpop_token(places: Places, place: str) -> None:
    method, path, _ = PLACES[place]
    token = places.token(None, place)
    assert places.ask(place, bearer(token)).status in (200, 204)
    answer = places.ask(place, HOLDER.with_token(token, method, HOST + path))
    assert answer.status == (400 if place == "tokeninfo" else 401)


@pytest.mark.parametrize(
    "on", [{}, {"OAUTH_DPOP": True}, {"OAUTH_MTLS": True, "OAUTH_MTLS_CERTIFICATE": "nginx"}], ids=str
)
@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_where_a_binding_can_t_be_checked_the_token_is_refused(on: dict[str, object], form: str) -> None:
    places = Places(**on, OAUTH_ACCESS_TOKEN_FORMAT=form, OAUTH_DATABASE_URI="sqlite:///:memory:")
    unchecked = [] if "OAUTH_DPOP" in on else [{"jkt": HOLDER.thumbprint}]
    unchecked += [] if "OAUTH_MTLS" in on else [{"x5t#S256": CERTIFICATE.thumbprint}]
    for place, (method, path, _) in PLACES.items():
        assert places.ask(place, bearer(places.token(None, place))).status in (200, 204)
        for cnf in unchecked:
            token = places.token(cnf, place)
            for headers in (bearer(token), HOLDER.with_token(token, method, HOST + path)):
                answer = places.ask(place, headers | {"X-SSL-Client-Cert": CERTIFICATE.escaped})
                assert answer.status in (400, 401), place
    close_app(places.app)

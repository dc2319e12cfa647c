"""Which proofs are good for a request: every check of RFC 9449 section 4.3, and the few things that a proof may have."""

import time
from typing import Any

import pytest
from flask import Flask, request

from flask_oauth_gateway.proofs.binding import Binding
from flask_oauth_gateway.proofs.errors import InvalidDpopProof
from tests.support.app import MakeApp, server_of
from tests.support.proofs import KEPT_OUT, TOKEN_URL, ProofKey
from tests.support.signing import b64

KEY = ProofKey()


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(OAUTH_DPOP=True)


def offered(app: Flask, proof: str, **environ: Any) -> dict[str, str]:
    """What the proof of a request to the token endpoint proves."""
    binding: Binding | None = server_of(app).binding
    assert binding is not None
    with app.test_request_context("/oauth/token", method="POST", headers={"DPoP": proof}, environ_overrides=environ):
        return binding.offered(request)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "Ed25519", "EdDSA", "PS256", "RS256"])
def test_a_good_proof_shows_the_thumbprint_of_its_key(app: Flask, algorithm: str) -> None:
    key = ProofKey(algorithm)
    assert offered(app, key.proof()) == {"jkt": key.thumbprint}


def test_a_request_without_a_proof_proves_nothing(app: Flask) -> None:
    binding = server_of(app).binding
    assert binding is not None
    with app.test_request_context("/oauth/token", method="POST"):
        assert binding.offered(request) == {}


#: Times are in seconds from now.
GOOD: dict[str, dict[str, Any]] = {
    "ten seconds old": {"iat": -10},
    "ten seconds ahead": {"iat": 10},
    "a time with a fraction": {"iat": 0.5},
    "unknown members": {"and": {"much": "more"}, "header": {"kid": "k", "also": 1}},
    "an expiry and a beginning": {"exp": 300, "nbf": -300},
    "the ath of a token that isn't there": {"ath": "x"},
    "a nonce that nobody asked for": {"nonce": "n"},
    "a scheme and a host in capitals": {"uri": "HTTP://LocalHost/oauth/token"},
    "the default port": {"uri": "http://localhost:80/oauth/token"},
    "no number behind the colon": {"uri": "http://localhost:/oauth/token"},
    "an encoded letter": {"uri": "http://localhost/oauth/%74oken"},
    "dot segments": {"uri": "http://localhost/oauth/./x/../token"},
    "a query": {"uri": f"{TOKEN_URL}?a=b/../c"},
    "a fragment": {"uri": f"{TOKEN_URL}#/x"},
    "a jti of 512 characters": {"jti": "j" * 512},
}


@pytest.mark.parametrize("more", GOOD.values(), ids=GOOD)
def test_a_good_proof_may_have(app: Flask, more: dict[str, Any]) -> None:
    assert offered(app, KEY.proof(**from_now(more))) == {"jkt": KEY.thumbprint}


def from_now(members: dict[str, Any]) -> dict[str, Any]:
    """The members of a proof, with times by the clock."""
    times = [each for each in ("iat", "exp", "nbf") if type(members.get(each)) in (int, float)]
    return members | {name: members[name] + int(time.time()) for name in times}


def jwk(**more: Any) -> dict[str, Any]:
    return {"header": {"jwk": {**KEY.jwk, **more}}}


point = bytearray(b"\x05" * 32)
LONG_RSA = {"kty": "RSA", "n": b64(b"\xff" * 513), "e": "AQAB"}
SHORT_RSA = {"kty": "RSA", "n": b64(b"\xff" * 128), "e": "AQAB"}
BAD: dict[str, dict[str, Any]] = {
    "another typ": {"header": {"typ": "JWT"}},
    "no typ": {"header": {"typ": KEPT_OUT}},
    "no alg": {"header": {"alg": KEPT_OUT}},
    "alg none": {"header": {"alg": "none"}},
    "alg of a secret": {"header": {"alg": "HS256"}},
    "alg of another curve": {"header": {"alg": "ES384"}},
    "alg that is no text": {"header": {"alg": ["ES256"]}},
    "no jwk": {"header": {"jwk": KEPT_OUT}},
    "kid instead of jwk": {"header": {"jwk": KEPT_OUT, "kid": "k"}},
    "x5c instead of jwk": {"header": {"jwk": KEPT_OUT, "x5c": ["MII"]}},
    "jku instead of jwk": {"header": {"jwk": KEPT_OUT, "jku": "https://thief.example/keys"}},
    "jwk that is a text": {"header": {"jwk": "key"}},
    "jwk that is a set": {"header": {"jwk": {"keys": [KEY.jwk]}}},
    "jwk that is a key and a set": jwk(keys=[ProofKey().jwk], x="AA"),
    "a private key": jwk(d="AAAA"),
    "a private key's factors": jwk(p="AAAA"),
    "a member of secrets": jwk(k="AAAA"),
    "a private member that is null": jwk(d=None),
    "a secret": {"header": {"jwk": {"kty": "oct", "k": "A" * 43}}},
    "an RSA key of 1024 bits": {"header": {"alg": "RS256", "jwk": SHORT_RSA}},
    "an RSA key of more than 4096 bits": {"header": {"alg": "RS256", "jwk": LONG_RSA}},
    "a point off its curve": jwk(x=b64(bytes(point))),
    "a number that is too short": jwk(x=b64(bytes(point[:31]))),
    "a key for encryption": jwk(use="enc"),
    "a key for signing": jwk(key_ops=["sign"]),
    "a kind that is no text": jwk(kty={"EC": 1}),
    "an unknown curve": jwk(crv="P-192"),
    "Bitcoin's curve": jwk(crv="secp256k1"),
    "another key": {"header": {"jwk": ProofKey().jwk}},
    "a critical extension": {"header": {"crit": ["b64"], "b64": True}},
    "no htm": {"htm": KEPT_OUT},
    "another method": {"method": "GET"},
    "the method in small letters": {"method": "post"},
    "no htu": {"htu": KEPT_OUT},
    "an htu that is no text": {"htu": [TOKEN_URL]},
    "another path": {"uri": "http://localhost/oauth/revoke"},
    "a slash at the end": {"uri": f"{TOKEN_URL}/"},
    "another host": {"uri": "http://thief.example/oauth/token"},
    "another scheme": {"uri": "https://localhost/oauth/token"},
    "another port": {"uri": "http://localhost:81/oauth/token"},
    "a user in the URI": {"uri": "http://localhost@localhost/oauth/token"},
    "no scheme": {"uri": "/oauth/token"},
    "no iat": {"iat": KEPT_OUT},
    "an iat that is a text": {"iat": "1796038561"},
    "an iat that is true": {"iat": True},
    "an iat beyond all numbers": {"iat": 10**400},
    "an iat of an hour ago": {"iat": -3600},
    "an iat in an hour": {"iat": 3600},
    "a past exp": {"exp": -300},
    "an exp that is true": {"exp": True},
    "an nbf to come": {"nbf": 300},
    "no jti": {"jti": KEPT_OUT},
    "an empty jti": {"jti": ""},
    "a jti of 2 KiB": {"jti": "j" * 2048},
    "a jti that is a number": {"jti": 5},
    "16 KiB": {"filler": "x" * 16384},
}


@pytest.mark.parametrize("more", BAD.values(), ids=BAD)
def test_a_proof_is_refused_for(app: Flask, more: dict[str, Any]) -> None:
    with pytest.raises(InvalidDpopProof):
        offered(app, KEY.proof(**from_now(more)))


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "a.b.c.d", "{}", "é.a.b", "Bearer abc"])
def test_what_is_no_jwt_is_refused(app: Flask, text: str) -> None:
    with pytest.raises(InvalidDpopProof):
        offered(app, text)


def test_two_proofs_in_one_request_are_refused(app: Flask) -> None:
    with pytest.raises(InvalidDpopProof, match="more than one"):
        offered(app, f"{KEY.proof()},{KEY.proof()}")


def test_a_changed_signature_is_refused(app: Flask) -> None:
    head, payload, signature = KEY.proof().split(".")
    with pytest.raises(InvalidDpopProof, match="signature"):
        offered(app, f"{head}.{payload}.{signature[:10]}{'A' if signature[10] != 'A' else 'B'}{signature[11:]}")


def test_a_proof_is_good_once(app: Flask) -> None:
    proof = KEY.proof()
    offered(app, proof)
    with pytest.raises(InvalidDpopProof, match="used before"):
        offered(app, proof)


def test_an_algorithm_that_is_off_is_refused(make_app: MakeApp) -> None:
    app = make_app(OAUTH_DPOP=True, OAUTH_DPOP_ALGORITHMS=["ES256"])
    assert offered(app, KEY.proof())
    with pytest.raises(InvalidDpopProof, match="alg"):
        offered(app, ProofKey("Ed25519").proof())

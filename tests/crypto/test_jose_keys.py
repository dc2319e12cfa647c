"""Keys that may check a signature, and those that may not."""

from typing import Any

import pytest

from flask_oauth_gateway.crypto.certificates import UnusableKey
from flask_oauth_gateway.crypto.jose import JwtError, verify
from flask_oauth_gateway.crypto.jwk import load_jwks, load_pem
from tests.support.signing import Signer, b64, claims_of, rsa_key
from tests.support.trading import IDP

TRUSTED = Signer("RS256", kid="k1")
EVIL = Signer("RS256", kid="k1", key=rsa_key(2048, 1))


def claims() -> dict[str, Any]:
    return claims_of(IDP)


def test_weak_and_unfit_keys_can_t_be_used() -> None:
    weak, curve = Signer(key=rsa_key(1024)), Signer("ES256K")
    short = {"kty": "oct", "k": b64(b"x" * 31)}
    encryption = TRUSTED.jwk(use="enc")
    for wrong in (
        weak.jwks(), curve.jwks(), {"keys": [short]}, {"keys": [encryption]}, {"keys": []}, {"keys": {}}, [], None, "x",
        {"keys": [None]}, {"kty": "RSA"}, {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, {"kty": ["RSA"]},
        TRUSTED.jwk(kid=5), TRUSTED.jwk(key_ops=["encrypt"]), TRUSTED.jwk(d="AA"), {"kty": "oct", "k": 5},
        {"kty": "OKP", "crv": "X25519", "x": b64(b"x" * 32)}, {"kty": "RSA", "n": b64(b"\xff" * 2048), "e": "AQAB"},
    ):  # fmt: skip
        with pytest.raises(UnusableKey):
            load_jwks(wrong, symmetric=True)
    for text in (
        weak.pem(),
        weak.certificate(),
        curve.pem(),
        TRUSTED.private_pem(),
        "",
        "x",
        "-----BEGIN CERTIFICATE-----",
    ):
        with pytest.raises(UnusableKey):
            load_pem(text)
    with pytest.raises(UnusableKey, match="no place among public keys"):
        load_jwks({"keys": [{"kty": "oct", "k": b64(b"x" * 64)}]})
    mixed = {"keys": [encryption, {"kty": "new"}, TRUSTED.jwk()]}
    assert len(load_jwks(mixed)) == 1
    weak_too = {"keys": [*weak.jwks()["keys"], {"kty": "oct", "k": b64(b"x" * 64)}, TRUSTED.jwk()]}
    assert len(load_jwks(weak_too, skipped=[])) == 1
    with pytest.raises(UnusableKey):
        load_jwks(weak_too)


def test_a_key_serves_the_algorithm_that_it_names_and_those_of_the_list() -> None:
    only = load_jwks({"keys": [TRUSTED.jwk(alg="PS256")]})
    ps256 = Signer("PS256", key=TRUSTED.key)
    assert verify(ps256.sign(claims()), only).claims["sub"] == "alice"
    with pytest.raises(JwtError, match="no key of its issuer fits"):
        verify(TRUSTED.sign(claims()), only)
    every = load_jwks(TRUSTED.jwks())
    with pytest.raises(JwtError, match="no key of its issuer fits alg 'RS256' and kid 'k1'"):
        verify(TRUSTED.sign(claims()), every, ("PS256", "RS512"))
    assert verify(TRUSTED.sign(claims()), every, ("RS256",))
    with pytest.raises(JwtError, match="no key"):
        verify(TRUSTED.sign(claims()), ())


def test_one_of_several_keys_without_a_kid_is_enough() -> None:
    signers = [Signer(kid=None) for _ in range(8)]
    keys = load_jwks({"keys": [each.jwk() for each in signers]})
    assert verify(signers[-1].sign(claims()), keys)
    beyond = load_jwks({"keys": [each.jwk() for each in [*signers, Signer(kid=None)]]})
    with pytest.raises(JwtError, match="signature is wrong"):
        verify(EVIL.sign(claims(), alg="ES256"), beyond)

"""Signed requests that are encrypted to a key of the server's (`use: enc`)."""

import json
import time
import zlib

import pytest
from joserfc.jwk import OctKey, RSAKey

from flask_oauth_gateway.signals import key_changed
from tests.support.app import recorded, refusal, server_of
from tests.support.clock import Clock
from tests.support.request_objects import ALGORITHMS, METHOD, MakeSigning, Signing, encrypted, key_for, key_set
from tests.support.signing import Signer, b64, token, unb64

DAY = 86400


@pytest.fixture
def signing(make_signing: MakeSigning) -> Signing:
    return make_signing(OAUTH_REQUEST_ENCRYPTION=True)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_code_comes_of_it(signing: Signing, algorithm: str) -> None:
    key = key_for(signing, algorithm)
    assert signing.code(encrypted(signing.sign(), key, algorithm))
    assert signing.code(encrypted(signing.sign(), key, algorithm, kid=None, cty=None))
    assert signing.code(encrypted(signing.sign(), key, algorithm, iss=signing.client.client_id))


def test_the_keys_are_published_for_this_alone(signing: Signing) -> None:
    keys = key_set(signing)
    assert [(each["alg"], each["use"]) for each in keys] == [
        ("ES256", "sig"),
        ("RSA-OAEP-256", "enc"),
        ("ECDH-ES", "enc"),
    ]
    assert not any({"d", "p", "q", "k"}.intersection(each) for each in keys)
    assert keys == key_set(signing), "they are made once"


def test_where_it_is_off_there_is_no_such_key(make_signing: MakeSigning) -> None:
    signing = make_signing()
    assert [each["use"] for each in key_set(signing)] == ["sig"]
    key = RSAKey.generate_key(2048, {"kid": "x"})
    assert "encrypted" in signing.refused(encrypted(signing.sign(), key))


def test_what_is_inside_must_be_signed_by_the_client(signing: Signing) -> None:
    key = key_for(signing, "RSA-OAEP-256")
    says = signing.says()
    for inside in (
        json.dumps(says),
        token({"alg": "none"}, says, lambda _: b""),
        Signer().sign(says),
        encrypted(signing.sign(), key),
        signing.sign(exp=1),
        signing.sign({"typ": "at+jwt"}),
        "",
        "ä",
    ):
        assert signing.refused(encrypted(inside, key))


def test_no_other_algorithm_will_do(signing: Signing) -> None:
    text = signing.sign()
    rsa = key_for(signing, "RSA-OAEP-256")
    good = encrypted(text, rsa).partition(".")[2]
    for algorithm, method in (
        ("RSA-OAEP", METHOD),
        ("RSA1_5", METHOD),
        ("RSA-OAEP-512", METHOD),
        ("RSA-OAEP-256", "A128GCM"),
        ("RSA-OAEP-256", "A256CBC-HS512"),
        ("ECDH-ES+A256KW", METHOD),
        ("ECDH-ES", "A128CBC-HS256"),
        ("PBES2-HS512+A256KW", METHOD),
        ("none", METHOD),
        (["RSA-OAEP-256"], METHOD),
        ({}, 5),
        (None, None),
    ):
        header = b64(json.dumps({"alg": algorithm, "enc": method, "kid": rsa.kid}).encode())
        assert "other algorithms" in signing.refused(f"{header}.{good}")
    assert signing.refused(f"{b64(b'[]')}.{good}")
    secret = OctKey.generate_key(256)
    for algorithm in ("dir", "A256KW", "A256GCMKW"):
        assert "other algorithms" in signing.refused(encrypted(text, secret, algorithm))


def test_nothing_in_it_is_compressed(signing: Signing) -> None:
    key = key_for(signing, "RSA-OAEP-256")
    bomb = "a" * 40_000_000
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = squeezed.compress(bomb.encode()) + squeezed.flush()
    assert len(packed) < 60_000
    began = time.perf_counter()
    text = encrypted(bomb, key, zip="DEF")
    began = time.perf_counter()
    assert "compressed" in signing.refused(text)
    assert time.perf_counter() - began < 0.5
    assert "compressed" in signing.refused(encrypted(signing.sign(), key, zip="DEF"))


def test_it_is_at_most_64_kib_long(signing: Signing) -> None:
    key = key_for(signing, "RSA-OAEP-256")
    assert "64 KiB" in signing.refused(encrypted(signing.sign(login_hint="x" * 60_000), key))


def test_what_was_changed_on_the_way_is_refused(signing: Signing) -> None:
    for algorithm in ALGORITHMS:
        parts = encrypted(signing.sign(), key_for(signing, algorithm), algorithm).split(".")
        for which in range(1, 5):
            if not parts[which]:
                continue
            raw = bytearray(unb64(parts[which]))
            raw[len(raw) // 2] ^= 1
            assert signing.refused(".".join([*parts[:which], b64(bytes(raw)), *parts[which + 1 :]]))
            assert signing.refused(".".join([*parts[:which], "", *parts[which + 1 :]]))
    header = {"alg": "ECDH-ES", "enc": METHOD}
    for epk in (
        None,
        5,
        {},
        {"kty": "EC"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "RSA"},
        {"kty": "OKP", "crv": "X25519", "x": b64(bytes(32))},
    ):
        said = b64(json.dumps(header | {"epk": epk}).encode())
        assert signing.refused(f"{said}..{parts[2]}.{parts[3]}.{parts[4]}")


def test_a_key_to_encrypt_to_signs_and_verifies_nothing(make_signing: MakeSigning) -> None:
    signing = make_signing(OAUTH_REQUEST_ENCRYPTION=True, OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_OIDC=True)
    server = server_of(signing.site.app)
    keys = server.encryption_keys.published()
    for each in keys:
        assert server.key_ring.find(each.kid) is None
    assert not {each.kid for each in keys}.intersection(each.kid for each in server.key_ring.all())
    assert {each["kid"] for each in key_set(signing) if each["use"] == "sig"}.isdisjoint(each.kid for each in keys)
    # A token that is signed by one, as only a thief of the table and of SECRET_KEY could, is none.
    real = granted_token(signing)
    _, payload, _ = real.split(".")
    ec = next(each for each in keys if each.algorithm == "ECDH-ES")
    native = Signer("ES256", kid=ec.kid, key=ec.key.private_key)
    forged = native.sign(unb64(payload), typ="at+jwt")
    assert signing.site.is_live(real)
    assert not signing.site.is_live(forged)
    # And signing keys go on being rotated beside them.
    made = server.key_ring.rotate(publish_ahead=0)
    assert made.generation > 0
    assert [each.kid for each in server.encryption_keys.published()] == [each.kid for each in keys]
    assert signing.code(encrypted(signing.sign(), key_for(signing, "RSA-OAEP-256")))


def granted_token(signing: Signing) -> str:
    found = signing.site.redeem(signing.client, signing.code(signing.sign(scope="weather:read"))).get_json()
    return str(found["access_token"])


def test_they_are_rotated_by_age_and_the_one_before_opens_for_two_days(
    signing: Signing, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    before = key_for(signing, "RSA-OAEP-256")
    clock.advance(89 * DAY)
    assert key_for(signing, "RSA-OAEP-256").kid == before.kid
    clock.advance(2 * DAY)
    with recorded(key_changed, signing.site.app) as told:
        after = key_for(signing, "RSA-OAEP-256")
    assert after.kid != before.kid
    assert after.kid in {each["kid"] for each in told}
    for key in (before, after):
        assert signing.code(encrypted(signing.sign(), key))
    clock.advance(2 * DAY + 61)
    assert "can't be decrypted" in signing.refused(encrypted(signing.sign(), before))
    assert signing.code(encrypted(signing.sign(), after))


def test_a_key_that_is_retired_opens_nothing_more(signing: Signing, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    key = key_for(signing, "ECDH-ES")
    listed = signing.site.app.test_cli_runner().invoke(args=["oauth", "key", "list", "--json"]).stdout
    assert [each["algorithm"] for each in json.loads(listed)] == ["ES256", "RSA-OAEP-256", "ECDH-ES"]
    result = signing.site.app.test_cli_runner().invoke(args=["oauth", "key", "retire", key.kid])
    assert result.exit_code == 0, result.output
    clock.advance(61)
    assert "can't be decrypted" in signing.refused(encrypted(signing.sign(), key, "ECDH-ES"))
    assert key_for(signing, "ECDH-ES").kid != key.kid


def test_processes_share_the_keys(make_signing: MakeSigning) -> None:
    here = make_signing(OAUTH_REQUEST_ENCRYPTION=True)
    there = make_signing(OAUTH_REQUEST_ENCRYPTION=True, client={"client_id": "there"})
    assert key_set(here) == key_set(there)
    # One that the other process makes a moment later is known as soon as it is used.
    server_of(here.site.app).encryption_keys._make("ECDH-ES")
    assert there.code(encrypted(there.sign(), key_for(here, "ECDH-ES"), "ECDH-ES"))


def test_without_a_key_to_seal_it_there_is_none(make_signing: MakeSigning) -> None:
    signing = make_signing(OAUTH_REQUEST_ENCRYPTION=True, SECRET_KEY=None)
    response = signing.site.app.test_client().get("/oauth/jwks")
    assert "SECRET_KEY" in refusal(response, 503, "server_error")

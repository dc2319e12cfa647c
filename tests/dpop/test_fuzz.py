"""Thousands of proofs, each with something wrong: none is good, none is an error of ours, and none takes long."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import request

from flask_oauth_gateway.proofs.binding import Binding
from flask_oauth_gateway.proofs.errors import InvalidDpopProof
from tests.support.app import MakeApp, server_of
from tests.support.processor_time import takes_longer
from tests.support.proofs import KEPT_OUT, ProofKey
from tests.support.signing import b64, number, rsa_key, unb64

MOST_SECONDS = 0.05
KEYS = [ProofKey(name) for name in ("ES256", "ES384", "ES512", "Ed25519", "RS256", "PS256")]
#: What stands in the place of anything: no value of the right kind for any member.
ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e308, 10**400, "", "\0", "é", "\U0001f511", "x" * 5000, [], ["x"], {}, {"a": {}}, [[[]]],
    "ES256\0", "none", "NONE", "HS256", "dpop+jwt ", "POST ", "post", "http://", "://", "http://localhost", "javascript:1",
]  # fmt: skip
DEEP: Any = "x"
for _ in range(500):
    DEEP = [DEEP]


def changed_text(pick: random.Random) -> str:
    """A good proof, of which some characters were changed, cut out or doubled."""
    text = pick.choice(KEYS).proof()
    while True:
        at, more = pick.randrange(len(text)), pick.randrange(1, 40)
        other = "".join(pick.choice('AZaz09-_.=+/ {}"\\,~%\0\xe9') for _ in range(pick.randrange(0, 4)))
        mutated = pick.choice(
            [text[:at] + other + text[at + more :], text[:at], text[at:], text[:at] + other + text[at:]]
        )
        if not says_the_same(mutated, text):
            return mutated


def says_the_same(mutated: str, text: str) -> bool:
    """Whether a proof is the same one, as the last character of base64 has bits that count for nothing."""
    if mutated.rpartition(".")[0] != text.rpartition(".")[0]:
        return False
    try:
        return unb64(mutated.rpartition(".")[2]) == unb64(text.rpartition(".")[2])
    except ValueError:
        return False


def changed_claim(pick: random.Random) -> str:
    """A proof, rightly signed, of which one claim is odd."""
    name = pick.choice(["htm", "htu", "iat", "jti", "exp", "nbf"])
    odd = pick.choice([*ODD, DEEP, KEPT_OUT])
    if name == "jti":
        odd = pick.choice([each for each in ODD if not isinstance(each, str)] + ["", "x" * 5000, KEPT_OUT])
    if name in ("exp", "nbf"):
        odd = pick.choice([True, "1", [], {}, 10**400, "x", -1 if name == "exp" else 2**50])
    return pick.choice(KEYS).proof(**{name: odd})


def changed_header(pick: random.Random) -> str:
    """A proof, signed over a header of which one member is odd."""
    key = pick.choice(KEYS)
    name = pick.choice(["typ", "alg", "jwk", "crit"])
    return key.proof(header={name: pick.choice([*ODD[2:], DEEP] + ([] if name == "crit" else [KEPT_OUT]))})


def changed_key(pick: random.Random) -> str:
    """A proof with a key in its header that is odd, or not the one that signed it."""
    key = pick.choice(KEYS)
    jwk = dict(key.jwk)
    numbers = [name for name in ("x", "y", "n", "e") if name in jwk]
    change = pick.randrange(6)
    if change == 0:
        jwk[pick.choice(["d", "k", "p", "q", "dp", "dq", "qi", "oth"])] = pick.choice(["AAAA", None, 5, []])
    elif change == 1:
        jwk = pick.choice([other.jwk for other in KEYS if other.jwk != key.jwk])
    elif change == 2:
        jwk[pick.choice([*numbers, "kty"])] = pick.choice([each for each in ODD if each != "RSA"])
    elif change == 3:
        jwk[pick.choice(numbers)] = b64(pick.randbytes(pick.choice([1, 31, 32, 33, 48, 66, 256, 512, 2000])))
    elif change == 4:
        jwk["crv" if "crv" in jwk else "kty"] = pick.choice(
            ["P-256K", "secp256k1", "Ed448", "X25519", "oct", "", "P-192"]
        )
    else:
        jwk = {
            "kty": "RSA",
            "n": number(rsa_key().public_key().public_numbers().n),
            "e": b64(b"\1" * pick.choice([1, 200])),
        }
    return key.proof(header={"jwk": jwk})


def noise(pick: random.Random) -> str:
    """Characters, and parts of base64, that somebody made up."""
    parts = [b64(pick.randbytes(pick.choice([0, 1, 10, 100, 3000]))) for _ in range(pick.randrange(0, 6))]
    return pick.choice(
        [".".join(parts), "." * pick.randrange(20), "{" * 2000 + ".a.b", b64(b"[" * 9000) + ".a.b", "".join(parts)]
    )


KINDS: list[Callable[[random.Random], str]] = [changed_text, changed_claim, changed_header, changed_key, noise]


def test_of_thousands_of_mutated_proofs_none_is_good_and_none_takes_long(make_app: MakeApp) -> None:
    app = make_app(OAUTH_DPOP=True)
    pick = random.Random(9449)  # noqa: S311
    binding = server_of(app).binding
    assert binding is not None
    for proof in (kind(pick) for kind in KINDS for _ in range(600)):
        with app.test_request_context("/oauth/token", method="POST", environ_overrides={"HTTP_DPOP": proof}):
            assert not takes_longer(partial(refuse, binding), MOST_SECONDS)


def refuse(binding: Binding) -> None:
    with pytest.raises(InvalidDpopProof) as told:
        binding.offered(request)
    assert len(str(told.value.description)) < 500

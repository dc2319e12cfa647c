"""Signatures by ECDSA are those that joserfc's own algorithms make and take (RFC 7518 section 3.4)."""

from itertools import count

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey

from flask_oauth_gateway.crypto.jose import JwtError, sign, verify
from tests.support.signing import b64, unb64

CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
LENGTHS = {"ES256": 64, "ES384": 96, "ES512": 132}


@pytest.mark.parametrize("algorithm", CURVES)
def test_each_takes_what_the_other_signed(algorithm: str) -> None:
    key = ECKey.generate_key(CURVES[algorithm])
    ours = sign({"alg": algorithm}, {"sub": "alice"}, key)
    assert joserfc_jwt.decode(ours, key, algorithms=[algorithm]).claims == {"sub": "alice"}
    theirs = joserfc_jwt.encode({"alg": algorithm}, {"sub": "bob"}, key, algorithms=[algorithm])
    assert verify(theirs, (key,)).claims == {"sub": "bob"}


@pytest.mark.parametrize("algorithm", CURVES)
def test_its_two_numbers_have_a_fixed_length(algorithm: str) -> None:
    """Also where one of them begins with zeros, as one in 256 does."""
    key = ECKey.generate_key(CURVES[algorithm])
    for number in count():
        made = sign({"alg": algorithm}, {"n": number}, key)
        signature = unb64(made.rpartition(".")[2])
        assert len(signature) == LENGTHS[algorithm]
        if signature[: 1 + (algorithm == "ES512")].strip(b"\0") == b"":
            break
    assert joserfc_jwt.decode(made, key, algorithms=[algorithm]).claims == {"n": number}
    assert verify(made, (key,)).claims == {"n": number}


@pytest.mark.parametrize("algorithm", CURVES)
def test_nothing_else_is_a_signature(algorithm: str) -> None:
    key, other = ECKey.generate_key(CURVES[algorithm]), ECKey.generate_key(CURVES[algorithm])
    made = sign({"alg": algorithm}, {"sub": "alice"}, key)
    signed, _, last = made.rpartition(".")
    right = unb64(last)
    half = len(right) // 2
    r, s = int.from_bytes(right[:half]), int.from_bytes(right[half:])
    wrong = (
        bytes(len(right)), b"\xff" * len(right), right[:-1], right + b"\0", b"\0" + right, right[half:] + right[:half],
        right[:half] + bytes(half), right[:half] + b"\0" + right[half:], right[:half], encode_dss_signature(r, s),
    )  # fmt: skip
    for signature in wrong:
        with pytest.raises(JwtError, match="signature is wrong"):
            verify(f"{signed}.{b64(signature)}", (key,))
    with pytest.raises(JwtError, match="signature is wrong"):
        verify(made, (other,))
    assert verify(made, (other, key)).claims == {"sub": "alice"}

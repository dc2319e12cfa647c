"""What a secret scanner reckons by: the shape of a personal access token, and its checksum."""

import re
import zlib

from hypothesis import given
from hypothesis import strategies as st

from flask_oauth_gateway.crypto.checksums import DIGITS, SHAPE, checksum, is_whole, new_checked_token
from flask_oauth_gateway.crypto.hashing import new_token, sha256, token_key

NOW = 0x6B0D831F


def test_the_checksum_is_a_crc_32_in_six_digits_of_base62() -> None:
    for text in ("", "acme_pat_", "x" * 100):
        number = 0
        for digit in checksum(text):
            number = number * 62 + DIGITS.index(digit)
        assert number == zlib.crc32(text.encode())
        assert len(checksum(text)) == 6


def test_a_token_has_the_shape_that_a_scanner_looks_for() -> None:
    for prefix in ("", "acme_", "a-b_"):
        token = new_checked_token(prefix, NOW)
        assert re.fullmatch(prefix + SHAPE, token)
        assert is_whole(token)
        assert re.findall(rf"\b{prefix}{SHAPE}\b", f"TOKEN={token};") == [token]
    assert len({new_checked_token("", NOW) for _ in range(100)}) == 100


@given(place=st.integers(0, 65), digit=st.sampled_from(DIGITS))
def test_one_digit_that_is_wrong_is_seen(place: int, digit: str) -> None:
    token = new_checked_token("acme_", NOW)
    changed = token[:place] + digit + token[place + 1 :]
    assert is_whole(changed) == (changed == token)


def test_no_other_text_is_whole() -> None:
    for text in ("", "x", "pat_", "ü" * 20, "x" * 66, new_token("acme_", NOW)):
        assert not is_whole(text)


def test_its_row_stands_with_those_of_its_second() -> None:
    token = new_checked_token("acme_", NOW)
    assert token_key(token) == NOW.to_bytes(4) + sha256(token)[:28]
    assert token_key(new_token("acme_", NOW))[:4] == NOW.to_bytes(4)


def test_what_only_looks_like_one_is_found_by_its_whole_hash() -> None:
    """As tokens were before they had a second: these are still found."""
    for text in ("acme_" + "x" * 43, "pat_" + "z" * 57, "x" * 61, "pat_" + "0" * 42 + " 1 2 3 4" + "0" * 7):
        assert token_key(text) == sha256(text)
    assert len(token_key("pat_" + "0" * 57)) == 32

"""Tokens with a checksum in their last six characters, so that a secret scanner knows one from other text without asking.

The checksum is a CRC-32 in base62 of all that stands before it, as GitHub's tokens have it. It keeps nobody out: whoever wants
may compute it.
"""

from __future__ import annotations

import secrets
import string
import zlib

from .hashing import CHECKED, SECOND_DIGITS

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM = 43  # characters of base62, which are 256 random bits
CHECKSUM = 6  # characters, which 32 bits fill up to 62**6
#: What stands behind the token's prefix, for a scanner's regular expression.
SHAPE = rf"{CHECKED}[0-9A-Za-z]{{{RANDOM + SECOND_DIGITS + CHECKSUM}}}"


def checksum(text: str) -> str:
    """Six characters of base62, the most significant first, with zeros in front."""
    number, found = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM):
        number, digit = divmod(number, len(DIGITS))
        found = DIGITS[digit] + found
    return found


def new_checked_token(prefix: str, issued_at: int) -> str:
    """A new personal access token: what it is, 256 random bits, the second of its issue and the checksum."""
    value = "".join(secrets.choice(DIGITS) for _ in range(RANDOM))
    whole = f"{prefix}{CHECKED}{value}{issued_at:0{SECOND_DIGITS}x}"
    return whole + checksum(whole)


def is_whole(token: str) -> bool:
    """Whether a token's last characters are the checksum of what stands before them."""
    return token.isascii() and token[-CHECKSUM:] == checksum(token[:-CHECKSUM])

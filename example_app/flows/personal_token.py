"""A user makes a token for a script of their own; a scanner that finds it where it isn't safe ends it."""

from __future__ import annotations

import zlib
from string import ascii_lowercase, ascii_uppercase, digits

from . import use
from .walk import Flow, Held, OwnToken, Walk

DIGITS = digits + ascii_uppercase + ascii_lowercase
SCOPE = "weather:read"


def walk(to: Walk) -> Flow:
    to.chapter("Make a token")
    token = yield OwnToken("alice wants a token for a script. Her browser opens the page.", "/oauth/tokens/new", SCOPE)
    to.check(token.startswith("pat_"), "it says what it is")
    to.check(checksum(token[:-6]) == token[-6:], "its last six characters are the checksum of the others")

    to.chapter("Use the token")
    held = Held("personal-access-tokens", {"access_token": token, "scope": SCOPE})
    yield from use.call(to, held)

    title = "Whoever asks what it is hears that it is a personal one."
    answer = yield to.request(title, "GET", "/oauth/tokeninfo", held=held)
    to.check(answer.json["grant_type"] == "personal", "a view may shut such tokens out")

    to.chapter("It leaks")
    title = "A scanner finds it in a public repository, and says so. It needs no account here."
    report = {"token": token, "type": "personal_access_token", "url": "https://git.example/alice/scripts/.env"}
    answer = yield to.request(title, "POST", "/oauth/tokens/leaked", json=report)
    to.check(answer.json == {"received": 1}, "the answer says nothing of the token")
    answer = yield to.request("It works no more.", "GET", "/api/weather", held=held, expect=401)
    to.check(answer.json["error"] == "invalid_token", "the refusal says why")


def checksum(text: str) -> str:
    """Return the CRC-32 of a text in six digits of base62, as a scanner computes it without asking anybody."""
    number, found = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        found = DIGITS[digit] + found
    return found

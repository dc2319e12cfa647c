"""Some thousand mutated request objects: none is accepted, none is a mistake of the server's, none takes long."""

import json
import random
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.support.request_objects import MakeSigning, Signing, encrypted, key_for
from tests.support.signing import Signer, b64, token, unb64

MOST_SECONDS = 0.05  # of a processor's time
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ %\x00\n\u00e4\U0001f984"
JUNK: list[Any] = [
    None, True, False, 0, -1, 1, 1.5, 1e308, 10**30, "", "x", " ", "\x00", "\ud800", "a" * 5000, [], [[]], {}, {"": None},
    [None], ["a", 5], {"a": {"b": [1, {}]}}, "none", "http://localhost/", "https://localhost", "🦄", "null", -(10**400),
]  # fmt: skip


def mutated(text: str, chance: random.Random) -> str:
    """The text with a few characters changed, taken out, put in or moved."""
    found = list(text)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        where, other = chance.randrange(len(found)), chance.randrange(len(found))
        match chance.randrange(6):
            case 0:
                found[where] = chance.choice(ALPHABET)
            case 1:
                found[where : where + 1] = [] if len(found) > 1 else ["."]
            case 2:
                found.insert(where, chance.choice(ALPHABET))
            case 3:
                found[where], found[other] = found[other], found[where]
            case 4:
                found = found[:where] or ["."]
            case _:
                first, last = sorted((where, other))
                found[first:first] = found[first:last]
    return "".join(found)


def other_header(signing: Signing, chance: random.Random) -> str:
    """A good object under a header that it must not have, signed by the client's own key or not at all."""
    header = {"alg": signing.signer.algorithm, "typ": "oauth-authz-req+jwt", "kid": signing.signer.kid}
    name = chance.choice(("alg", "alg", "typ", "kid", "crit"))
    junk = [each for each in JUNK if not (name == "kid" and each is None)]
    header[name] = chance.choice([*junk, "HS256", "RS256", "ES384", "at+jwt"])
    return token(header, signing.says(), signing.signer.signature)


def other_member(signing: Signing, chance: random.Random) -> str:
    """An object that the client signed, with a member that it must not have."""
    name = chance.choice(
        ("iss", "client_id", "aud", "exp", "redirect_uri", "request", "response_type", "code_challenge")
    )
    junk = [each for each in JUNK if not (name == "aud" and each == "http://localhost")]
    says = {**signing.says(), name: chance.choice(junk)}
    for more in chance.sample(("scope", "state", "nonce", "claims", "max_age", "nbf", "iat", "jti", "resource"), 2):
        says[more] = chance.choice(JUNK)
    return signing.signer.sign(json.dumps(says).encode(), typ="oauth-authz-req+jwt")


def other_payload(signing: Signing, chance: random.Random) -> str:
    """A payload that was mutated before the client signed it, under a name that is not its own."""
    text = json.dumps({**signing.says(), "iss": "x"})
    return signing.signer.sign(mutated(text, chance).encode("utf-8", "surrogatepass"))


def other_signature(signing: Signing, chance: random.Random) -> str:
    kind = chance.choice(("ES256", "EdDSA", "HS256", "RS256"))
    return Signer(kind, kid=signing.signer.kid).sign(signing.says())


def other_text(signing: Signing, chance: random.Random) -> str:
    return until_it_differs(signing.sign(), chance)


def other_encrypted(signing: Signing, chance: random.Random) -> str:
    return until_it_differs(encrypted_once(signing), chance)


@cache
def encrypted_once(signing: Signing) -> str:
    """An encrypted object, as each takes a while to make."""
    return encrypted(signing.sign(), key_for(signing, "RSA-OAEP-256"))


def until_it_differs(text: str, chance: random.Random) -> str:
    """A mutation that is not the same bytes: the last character of base64 has bits that mean nothing."""
    while True:
        found = mutated(text, chance)
        try:
            if found and [*map(unb64, found.split("."))] != [*map(unb64, text.split("."))]:
                return found
        except ValueError:
            return found


KINDS = (other_header, other_member, other_payload, other_signature, other_text, other_encrypted)


@pytest.mark.parametrize("kind", KINDS)
def test_no_mutation_is_accepted(make_signing: MakeSigning, kind: Callable[[Signing, random.Random], str]) -> None:
    signing = make_signing(OAUTH_REQUEST_ENCRYPTION=True, client={"skip_consent": True})
    assert signing.code(), "what isn't mutated is"
    chance = random.Random(kind.__name__)  # noqa: S311
    slow = []
    for _ in range(600):
        text = kind(signing, chance)
        began = time.thread_time()
        response = signing.ask(text)
        if time.thread_time() - began >= MOST_SECONDS:
            slow.append(text)
        assert response.status_code in (302, 400), (response.status_code, text)
        assert "code=" not in response.headers.get("Location", ""), text
    assert not [text for text in slow if seconds_for(signing, text) >= MOST_SECONDS]


def seconds_for(signing: Signing, text: str) -> float:
    """The least of three times: a busy machine may count its own work as ours."""
    found = []
    for _ in range(3):
        began = time.thread_time()
        signing.ask(text)
        found.append(time.thread_time() - began)
    return min(found)


def test_deep_long_and_wide_objects_take_no_longer(make_signing: MakeSigning) -> None:
    signing = make_signing(client={"skip_consent": True, "scope": "openid"}, OAUTH_OIDC=True)
    says = json.dumps(signing.says(scope="openid"))[1:]
    payloads = (
        '{"claims":' + "[" * 30000 + "]" * 10000,
        '{"claims":' + "[" * 900 + "]" * 900 + "," + says,
        '{"claims":' + '{"a":' * 5000 + "1" + "}" * 5000 + "," + says,
        "{" + ",".join(f'"p{number}":""' for number in range(4000)) + "," + says,
        '{"max_age":' + "9" * 40000 + "," + says,
        '{"exp":1e999,' + says,
        '{"max_age":NaN,' + says,
        '{"state":"' + "\\u0000" * 6000 + '",' + says,
    )
    for payload in payloads:
        began = time.thread_time()
        response = signing.ask(signing.signer.sign(payload.encode()))
        assert time.thread_time() - began < 2 * MOST_SECONDS
        assert response.status_code in (302, 400)
        assert "code=" not in response.headers.get("Location", "")
    assert signing.ask(f"{b64(b'{}')}.{b64(b'{}')}.AA").status_code == 400

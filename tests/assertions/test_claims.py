"""What every JWT assertion must say, and when it is good: RFC 7523 section 3, claim by claim, through the token endpoint."""

import time
from typing import Any

import pytest

from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.signing import Signer, b64, claims_of, signature_of, token, unb64
from tests.support.trading import IDP, MakeTrading, Trading

HERE = "http://localhost"
ENDPOINT = f"{HERE}/oauth/token"
NOT_A_TIME = [True, False, "1999999999", "soon", -1, 1e12, 10**18, [], {}, 1e300, -0.5]


@pytest.fixture
def now() -> int:
    return int(time.time())


def test_the_audience_is_the_issuer_or_the_token_endpoint(trading: Trading) -> None:
    for audience in (HERE, ENDPOINT, [HERE], ["https://other.example", ENDPOINT]):
        assert trading.trade(trading.assertion(aud=audience))
    other = [
        "https://other.example",
        "",
        f"{HERE}/",
        f"{HERE}.evil.example",
        f"{ENDPOINT}/",
        "HTTP://LOCALHOST",
        ["a"],
        [],
    ]
    for audience in other:
        assert "does not name this server" in trading.why(trading.assertion(aud=audience))
    for audience in (None, 5, True, {HERE: 1}, [HERE, 5], [[HERE]]):
        assert trading.why(trading.assertion(aud=audience)) == "its aud is neither a text nor a list of texts"


def test_an_audience_may_be_agreed_upon(make_trading: MakeTrading) -> None:
    trading = make_trading(entry={"audience": ["urn:weather", "https://weather.example"]})
    assert trading.trade(trading.assertion(aud="urn:weather"))
    assert "'urn:weather'" in trading.why(trading.assertion(aud=HERE))


def test_with_an_issuer_of_the_server_s_own_the_host_header_decides_nothing(make_trading: MakeTrading) -> None:
    trading = make_trading(OAUTH_ISSUER="https://auth.example/tenant")
    assert trading.trade(trading.assertion(aud="https://auth.example/tenant"))
    assert trading.trade(trading.assertion(aud="https://auth.example/oauth/token"))
    assert "does not name this server" in trading.why(trading.assertion(aud=ENDPOINT))


# Times


def test_it_is_good_until_it_expires_within_the_skew(trading: Trading, clock: Clock, now: int) -> None:
    assert trading.why(trading.assertion(exp=None)) == "it does not say when it expires (exp)"
    assert trading.trade(trading.assertion(exp=now + 0.5))
    assert trading.trade(trading.assertion(exp=now - 55))
    assert trading.why(trading.assertion(exp=now - 61)).startswith("it expired 6")
    late = trading.assertion(exp=now + 100)
    clock.advance(161)
    assert trading.why(late).startswith("it expired 6")


def test_it_must_not_live_for_long(trading: Trading, make_trading: MakeTrading, now: int) -> None:
    """An hour, which is what most clients' libraries sign for."""
    assert trading.trade(trading.assertion(exp=now + 3600))
    for times in (
        {"exp": now + 3700}, {"exp": now + 3700, "iat": None}, {"iat": now - 3700, "exp": now + 10},
        {"iat": now + 50, "exp": now + 3715},  # not even with a clock that is ahead
    ):  # fmt: skip
        assert "longer than the 3600 that are allowed" in trading.why(trading.assertion(**times))
    shorter = make_trading(trading.signer, entry={"max_lifetime": 300})
    assert shorter.trade(shorter.assertion(exp=now + 300))
    assert "longer than the 300" in shorter.why(shorter.assertion(exp=now + 400))


def test_it_is_not_from_the_future(trading: Trading, now: int) -> None:
    assert trading.trade(trading.assertion(nbf=now + 50, iat=now + 50))
    assert trading.trade(trading.assertion(nbf=now - 10**8))
    assert "not valid yet" in trading.why(trading.assertion(nbf=now + 70))
    assert "in the future (iat" in trading.why(trading.assertion(iat=now + 70))


def test_the_skew_is_a_setting(make_trading: MakeTrading, now: int) -> None:
    trading = make_trading(OAUTH_CLOCK_SKEW=0)
    assert "expired" in trading.why(trading.assertion(exp=now - 1))
    assert "not valid yet" in trading.why(trading.assertion(nbf=now + 20))


def test_a_time_is_a_number_and_of_this_age(trading: Trading, make_trading: MakeTrading, now: int) -> None:
    for name in ("exp", "nbf", "iat"):
        for value in NOT_A_TIME:
            assert (
                trading.why(trading.assertion(**{name: value})) == f"its {name} is not a number of seconds since 1970"
            )
    for number in (b"NaN", b"Infinity", b"-Infinity", b"1" * 5000):
        payload = b'{"iss":"%s","sub":"a","aud":"%s","exp":%s}' % (IDP.encode(), ENDPOINT.encode(), number)
        assert trading.why(trading.signer.sign(payload)) == "its payload is not a JSON object"
    payload = b'{"iss":"%s","sub":"a","aud":"%s","exp":1e999}' % (IDP.encode(), ENDPOINT.encode())
    assert "not a number of seconds" in trading.why(trading.signer.sign(payload))
    texts = {"exp": str(now + 100), "iat": f"{now}.5"}
    lenient = make_trading(trading.signer, entry={"numeric_strings": True})
    assert lenient.trade(lenient.assertion(**texts))
    for value in ("1e9", "0x5f5e100", " 1999999999", "", "-1", "\u0661\u0662", "NaN", "9" * 400):
        assert "not a number of seconds" in lenient.why(lenient.assertion(exp=value))


# Names


def test_issuer_subject_and_jti_are_short_visible_texts(trading: Trading) -> None:
    assert trading.trade(trading.assertion(sub="\u00e4lice@\u5929\u6c17.example", jti="x" * 255))
    for value in (5, True, ["alice"], {}, "", "a\0b", "a\nb", "\x1b[2J", "\u202e", "x" * 256, "\ud800"):
        assert trading.why(trading.assertion(sub=value)) == (
            "its payload is not a JSON object" if value == "\ud800" else "its sub is not a text of at most 255 characters"
            " (iss: 2048)"
        )  # fmt: skip
        assert trading.why(trading.assertion(jti=value))
        assert trading.why(trading.assertion(iss=value))
    for value in (None, "https://other.example", f"{IDP}/", IDP.upper(), "x" * 40_000):
        assert trading.why(trading.assertion(iss=value))


# Once


@every_database
def test_it_is_good_once_by_issuer_and_jti(trading: Trading, clock: Clock) -> None:
    assertion = trading.assertion(jti="one")
    assert trading.trade(assertion)
    assert trading.why(assertion) == "it was used before"
    assert trading.why(trading.assertion(jti="one", sub="bob")) == "it was used before"
    other = Signer()
    made = trading.register_signing(other)
    assert trading.trade(other.sign(claims_of(made.client_id, jti="one")))  # another issuer's
    clock.advance(170)  # not expired, within the skew
    trading.gateway.tokens.purge()
    assert trading.why(assertion) == "it was used before"
    clock.advance(100)
    trading.gateway.tokens.purge()
    assert "it expired" in trading.why(assertion)


def test_without_a_jti_it_is_told_apart_by_what_was_signed(trading: Trading) -> None:
    """Not by its bytes: of a signature there may be two, and two ways to write it."""
    claims = claims_of(IDP, jti=None)
    assertion = trading.signer.sign(claims)
    assert trading.trade(assertion)
    signed, _, signature = assertion.rpartition(".")
    raw = unb64(signature)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    mirrored = raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32)
    again = signature_of(trading.signer.key, "ES256", signed.encode())
    written_otherwise = signature[:-1] + {"A": "B", "Q": "R", "g": "h", "w": "x"}[signature[-1]]
    assert unb64(written_otherwise) == raw
    for other in (b64(mirrored), b64(again), written_otherwise):
        assert trading.why(f"{signed}.{other}") == "it was used before"
    assert trading.why(f"{signed}.{signature}=") == "it is not three base64url parts"
    assert trading.trade(trading.signer.sign({**claims, "exp": claims["exp"] + 1}))


def test_a_refused_request_does_not_spend_it(trading: Trading) -> None:
    assertion = trading.assertion()
    assert trading.post(assertion, scope="unknown").status_code == 400
    assert trading.post(assertion, client_id="other").status_code == 400
    assert trading.trade(assertion)


# What kind of token it is

OTHER_KINDS: list[Any] = [
    "at+jwt", "application/at+jwt", "AT+JWT", "dpop+jwt", "logout+jwt", "secevent+jwt", "client-authentication+jwt",
    "oauth-authz-req+jwt", "token-introspection+jwt", "vc+sd-jwt", "JOSE", "", 5, True, ["JWT"], {"JWT": 1},
]  # fmt: skip


def test_a_plain_jwt_or_one_for_this_is_taken_and_a_token_of_another_kind_refused(trading: Trading) -> None:
    for kind in (None, "JWT", "jwt", "application/JWT", "authorization-grant+jwt"):
        assert trading.trade(trading.signer.sign(claims_of(IDP), typ=kind))
    for kind in OTHER_KINDS:
        assert "it is another kind of token" in trading.why(trading.signer.sign(claims_of(IDP), typ=kind))
    null = {"alg": "ES256", "typ": None}
    assert "another kind" in trading.why(token(null, claims_of(IDP), trading.signer.signature))


@pytest.mark.parametrize("cnf", [{"jkt": "x"}, {"x5t#S256": "x"}, {}, "x"])
def test_an_assertion_bound_to_a_key_is_not_taken_from_whoever_sends_it(trading: Trading, cnf: Any) -> None:
    assert trading.why(trading.assertion(cnf=cnf)) == "it is bound to a key, and proofs of that are not checked here"

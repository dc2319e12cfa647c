"""Key sets as they are in the field: one key that can't be used spoils none of the others, configured or fetched."""

import json
import logging
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest

from flask_oauth_gateway import ConfigurationError
from tests.support.app import SCOPES, bearer
from tests.support.checking import API, ISSUER, checking_app, said
from tests.support.clock import Clock
from tests.support.command_line import told_by
from tests.support.key_server import key_server
from tests.support.signing import Signer, rsa_key
from tests.support.trading import IDP, MakeTrading

GOOD, OTHER = Signer("RS256", kid="good"), Signer("RS256", kid="other", key=rsa_key(2048, 1))
MODULUS = GOOD.key.public_key().public_numbers().n.to_bytes(256)

#: A member of a key set, with what is said of it.
UNUSABLE: dict[str, tuple[Any, str]] = {
    "null": (None, "it is no JSON object"),
    "a text": ("x", "it is no JSON object"),
    "nothing": ({}, "its kind is not known (kty None)"),
    "a new kind": ({"kty": "AKP", "alg": "ML-DSA-44", "kid": "pq"}, "its kind is not known (kty 'AKP')"),
    "a kind that is null": ({"kty": None, "kid": "x"}, "its kind is not known (kty None)"),
    "a padded number": (
        GOOD.jwk(kid="p", n=urlsafe_b64encode(MODULUS).decode()),
        "its 'n' is not base64url without padding (RFC 7518 section 2)",
    ),
    "another base64": (GOOD.jwk(kid="s", n=b64encode(b"\xff\xff" + MODULUS).decode()), "its 'n' is not base64url"),
    "a number that is null": ({**GOOD.jwk(kid="z"), "n": None}, "it has no 'n'"),
    "half a point": ({"kty": "EC", "crv": "P-256", "x": "AA"}, "it has no 'y'"),
    "no point": ({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, "a key can't be read: "),
    "a curve of nobody's": (Signer("ES256K").jwk(), "the key's curve is not known"),
    "a short one": (Signer(key=rsa_key(1024)).jwk(), "an RSA key has 2048 to 8192 bits"),
    "a private one": (GOOD.jwk(d="AA"), "a private key has no place here: give its public part"),
    "a kid that is a number": (GOOD.jwk(kid=5), "its kid is not a text"),
    "one for something else": (GOOD.jwk(key_ops=["wrapKey"]), "it is not for verifying signatures (key_ops)"),
}


def status(app: Any, signer: Signer) -> int:
    return int(app.test_client().get("/who", headers=bearer(signer.sign(said()))).status_code)


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_key_that_cannot_be_used_is_skipped_with_its_reason(case: str, caplog: pytest.LogCaptureFixture) -> None:
    bad, reason = UNUSABLE[case]
    given = {"keys": [GOOD.jwk(), bad, OTHER.jwk()]}
    app = checking_app({ISSUER: {"jwks": given, "audience": API}})
    assert [status(app, each) for each in (GOOD, OTHER)] == [200, 200]
    (warned,) = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert warned.startswith(f"OAUTH_TRUSTED_TOKEN_ISSUERS['{ISSUER}']['jwks']: skipped key 2")
    assert reason in warned
    caplog.clear()
    with key_server() as server:
        server.says = given
        fetched = checking_app({ISSUER: {"jwks_uri": server.url, "audience": API}})
        assert [status(fetched, each) for each in (GOOD, OTHER)] == [200, 200]
    (warned,) = [each.getMessage() for each in caplog.records if "skipped" in each.getMessage()]
    assert warned.startswith(f"Of the key set {server.url} was skipped key 2")
    assert reason in warned


@pytest.mark.parametrize("case", UNUSABLE)
def test_where_there_is_no_other_the_error_ends_with_the_reason(case: str) -> None:
    bad, reason = UNUSABLE[case]
    with pytest.raises(ConfigurationError) as raised:
        checking_app({ISSUER: {"jwks": {"keys": [bad]}, "audience": API}})
    assert f"it may be a public key: the key set can't be used: {reason}" in str(raised.value)
    assert not str(raised.value).rstrip(". ").endswith(":")


def test_a_key_for_encryption_is_nothing_to_warn_of(caplog: pytest.LogCaptureFixture) -> None:
    checking_app({ISSUER: {"jwks": {"keys": [GOOD.jwk(), OTHER.jwk(use="enc")]}, "audience": API}})
    assert "skipped" not in caplog.text


@pytest.mark.parametrize("member", ["alg", "use", "key_ops", "x5c", "x5t"])
def test_a_member_that_is_null_is_one_that_is_left_out(member: str) -> None:
    app = checking_app({ISSUER: {"jwks": {"keys": [{**GOOD.jwk(), member: None}]}, "audience": API}})
    assert status(app, GOOD) == 200


@pytest.mark.parametrize("given", [{"keys": [GOOD.jwk()]}, GOOD.jwk()], ids=["set", "key"])
def test_a_pem_text_beside_makes_no_other_kind_of_set(given: dict[str, Any]) -> None:
    """Members that nobody knows are passed over (RFC 7517 sections 4 and 5)."""
    given = given | {"pem": "-----BEGIN PUBLIC KEY-----"}
    assert status(checking_app({ISSUER: {"jwks": given, "audience": API}}), GOOD) == 200


def test_what_a_fetched_set_lacks_is_said_once(caplog: pytest.LogCaptureFixture, clock: Clock) -> None:
    with key_server() as server:
        server.says = {"keys": [GOOD.jwk(), None]}
        app = checking_app({ISSUER: {"jwks_uri": server.url, "audience": API}})
        for _ in range(3):
            told_by(app, "issuer", "list")
            clock.advance(4000)
        assert len(server.requests) == 3
        assert caplog.text.count("was skipped key 2: it is no JSON object") == 1
        server.says = {"keys": [None, GOOD.jwk()]}
        told_by(app, "issuer", "list")
    assert "was skipped key 1: it is no JSON object" in caplog.text


def test_a_fetched_set_of_nothing_but_nonsense_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with key_server() as server:
        server.says = {"keys": [GOOD.jwk(), *[None] * 5000]}
        assert status(checking_app({ISSUER: {"jwks_uri": server.url, "audience": API}}), GOOD) == 200
    lines = [each.getMessage() for each in caplog.records if " skipped " in each.getMessage()]
    assert len(lines) == 11
    assert lines[-1].endswith("were skipped 4990 more")


def test_an_issuer_of_assertions_has_the_same_sets(make_trading: MakeTrading, caplog: pytest.LogCaptureFixture) -> None:
    given = {"keys": [None, {"kty": "AKP"}, GOOD.jwk()]}
    trading = make_trading(GOOD, OAUTH_JWT_ISSUERS={IDP: {"jwks": given, "client_id": "partner"}})
    assert f"OAUTH_JWT_ISSUERS['{IDP}']['jwks']: skipped key 1: it is no JSON object" in caplog.text
    assert trading.trade(trading.assertion())["scope"] == " ".join(SCOPES)


def test_a_client_s_own_set_is_refused_with_the_reason(make_trading: MakeTrading) -> None:
    with pytest.raises(ValueError, match=r"its 'n' is not base64url without padding"):
        make_trading().register_signing(GOOD, jwks={"keys": [UNUSABLE["a padded number"][0]]})


# Maps of kid to certificate, as Google publishes them


def a_map(**certificates: str) -> dict[str, str]:
    return {"good": GOOD.certificate(), "other": OTHER.certificate(), **certificates}


@pytest.fixture(params=["configured", "fetched"])
def app_of(request: pytest.FixtureRequest) -> Any:
    """Builds an app that has a map in its configuration, or fetches it."""
    if request.param == "configured":
        yield lambda given: checking_app({ISSUER: {"jwks": given, "audience": API}})
        return
    with key_server() as server:

        def build(given: Any) -> Any:
            server.says = given
            return checking_app({ISSUER: {"jwks_uri": server.url, "audience": API}})

        yield build


Build = Callable[[Any], Any]


def test_a_map_of_kid_to_certificate_is_a_key_set(app_of: Build) -> None:
    app = app_of(a_map())
    assert [status(app, each) for each in (GOOD, OTHER)] == [200, 200]
    assert status(app, Signer("RS256", kid="other", key=GOOD.key)) == 401, "each key has its name"
    assert status(app, Signer("RS256", kid="good", key=rsa_key(2048, 2))) == 401
    (described,) = json.loads(told_by(app, "issuer", "list", "--json"))
    assert [(key["kid"], key["subject"], key["expired"]) for key in described["keys"]] == [
        ("good", "CN=signer.example", False),
        ("other", "CN=signer.example", False),
    ]


def test_a_map_of_kid_to_public_key_is_one_too(app_of: Build) -> None:
    assert status(app_of({"good": GOOD.pem()}), GOOD) == 200


def test_a_certificate_in_it_counts_while_it_is_valid(app_of: Build, clock: Clock) -> None:
    app = app_of(a_map(good=GOOD.certificate(until=1), other=OTHER.certificate(since=2)))
    assert [status(app, each) for each in (GOOD, OTHER)] == [200, 401]
    clock.advance(3 * 86400)
    fresh = [
        app.test_client().get("/who", headers=bearer(each.sign(said(exp=4102444800)))).status_code
        for each in (GOOD, OTHER)
    ]
    assert fresh == [401, 200]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (5, "it is no PEM text"),
        (None, "it is no PEM text"),
        ("x", "the PEM text is no public key or certificate"),
        ("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "its kind of key or version is unknown"),
        (Signer(key=rsa_key(1024)).certificate(), "an RSA key has 2048 to 8192 bits"),
        (GOOD.private_pem(), "the PEM text is no public key or certificate, but a private key"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_in_it_is_skipped(
    app_of: Build, caplog: pytest.LogCaptureFixture, bad: Any, reason: str
) -> None:
    app = app_of(a_map(bad=bad))
    assert status(app, GOOD) == 200
    assert "skipped 'bad': " in caplog.text
    assert reason in caplog.text
    assert "PRIVATE" not in caplog.text


def test_a_map_without_any_key_that_can_be_used_is_an_error_that_ends_with_the_reason() -> None:
    with pytest.raises(ConfigurationError, match="'bad': an RSA key has 2048 to 8192 bits"):
        checking_app({ISSUER: {"jwks": {"bad": Signer(key=rsa_key(1024)).certificate()}, "audience": API}})

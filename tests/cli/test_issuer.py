"""`flask oauth issuer`: who is trusted, and why an assertion is refused. The SAML half has tests of its own."""

import json
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.app import SCOPES, MakeApp, recorded, server_of
from tests.support.command_line import FlaskOAuth
from tests.support.key_server import key_server
from tests.support.signing import Signer, claims_of
from tests.support.trading import GRANT_TYPES, IDP, Trading

READ, WRITE = SCOPES
CERTIFIED = Signer("RS256", kid=None)


@pytest.fixture
def issuers() -> dict[str, Any]:
    certified = {"key": CERTIFIED.certificate(), "scopes": [READ], "max_lifetime": 3600, "audience": "urn:weather"}
    return {"https://certified.example": certified}


@pytest.fixture
def trading(make_app: MakeApp, issuers: dict[str, Any], caplog: pytest.LogCaptureFixture) -> Trading:
    signer = Signer()
    issuers[IDP] = {"jwks": {"keys": [signer.jwk(), Signer("EdDSA", kid="k2").jwk()]}, "client_id": "partner"}
    return Trading(make_app(OAUTH_GRANT_TYPES=GRANT_TYPES, OAUTH_JWT_ISSUERS=issuers), signer, caplog)


@pytest.fixture
def app(trading: Trading) -> Flask:
    return trading.app


def refused(flask_oauth: FlaskOAuth, *arguments: str) -> str:
    """Why `issuer check` refuses."""
    line = flask_oauth("issuer", "check", *arguments, fails=True).stderr.strip()
    return str(line.removeprefix("Error: Refused: ").removesuffix("."))


def test_the_list_shows_each_issuer_s_keys_and_limits(flask_oauth: FlaskOAuth, trading: Trading) -> None:
    own = Signer("PS384", kid="own")
    trading.register_signing(own, client_id="signing")
    trading.register_signing(own, client_id="without the grant", grant_types=["client_credentials"])
    certified, idp, client = json.loads(flask_oauth("issuer", "list", "--json").stdout)
    assert (certified["issuer"], certified["kind"]) == ("https://certified.example", "JWT")
    assert certified["source"] == "OAUTH_JWT_ISSUERS, key"
    limits = (certified["scopes"], certified["max_lifetime"], certified["audience"], certified["client_id"])
    assert limits == ([READ], 3600, ["urn:weather"], None)
    (key,) = certified["keys"]
    assert (key["kid"], key["type"], key["subject"], key["expired"]) == (None, "RSA", "CN=signer.example", False)
    assert len(key["fingerprint"]) == 64
    assert 29 * 86400 < key["expires_at"] - time.time() < 31 * 86400
    assert [(each["kid"], each["type"], each["algorithms"]) for each in idp["keys"]] == [
        ("k1", "EC P-256", ["ES256"]),
        ("k2", "OKP Ed25519", ["EdDSA", "Ed25519"]),
    ]
    assert (client["issuer"], client["source"], client["client_id"]) == ("signing", "the client's jwks", "signing")
    printed = flask_oauth("issuer", "list").stdout
    for said in ("https://idp.example  (JWT)", "k1", "ES256", "CN=signer.example", "max_lifetime: 3600", READ):
        assert said in printed
    assert printed.count("(JWT)") == 3


def test_keys_at_a_url_are_fetched_and_what_is_wrong_with_them_is_shown(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    signer = Signer(kid="remote")
    with key_server() as server:
        server.says = signer.jwks()
        issuers = {"https://up.example": {"jwks_uri": server.url}, IDP: {"jwks_uri": "http://127.0.0.1:1/jwks"}}
        app = make_app(OAUTH_GRANT_TYPES=GRANT_TYPES, OAUTH_JWT_ISSUERS=issuers)
        result = app.test_cli_runner().invoke(args=["oauth", "issuer", "list", "--json"])
        up, down = json.loads(result.stdout)
    assert up["source"] == f"OAUTH_JWT_ISSUERS, jwks_uri {server.url}"
    assert [each["kid"] for each in up["keys"]] == ["remote"]
    assert up["problem"] is None
    assert down["keys"] == []
    assert "connection failed" in down["problem"]


def test_without_any_issuer_the_list_says_what_to_set(make_app: MakeApp) -> None:
    for grants in (GRANT_TYPES, ["client_credentials"]):
        result = make_app(OAUTH_GRANT_TYPES=grants).test_cli_runner().invoke(args=["oauth", "issuer", "list"])
        assert result.exit_code == 0
        assert "OAUTH_JWT_ISSUERS" in result.stdout


def test_an_assertion_that_is_good_is_said_to_be_and_not_spent(
    flask_oauth: FlaskOAuth, trading: Trading, tmp_path: Path
) -> None:
    assertion = trading.assertion(scope=READ)
    file = tmp_path / "assertion.jwt"
    file.write_text(assertion + "\n")
    outputs = {
        flask_oauth("issuer", "check", assertion).stdout,
        flask_oauth("issuer", "check", str(file)).stdout,
        flask_oauth("issuer", "check", "-", stdin=f"{assertion}\n").stdout,
    }
    (output,) = outputs
    assert output.startswith("Accepted: it is good for a token, and was not used.\n")
    for said in ("issuer:     https://idp.example", "subject:    alice", "client_id:  partner", f"scope:      {READ}"):
        assert said in output
    assert trading.trade(assertion)["scope"] == READ
    assert refused(flask_oauth, assertion) == "it was used before"


def test_the_check_that_fails_is_named_with_what_was_expected_and_what_was_there(
    flask_oauth: FlaskOAuth, trading: Trading
) -> None:
    now = int(time.time())
    other = "its aud is 'https://other.example', which does not name this server ('http://localhost' or"
    assert refused(flask_oauth, trading.assertion(aud="https://other.example")).startswith(other)
    assert refused(flask_oauth, trading.assertion(exp=now - 100)).startswith("it expired 10")
    too_long = "it lives for 4900 seconds, longer than the 3600 that are allowed"
    assert refused(flask_oauth, trading.assertion(iat=now, exp=now + 4900)) == too_long
    assert refused(flask_oauth, Signer().sign(claims_of(IDP))) == "its signature is wrong"
    no_key = "no key of its issuer fits alg 'RS256' and kid 'k9'"
    assert refused(flask_oauth, CERTIFIED.sign(claims_of(IDP), kid="k9")) == no_key
    assert refused(flask_oauth, trading.assertion(iss="https://x.example")).endswith("is not trusted here")
    assert refused(flask_oauth, trading.assertion(sub="\x1b[2J")).startswith("its sub is not a text")
    assert "invalid_scope" in refused(flask_oauth, trading.assertion(), "--scope", "rain")
    trading.gateway.clients.update("partner", grant_types=["client_credentials"])
    assert "unauthorized_client" in refused(flask_oauth, trading.assertion())


def test_an_issuer_without_a_client_is_tried_with_one(flask_oauth: FlaskOAuth, trading: Trading) -> None:
    assertion = CERTIFIED.sign(claims_of("https://certified.example", "urn:weather"))
    assert "name that one with --client" in refused(flask_oauth, assertion)
    assert f"scope:      {READ}\n" in flask_oauth("issuer", "check", assertion, "--client", "partner").stdout
    assert "'nobody'" in flask_oauth("issuer", "check", assertion, "--client", "nobody", fails=True).stderr
    trading.gateway.clients.update("partner", enabled=False)
    assert refused(flask_oauth, assertion, "--client", "partner") == "the client 'partner' is disabled"


def test_the_server_s_address_may_be_given(flask_oauth: FlaskOAuth, trading: Trading) -> None:
    assertion = trading.assertion(aud="https://auth.example/oauth/token")
    assert "does not name this server" in refused(flask_oauth, assertion)
    assert "Accepted" in flask_oauth("issuer", "check", assertion, "--url", "https://auth.example").stdout


def test_it_leaves_no_trace(flask_oauth: FlaskOAuth, trading: Trading) -> None:
    from flask_oauth_gateway import signals

    with (
        recorded(signals.assertion_rejected, trading.app) as rejected,
        recorded(signals.token_issued, trading.app) as issued,
    ):
        refused(flask_oauth, trading.assertion(aud="x"))
        flask_oauth("issuer", "check", trading.assertion())
    assert (rejected, issued) == ([], [])
    assert {each.event for each in server_of(trading.app).audit.newest(9)} == {"client_created"}


def test_what_is_no_assertion_and_a_grant_that_is_not_on_are_said(flask_oauth: FlaskOAuth, trading: Trading) -> None:
    assert refused(flask_oauth, "e30x.b.c").startswith("its header is not")
    xml = urlsafe_b64encode(b"\xef\xbb\xbf<Assertion/>").decode()
    assert "saml2_bearer, which is not on" in flask_oauth("issuer", "check", xml, fails=True).stderr
    assert refused(flask_oauth, "e30.x." + "x" * 70_000) == "it is longer than 64 KiB"


@pytest.mark.parametrize("mistyped", ["asertion.txt", "my.asertion.jwt", "./a/b", "rubbish"])
def test_a_file_that_is_not_there_is_said_not_to_be(flask_oauth: FlaskOAuth, trading: Trading, mistyped: str) -> None:
    nothing = "the text is no assertion: neither a JWT nor SAML's XML in base64url"
    assert refused(flask_oauth, mistyped) == f"there is no such file, and {nothing}"
    said = flask_oauth("issuer", "check", "-", stdin=mistyped, fails=True).stderr
    assert said == f"Error: Refused: {nothing}.\n"


def test_an_empty_text_is_said_to_be_empty(flask_oauth: FlaskOAuth, trading: Trading, tmp_path: Path) -> None:
    file = tmp_path / "assertion.jwt"
    file.write_text("\n")
    for given, stdin in (("", None), (" ", None), ("-", "\n"), (str(file), None)):
        said = flask_oauth("issuer", "check", given, stdin=stdin, fails=True).stderr
        assert said == "Error: There is no assertion: what was given is empty.\n"

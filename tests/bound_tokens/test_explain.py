"""`flask oauth explain` says what a bound token's proof was for, by which key it was, and whether a certificate was seen."""

import json
import shlex
from typing import Any

import pytest
from flask import Flask

from tests.bound_tokens.places import HOST, Places
from tests.support.app import MakeApp, bearer
from tests.support.certificates import self_signed
from tests.support.checking import API, ISSUER, said
from tests.support.proofs import ProofKey
from tests.support.signing import Signer

SIGNER, HOLDER, THIEF = Signer("ES256"), ProofKey(), ProofKey()
CERTIFICATE, ANOTHER = self_signed("holder"), self_signed("holder")
JKT, X5T = {"jkt": HOLDER.thumbprint}, {"x5t#S256": CERTIFICATE.thumbprint}
ON: dict[str, Any] = {"OAUTH_DPOP": True, "OAUTH_MTLS": True, "OAUTH_MTLS_CERTIFICATE": "nginx"}


def verdict(app: Flask, headers: dict[str, str], url: str = f"{HOST}/weather") -> dict[str, Any]:
    words = ["curl", *(word for name, value in headers.items() for word in ("-H", f"{name}: {value}")), url]
    result = app.test_cli_runner().invoke(args=["oauth", "explain", "--json", shlex.join(words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    for secret in headers.values():
        assert secret.removeprefix("DPoP ").removeprefix("Bearer ") not in result.stdout
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def why(app: Flask, headers: dict[str, str], **how: Any) -> list[str]:
    """The check, and what was expected and came."""
    told = verdict(app, headers, **how)["explanation"]
    return [told["check"], told["expected"], told["got"]]


def test_a_proof_for_another_uri_is_shown_beside_the_one_that_was_expected(make_app: MakeApp) -> None:
    app = make_app(**ON, OAUTH_ISSUER="https://id.example")
    token = Places.mint(app, JKT, scopes=("weather:read",))
    check, expected, got = why(app, HOLDER.with_token(token, "GET", "https://inside.local:8080/weather/"))
    assert check == "URI of the proof"
    assert expected == (
        "htu http://localhost/weather or https://id.example/weather (OAUTH_ISSUER, OAUTH_RESOURCES, OAUTH_PUBLIC_ORIGINS)"
    )
    assert got == "htu 'https://inside.local:8080/weather/'"


def test_a_proof_is_taken_apart(make_app: MakeApp) -> None:
    app = make_app(**ON)
    token = Places.mint(app, JKT, scopes=("weather:read",))
    check, expected, got = why(app, HOLDER.with_token(token, iat=1))
    assert (check, "its iat is more than 60 seconds" in expected) == ("DPoP proof", True)
    assert got.startswith(f"a proof by the key with the thumbprint {HOLDER.thumbprint}, htm 'GET', htu ")
    assert got.endswith("ath of this token, a jti, no nonce")
    assert why(app, {"Authorization": f"DPoP {token}"})[2] == "no proof: the request has no header DPoP"
    assert why(app, {"Authorization": f"DPoP {token}", "DPoP": "x.y"})[2].startswith("what is no proof: ")
    check, expected, got = why(app, THIEF.with_token(token))
    assert (check, expected) == ("key of the token", f"a proof by the key with the thumbprint {HOLDER.thumbprint}")
    assert THIEF.thumbprint in got
    assert why(app, HOLDER.with_token(token, ath="x"))[2].endswith("ath of another token or none, a jti, no nonce")


def test_the_scheme_the_nonce_and_the_kind_are_explained(make_app: MakeApp) -> None:
    app = make_app(**ON, OAUTH_DPOP_NONCE=True)
    token = Places.mint(app, JKT, scopes=("weather:read",))
    assert why(app, bearer(token)) == [
        "scheme of the token",
        "send it as DPoP, with a proof",
        "'Authorization: Bearer'",
    ]
    check, expected, _ = why(app, HOLDER.with_token(token))
    assert (check, expected) == (
        "nonce of the proof",
        "the nonce of the header DPoP-Nonce, which ends after four minutes (OAUTH_DPOP_NONCE)",
    )
    strange = Places.mint(app, {"kid": "1"}, scopes=("weather:read",))
    assert why(app, bearer(strange)) == [
        "binding of the token",
        "cnf with jkt or x5t#S256 (OAUTH_DPOP, OAUTH_MTLS)",
        "cnf with kid",
    ]
    off = make_app()
    told = why(off, bearer(Places.mint(off, JKT, scopes=("weather:read",))))
    assert told[1:] == ["cnf with nothing (OAUTH_DPOP, OAUTH_MTLS)", "cnf with jkt"]


def test_whether_a_certificate_was_seen_is_said(make_app: MakeApp) -> None:
    app = make_app(**ON, OAUTH_MTLS_PEERS=["10.0.0.0/30"])
    token = Places.mint(app, X5T, scopes=("weather:read",))
    expected = f"the certificate with x5t#S256 {CERTIFICATE.thumbprint}"
    other = why(app, bearer(token) | {"X-SSL-Client-Cert": ANOTHER.escaped})
    assert other == ["certificate of the token", expected, f"that with x5t#S256 {ANOTHER.thumbprint}"]
    check, said, got = why(app, bearer(token))
    assert (check, said) == ("certificate of the token", expected)
    assert got.startswith("no certificate that can be read as nginx sends it (OAUTH_MTLS_CERTIFICATE); of others than ")
    good = verdict(app, bearer(token) | {"X-SSL-Client-Cert": CERTIFICATE.escaped})
    assert good["error"] is None


@pytest.mark.parametrize(
    "shared", [pytest.param(False, id="database"), pytest.param(True, id="redis", marks=pytest.mark.redis)]
)
def test_no_proof_is_spent_by_looking(make_app: MakeApp, redis_url: str, shared: bool) -> None:
    app = make_app(**ON, **({"OAUTH_REDIS_URL": redis_url} if shared else {}))
    token = Places.mint(app, JKT, scopes=("weather:read",))
    headers = HOLDER.with_token(token)
    assert [verdict(app, headers)["error"] for _ in range(2)] == [None, None]
    assert app.test_client().get("/weather", headers=headers).status_code == 200
    assert "used before" in why(app, headers)[1]


def test_issuer_check_says_what_an_access_token_is_bound_to(make_app: MakeApp) -> None:
    entry = {"OAUTH_TRUSTED_TOKEN_ISSUERS": {ISSUER: {"jwks": SIGNER.jwks(), "audience": API}}}
    token = SIGNER.sign(said(cnf=JKT))
    for config, told in (
        (ON, f"bound to:   jkt {HOLDER.thumbprint}"),
        ({}, "it is bound to a key, and proofs of that are not"),
    ):
        result = make_app(**config, **entry).test_cli_runner().invoke(args=["oauth", "issuer", "check", token])
        assert told in result.output
        assert result.exit_code == (0 if config else 1)

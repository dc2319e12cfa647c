"""`"kind": "any"`: JWTs that don't show what they are, of issuers that write nothing else, for an audience that is ours alone."""

from typing import Any

import pytest

from flask_oauth_gateway import ConfigurationError
from tests.support.app import bearer
from tests.support.checking import API, ISSUER, asked, checking_app, said
from tests.support.signing import Signer

SIGNER = Signer("ES256")
BARE = {"azp": None, "scope": None}
#: As the servers write them, each with whose it is.
SHOWING_NO_KIND: dict[str, tuple[dict[str, Any], str | None, str | None]] = {
    "kubernetes": (
        {
            "sub": "system:serviceaccount:shop:worker",
            "aud": [API],
            "kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "worker", "uid": "1"}},
        },
        None,
        "system:serviceaccount:shop:worker",
    ),
    "github actions": (
        {"sub": "repo:example/shop:ref:refs/heads/main", "repository": "example/shop", "run_id": "1", "jti": "x"},
        None,
        "repo:example/shop:ref:refs/heads/main",
    ),
    "google's id token": (
        {"sub": "1123", "azp": API, "email": "a@b.example", "email_verified": True, "at_hash": "h", "nonce": "n"},
        API,
        "1123",
    ),
    "google's id token of a service account": ({"sub": "1123", "azp": "1123", "email": "a@b.example"}, "1123", None),
    "supabase": ({"role": "authenticated", "aal": "aal1", "session_id": "s", "is_anonymous": False}, None, "alice"),
    "cloudflare access": ({"type": "app", "email": "a@b.example", "identity_nonce": "n", "aud": [API]}, None, "alice"),
    "cloudflare access, a service": ({"sub": "", "type": "app", "common_name": "x.access", "aud": [API]}, None, None),
}


def client_of(**entry: Any) -> Any:
    return checking_app({ISSUER: {"jwks": SIGNER.jwks(), "audience": API, **entry}}).test_client()


def why(claims: dict[str, Any], header: dict[str, Any] | None = None, **entry: Any) -> str:
    """Why a token is refused, as `flask oauth issuer check` says it."""
    app = checking_app({ISSUER: {"jwks": SIGNER.jwks(), "audience": API, **entry}})
    token = SIGNER.sign(said(**BARE | claims), **header or {})
    told = app.test_cli_runner().invoke(args=["oauth", "issuer", "check", token])
    assert told.exit_code == 1
    return told.stderr.removeprefix("Error: Refused: ")


@pytest.mark.parametrize("case", SHOWING_NO_KIND)
def test_an_entry_takes_what_shows_no_kind(case: str) -> None:
    claims, client_id, subject = SHOWING_NO_KIND[case]
    for typ in (None, "JWT"):
        answer = client_of(kind="any").get("/who", headers=bearer(SIGNER.sign(said(**BARE | claims), typ=typ)))
        assert answer.status_code == 200, answer.text
        assert (answer.json["client"], answer.json["subject"], answer.json["scopes"]) == (client_id or "", subject, [])


@pytest.mark.parametrize("case", SHOWING_NO_KIND)
def test_another_entry_refuses_it_and_says_what_takes_it(case: str) -> None:
    claims, _, _ = SHOWING_NO_KIND[case]
    assert client_of().get("/who", headers=bearer(SIGNER.sign(said(**BARE | claims)))).status_code == 401
    assert 'its entry says "kind": "any"' in why(claims)


@pytest.mark.parametrize(
    ("claims", "header", "said"),
    [
        ({"aud": [API, "https://other.example"]}, {}, "it is for others too ('https://other.example')"),
        ({"aud": "https://other.example"}, {}, "for others too"),
        ({"aud": None}, {}, "it names no audience (aud)"),
        ({"typ": "ID"}, {}, "its typ is 'ID'"),
        ({"typ": "Refresh"}, {}, "its typ is 'Refresh'"),
        ({"token_use": "id"}, {}, "its token_use is 'id'"),
        ({"token_type": "refresh"}, {}, "its token_type is 'refresh'"),
        ({}, {"typ": "logout+jwt"}, "its typ is 'logout+jwt'"),
        ({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, {}, "it is an event"),
        ({"sub": None, "code": "c", "state": "s"}, {}, "whose it is"),
        ({"cnf": {"jkt": "x"}}, {}, "bound to a key"),
        ({"exp": 1}, {}, "expired"),
        ({"exp": None}, {}, "names no end"),
    ],
)  # fmt: skip
def test_what_says_that_it_is_something_else_or_is_for_others_is_refused_all_the_same(
    claims: dict[str, Any], header: dict[str, Any], said: str
) -> None:
    assert said in why(claims, header, kind="any")


def test_what_would_be_taken_without_it_is_taken_with_it() -> None:
    token = bearer(SIGNER.sign(said(), typ="at+jwt"))
    assert client_of(kind="any").get("/who", headers=token).json["scopes"] == ["weather:read"]


@pytest.mark.parametrize("kind", ["all", True, ["any"], ""])
def test_another_value_is_named(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"\['kind'\] is .*; it may be 'any' or None"):
        client_of(kind=kind)


def test_it_is_nothing_for_an_issuer_that_is_asked() -> None:
    """A server calls its refresh tokens active too."""
    with pytest.raises(ConfigurationError, match=r"\['kind'\] is 'any'; it may be left out with 'introspection'"):
        checking_app({ISSUER: asked("https://login.example/introspect", kind="any")})

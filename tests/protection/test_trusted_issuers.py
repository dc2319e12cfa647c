"""Access tokens of other servers: which are taken, whose they are, and which only look like one."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway import current_token, require_token
from flask_oauth_gateway.config import ConfigurationError
from tests.support.app import MakeApp, bearer, register
from tests.support.checking import API, ISSUER, asked, said
from tests.support.signing import Signer

SIGNER = Signer("ES256")


@pytest.fixture
def trusting(make_app: Callable[..., Flask]) -> Any:
    entry = {"jwks": SIGNER.jwks(), "audience": API}
    app = make_app(OAUTH_TRUSTED_TOKEN_ISSUERS={ISSUER: entry})

    @app.get("/who")
    @require_token
    def who() -> dict[str, Any]:
        return {"client": current_token.client_id, "subject": current_token.subject, "scopes": [*current_token.scopes]}

    @app.get("/bound")
    @require_token(bound=True)
    def bound() -> str:
        return "bound"

    @app.get("/recent")
    @require_token(max_age=60)
    def recent() -> str:
        return "recent"

    return app.test_client()


@pytest.mark.parametrize(
    ("claims", "client", "subject"),
    [
        ({"typ": "Bearer"}, "shop", "alice"),
        ({"typ": "Bearer", "preferred_username": "service-account-shop"}, "shop", None),
        ({"azp": None, "appid": "shop", "scope": None, "scp": "weather:read", "appidacr": "1"}, "shop", "alice"),
        ({"scope": None, "roles": ["weather:read"], "azpacr": "1", "oid": "alice"}, "shop", None),
        ({"azp": API, "scope": None, "scp": "weather:read"}, API, "alice"),
        ({"sub": "shop@clients", "gty": "client-credentials"}, "shop", None),
        ({"azp": None, "cid": "shop", "scope": None, "scp": ["weather:read"]}, "shop", "alice"),
        ({"azp": None, "cid": "shop", "sub": "shop"}, "shop", None),
        ({"aud": None, "azp": None, "client_id": API, "token_use": "access"}, API, "alice"),
    ],
    ids=[
        "keycloak",
        "keycloak-client",
        "entra-v1",
        "entra-v2-app",
        "entra-one-app",
        "auth0-client",
        "okta",
        "okta-client",
        "cognito",
    ],
)
def test_each_server_has_its_shape_and_a_clients_id_is_no_user(
    trusting: Any, claims: dict[str, Any], client: str, subject: str | None
) -> None:
    answer = trusting.get("/who", headers=bearer(SIGNER.sign(said(**claims))))
    assert answer.json == {"client": client, "subject": subject, "scopes": ["weather:read"]}


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"aud": "https://other.example"}, {}),
        ({"aud": None}, {}),
        ({"exp": 1}, {}),
        ({"exp": None}, {}),
        ({"nbf": int(time.time()) + 3600}, {}),
        ({"iss": "https://stranger.example"}, {}),
        ({"scope": None}, {}),
        ({"nonce": "n"}, {}),
        ({"at_hash": "h"}, {}),
        ({"token_use": "id"}, {}),
        ({"token_type": "refresh"}, {}),
        ({"aud": [API, "shop"]}, {}),  # for the client that got it, as an ID token is: a scope shows nothing then
        ({"azp": None, "client_id": API}, {}),
        ({"typ": "ID"}, {}),
        ({"typ": "Refresh"}, {"typ": "at+jwt"}),
        ({}, {"typ": "logout+jwt"}),
        ({}, {"alg": "none"}),
        ({}, {"alg": "HS256"}),
        ({}, {"crit": ["b64"]}),
        ({}, {"kid": "unknown"}),
    ],
)
def test_what_is_not_a_good_access_token_for_us_is_refused(
    trusting: Any, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    answer = trusting.get("/who", headers=bearer(SIGNER.sign(said(**claims), **header)))
    assert (answer.status_code, "invalid_token" in answer.headers["WWW-Authenticate"]) == (401, True)


def test_another_signer_and_a_key_in_the_header_are_refused(trusting: Any) -> None:
    stranger = Signer("ES256")
    for header in ({}, {"jwk": stranger.jwk()}):
        assert trusting.get("/who", headers=bearer(stranger.sign(said(), **header))).status_code == 401


@pytest.mark.parametrize("cnf", [{"jkt": "x"}, {"x5t#S256": "x"}, {"kid": "1"}, {}, "x"])
def test_a_token_bound_to_a_key_is_not_taken_from_whoever_sends_it(trusting: Any, cnf: Any) -> None:
    token = SIGNER.sign(said(cnf=cnf))
    assert trusting.get("/who", headers=bearer(token)).status_code == 401
    assert trusting.get("/bound", headers=bearer(token)).status_code == 401


def test_a_time_of_sign_in_that_is_no_time_is_refused(trusting: Any) -> None:
    assert trusting.get("/recent", headers=bearer(SIGNER.sign(said(auth_time="lately")))).status_code == 401
    assert trusting.get("/recent", headers=bearer(SIGNER.sign(said(auth_time=int(time.time()))))).status_code == 200


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"introspection": "https://a.example/introspect"},
            "is ['jwks', 'introspection']; it may be a dict with one of",
        ),
        ({"audiense": "x"}, "has the unknown key 'audiense'. Did you mean 'audience'?"),
    ],
)
def test_an_entry_with_two_sources_or_an_unknown_key_is_told_so(
    make_app: MakeApp, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_app(OAUTH_TRUSTED_TOKEN_ISSUERS={ISSUER: {"jwks": SIGNER.jwks(), "audience": API} | more})
    assert said in str(raised.value)


def test_an_audience_may_have_a_space_in_it(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_TRUSTED_TOKEN_ISSUERS={ISSUER: {"jwks": SIGNER.jwks(), "audience": "The API"}})

    @app.get("/audience")
    @require_token(audience="The API")
    def audience() -> dict[str, Any]:
        return {"audience": current_token.audience}

    client = app.test_client()
    answer = client.get("/audience", headers=bearer(SIGNER.sign(said(aud=["The API", "account"]))))
    assert answer.json == {"audience": ["The API", "account"]}
    for aud in (["The", "API"], "The"):
        assert client.get("/audience", headers=bearer(SIGNER.sign(said(aud=aud)))).status_code == 401


@pytest.mark.parametrize("profile", [None, "mcp"])
def test_a_token_that_names_one_of_our_resources_opens_no_other(make_app: MakeApp, profile: str | None) -> None:
    mcp, files = f"{API}/mcp", f"{API}/files"
    app = make_app(
        OAUTH_PROFILE=profile,
        OAUTH_ISSUER=API,
        OAUTH_RESOURCES={"/mcp": mcp, "/files": {"identifier": files}, "/unnamed": {}},
        OAUTH_TRUSTED_TOKEN_ISSUERS={ISSUER: {"jwks": SIGNER.jwks(), "audience": [mcp, files, "account"]}},
    )
    for path in ("/mcp", "/files", "/unnamed", "/other"):
        app.add_url_rule(path, path, require_token()(lambda: "ok"))
    client = app.test_client()

    def open_to(*aud: str) -> list[str]:
        headers = bearer(SIGNER.sign(said(aud=[*aud])))
        return [
            p for p in ("/mcp", "/files", "/unnamed", "/other") if client.get(p, headers=headers).status_code == 200
        ]

    assert open_to(mcp) == open_to(mcp, "account") == ["/mcp"]
    assert open_to(mcp, files) == ["/mcp", "/files"]
    assert open_to("account") == ["/mcp", "/files", "/unnamed", "/other"]  # that server's own name for all of us


@pytest.mark.parametrize("entry", [{}, {"audience": ""}, {"audience": []}, {"audience": None}, {"audience": [5]}])
@pytest.mark.parametrize("asks", [True, False])
def test_an_issuer_s_entry_says_what_its_tokens_name_us(make_app: MakeApp, entry: dict[str, Any], asks: bool) -> None:
    keys = asked("https://login.example/introspect") if asks else {"jwks": SIGNER.jwks()}
    keys.pop("audience", None)
    with pytest.raises(ConfigurationError, match="audience"):
        make_app(OAUTH_TRUSTED_TOKEN_ISSUERS={ISSUER: keys | entry})


# Whose users they are


def test_another_server_s_user_is_not_the_app_s_own_of_that_name(make_app: MakeApp) -> None:
    app = make_app(
        OAUTH_TRUSTED_TOKEN_ISSUERS={ISSUER: {"jwks": SIGNER.jwks(), "audience": API}}, OAUTH_CHECK_USER=True
    )
    gateway = app.extensions["oauth_gateway"]
    known: list[str] = []
    gateway.load_user(lambda subject: known.append(subject) or {"42": "our Ann"}.get(subject))

    @app.get("/user")
    @require_token
    def user() -> dict[str, Any]:
        return {"subject": current_token.subject, "user": current_token.user, "issuer": current_token.issuer}

    client, registered = app.test_client(), register(app)
    with app.app_context():
        own = gateway.tokens.issue(registered.client_id, subject="42")["access_token"]
    known.clear()
    theirs = {"subject": "42", "user": None, "issuer": ISSUER}
    assert client.get("/user", headers=bearer(SIGNER.sign(said(sub="42")))).json == theirs
    assert client.get("/user", headers=bearer(SIGNER.sign(said(sub="43")))).json == theirs | {"subject": "43"}
    assert known == [], "nobody is asked who that is"
    assert client.get("/user", headers=bearer(own)).json == {"subject": "42", "user": "our Ann", "issuer": None}

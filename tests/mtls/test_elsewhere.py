"""A certificate at the other endpoints, beside other ways to authenticate, and what is written down of strangers."""

import json
import time
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.app import MakeApp, basic, refusal, register, server_of, token_for
from tests.support.certificates import Held, self_signed
from tests.support.databases import sqlite_only
from tests.support.signing import Signer, claims_of
from tests.support.trading import CLIENT_ASSERTION, GRANT, IDP

HELD, OTHER = self_signed("station"), self_signed("station")
METHODS = ["self_signed_tls_client_auth", "client_secret_basic", "private_key_jwt", "none"]
MTLS: dict[str, Any] = {
    "OAUTH_MTLS": True,
    "OAUTH_MTLS_CERTIFICATE": "nginx",
    "OAUTH_CLIENT_AUTH_METHODS": METHODS,
}
STRANGER = {"REMOTE_ADDR": "203.0.113.9"}


def by_key(app: Flask, **metadata: Any) -> str:
    return register(
        app, token_endpoint_auth_method="self_signed_tls_client_auth", certificate=HELD.pem, **metadata
    ).client_id


def post(app: Flask, path: str, held: Held | None, environ: Any = None, /, **data: str) -> TestResponse:
    headers = {} if held is None else {"X-SSL-Client-Cert": held.escaped}
    return app.test_client().post(path, data=data, headers=headers, environ_base=environ or {})


def test_introspection_and_revocation_take_certificates(make_app: MakeApp) -> None:
    app = make_app(**MTLS)
    client = by_key(app, resource_server=True)
    token = post(app, "/oauth/token", HELD, client_id=client, grant_type="client_credentials").get_json()[
        "access_token"
    ]
    for path in ("/oauth/introspect", "/oauth/revoke"):
        for held, environ in ((None, None), (OTHER, None), (HELD, STRANGER)):
            refusal(post(app, path, held, environ, client_id=client, token=token), 401, "invalid_client")
    asked = post(app, "/oauth/introspect", HELD, client_id=client, token=token)
    assert asked.get_json()["active"] is True
    assert post(app, "/oauth/revoke", HELD, client_id=client, token=token).status_code == 200
    assert post(app, "/oauth/introspect", HELD, client_id=client, token=token).get_json() == {"active": False}


@sqlite_only
def test_an_assertion_is_traded_by_a_client_that_shows_its_certificate(make_app: MakeApp) -> None:
    signer = Signer()
    issuers = {IDP: {"jwks": signer.jwks()}}
    app = make_app(**MTLS, OAUTH_GRANT_TYPES=["jwt_bearer"], OAUTH_JWT_ISSUERS=issuers)
    client = by_key(app, grant_types=["jwt_bearer"])

    def trade(held: Held | None, environ: Any = None) -> TestResponse:
        assertion = signer.sign(claims_of(IDP))
        return post(app, "/oauth/token", held, environ, client_id=client, grant_type=GRANT, assertion=assertion)

    assert trade(HELD).status_code == 200
    refusal(trade(OTHER), 401, "invalid_client")
    assert trade(None).status_code in (400, 401)
    assert trade(HELD, STRANGER).status_code in (400, 401)


@sqlite_only
def test_a_client_s_assertion_may_name_the_endpoint_where_certificates_are_shown(make_app: MakeApp) -> None:
    signer, alias = Signer(), "https://mtls.example.com"
    app = make_app(**MTLS, OAUTH_ISSUER="https://auth.example.com", OAUTH_MTLS_URL=alias)
    client = register(app, token_endpoint_auth_method="private_key_jwt", jwks=signer.jwks()).client_id

    def is_let_in(audience: str) -> bool:
        claims = {"iss": client, "sub": client, "aud": audience, "jti": str(time.time()), "exp": int(time.time()) + 60}
        assertion = signer.sign(claims)
        form = {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": assertion}
        return post(app, "/oauth/token", HELD, grant_type="client_credentials", **form).status_code == 200

    assert is_let_in(f"{alias}/oauth/token")
    assert is_let_in("https://auth.example.com/oauth/token")
    assert not is_let_in("https://other.example.com/oauth/token")
    assert not is_let_in(alias)


@sqlite_only
def test_the_trail_says_once_a_minute_that_a_stranger_s_header_did_not_count(make_app: MakeApp) -> None:
    app = make_app(**MTLS, OAUTH_RATE_LIMITS=None)
    client = by_key(app)
    for _ in range(30):
        refusal(
            post(app, "/oauth/token", HELD, STRANGER, client_id=client, grant_type="client_credentials"),
            401,
            "invalid_client",
        )
    server_of(app).close()
    found = json.loads(
        app.test_cli_runner().invoke(args=["oauth", "audit", "list", "--json", "--event", "certificate_ignored"]).stdout
    )
    assert [each["details"]["connection"] for each in found] == [STRANGER["REMOTE_ADDR"]]
    assert HELD.escaped not in str(found)


@sqlite_only
def test_where_it_is_off_nobody_looks_at_the_header(make_app: MakeApp) -> None:
    app = make_app()
    registered = register(app)
    headers = {**basic(registered.client_id, registered.client_secret), "X-SSL-Client-Cert": HELD.escaped}
    answer = app.test_client().post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)
    assert answer.status_code == 200
    assert server_of(app).binding is None
    assert token_for(app.test_client(), registered)


@sqlite_only
def test_a_resource_s_document_says_that_bound_tokens_are_taken(make_app: MakeApp) -> None:
    resources = {"/": {"name": "Weather"}}
    for config, is_said in ((MTLS, True), ({}, False)):
        app = make_app(**config, OAUTH_ISSUER="https://api.example.com", OAUTH_RESOURCES=resources)
        document = app.test_client().get("/.well-known/oauth-protected-resource").get_json()
        assert ("tls_client_certificate_bound_access_tokens" in document) is is_said

"""One bad row of an export: it is named and left out, all others come over, and nothing that it holds does any harm."""

import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.app import basic, gateway_of, server_of
from tests.support.databases import sqlite_only
from tests.support.exports import auth0_client, doorkeeper_row, hydra_row, keycloak_client, keycloak_realm

SECRET = "long enough for a secret"
SHA256 = "sha256$" + "0" * 64
ESCAPE = "\x1b]0;owned\x07\x1b[2J\x7f"
INFINITY = float("inf")

Bring = Callable[..., Any]


def apigee(**credential: Any) -> dict[str, Any]:
    """An export of two apps, the first one with this credential."""
    other = {"name": "other", "credentials": [{"consumerKey": "good", "consumerSecret": SECRET}]}
    bad = {"consumerKey": "bad", "consumerSecret": SECRET, **credential}
    beside = {"consumerKey": "beside", "consumerSecret": SECRET}
    return {"app": [{"name": "first", "credentials": [bad, beside]}, other]}


def own(**client: Any) -> dict[str, Any]:
    return {"format": 1, "clients": [{"client_id": "bad", **client}, {"client_id": "good"}]}


def authlib(**row: Any) -> list[dict[str, Any]]:
    metadata = {"grant_types": ["client_credentials"], "scope": "READ"}
    rows = [{"client_id": name, "client_secret": SECRET, "client_metadata": metadata} for name in ("bad", "good")]
    return [{**rows[0], **row}, rows[1]]


def django(**fields: Any) -> list[dict[str, Any]]:
    row = {"client_type": "confidential", "authorization_grant_type": "client-credentials", "client_secret": SECRET}
    return [
        {"model": "oauth2_provider.application", "pk": 1, "fields": {**row, "client_id": "bad", **fields}},
        {"model": "oauth2_provider.application", "pk": 2, "fields": {**row, "client_id": "good"}},
    ]


def axway(**credential: Any) -> list[dict[str, Any]]:
    bad = {"clientId": "bad", "secret": SECRET, **credential}
    good = {"clientId": "good", "secret": SECRET}
    return [{"name": "first", "credentials": [bad]}, {"name": "second", "credentials": [good]}]


def keycloak(**member: Any) -> dict[str, Any]:
    job = {"secret": SECRET, "serviceAccountsEnabled": True}
    bad = {**keycloak_client("bad", **job), **member}
    return {**keycloak_realm(bad, keycloak_client("good", **job)), "clients": [bad, keycloak_client("good", **job)]}


def hydra(**column: Any) -> list[dict[str, Any]]:
    return [{**hydra_row("bad", SECRET), **column}, hydra_row("good", SECRET)]


def auth0(**member: Any) -> list[dict[str, Any]]:
    job = {"app_type": "non_interactive", "grant_types": ["client_credentials"]}
    return [auth0_client("bad", **job) | member, auth0_client("good", **job)]


def doorkeeper(**column: Any) -> list[dict[str, Any]]:
    return [doorkeeper_row(1, uid="bad") | column, doorkeeper_row(2, uid="good")]


def digest(of: str) -> dict[str, Any]:
    return own(secrets=[{"digest": of}])


ARGON2 = "c29tZXNhbHRzb21lc2FsdA$" + "A" * 43
BAD: list[tuple[str, Any]] = [
    ("apigee", apigee(expiresAt=INFINITY)),
    ("apigee", apigee(expiresAt=float("nan"))),
    ("apigee", apigee(expiresAt=1e30)),
    ("apigee", apigee(expiresAt=10**400)),
    ("apigee", apigee(expiresAt="9" * 5000)),
    ("apigee", apigee(expiresAt="soon")),
    ("apigee", apigee(expiresAt=[1])),
    ("apigee", apigee(consumerKey=None)),
    ("apigee", apigee(consumerKey="nul\0")),
    ("apigee", apigee(consumerKey="\ud800")),
    ("apigee", apigee(consumerSecret=5)),
    ("apigee", apigee(attributes=[{"name": "DisplayName", "value": "\ud800"}])),
    ("apigee", apigee(attributes=[{"name": "deep", "value": json.loads("[" * 900 + "]" * 900)}])),
    ("apigee", apigee(attributes=[{"name": "far", "value": INFINITY}])),
    ("apigee", {"app": [{"name": "\ud800", "credentials": [{"consumerKey": "bad"}]}, apigee()["app"][1]]}),
    ("apigee", {"app": [5, apigee()["app"][1]]}),
    ("apigee", {"app": [{}, apigee()["app"][1]]}),
    ("gateway", own(secrets=[{"digest": SHA256, "expires_at": 10**20}])),
    ("gateway", own(secrets=[{"digest": SHA256, "expires_at": 10**400}])),
    ("gateway", own(secrets=[{"digest": SHA256, "expires_at": INFINITY}])),
    ("gateway", own(secrets=[{"digest": SHA256, "expires_at": "never"}])),
    ("gateway", own(secrets=[{"digest": SHA256, "hint": "\0\ud800"}])),
    ("gateway", own(secrets=[5])),
    ("gateway", own(application="nowhere")),
    ("gateway", own(owner="\ud800")),
    ("gateway", own(client_name="\ud800")),
    ("gateway", own(certificate="\ud800")),
    ("gateway", own(access_token_lifetime=10**400)),
    ("gateway", own(access_token_lifetime=INFINITY)),
    ("gateway", own(jwks={"keys": [{"kty": "RSA", "n": 5, "e": "AQAB"}]})),
    ("gateway", {"format": 1, "clients": [[], own()["clients"][1]]}),
    ("authlib", authlib(client_secret_expires_at=10**30)),
    ("authlib", authlib(client_secret_expires_at="1e999")),
    ("authlib", authlib(client_metadata="[" * 100_000)),
    ("authlib", authlib(client_metadata="nonsense")),
    ("authlib", authlib(user_id="\0")),
    ("django-oauth-toolkit", django(authorization_grant_type="dance")),
    ("django-oauth-toolkit", django(client_id="é")),
    ("django-oauth-toolkit", [{"model": "oauth2_provider.application"}, django()[1]]),
    ("axway", axway(clientId="\ud800")),
    ("axway", axway(redirectUrls="https://a.example")),
    ("axway", axway(cert="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
]
#: What no database sees.
BAD_BEFORE: list[tuple[str, Any]] = [
    ("keycloak", keycloak(clientId=None)),
    ("keycloak", keycloak(attributes="on")),
    ("keycloak", keycloak(attributes={"access.token.lifespan": "soon"})),
    ("keycloak", keycloak(attributes={"client.secret.expiration.time": 1e30})),
    (
        "keycloak",
        keycloak(clientAuthenticatorType="client-jwt", attributes={"use.jwks.string": "true", "jwks.string": "["}),
    ),
    ("keycloak", keycloak(redirectUris="https://a.example")),
    ("keycloak", keycloak(redirectUris=["http://a.example/cb"], standardFlowEnabled=True)),
    ("keycloak", keycloak(secret={"value": SECRET})),
    ("keycloak", keycloak(name="\ud800")),
    ("hydra", hydra(id=None)),
    ("hydra", hydra(redirect_uris="[")),
    ("hydra", hydra(grant_types=5)),
    ("hydra", hydra(jwks='{"keys": [5]}', token_endpoint_auth_method="private_key_jwt")),
    ("hydra", hydra(token_endpoint_auth_method="tls_client_auth")),
    ("hydra", hydra(client_secret=5)),
    ("hydra", hydra(metadata="[1]")),
    ("auth0", auth0(client_id=5)),
    ("auth0", auth0(callbacks="https://a.example")),
    ("auth0", auth0(client_secret="short")),
    ("auth0", auth0(refresh_token={"expiration_type": "expiring", "token_lifetime": "long"})),
    ("auth0", auth0(client_metadata=5)),
    ("doorkeeper", doorkeeper(uid=None)),
    ("doorkeeper", doorkeeper(secret="\ud800")),
    ("doorkeeper", doorkeeper(redirect_uri="http://a.example/cb")),
    ("doorkeeper", doorkeeper(scopes="NOPE")),
]


@pytest.mark.parametrize(("source", "exported"), BAD)
def test_a_bad_row_is_refused_and_every_other_one_comes_over(
    app: Flask, bring: Bring, source: str, exported: Any
) -> None:
    refuses_the_bad_row_alone(app, bring, source, exported)


@sqlite_only
@pytest.mark.parametrize(("source", "exported"), BAD_BEFORE)
def test_so_is_one_that_the_readers_of_other_servers_refuse(
    app: Flask, bring: Bring, source: str, exported: Any
) -> None:
    refuses_the_bad_row_alone(app, bring, source, exported)


def refuses_the_bad_row_alone(app: Flask, bring: Bring, source: str, exported: Any) -> None:
    line = bring(source, exported, fails=True)
    assert " is refused: " in line
    assert len(line) < 600
    found = {each.client_id for each in gateway_of(app).clients.list()}
    assert "good" in found
    assert "bad" not in found


COSTLY = [
    f"$argon2id$v=19$m=600000,t=6,p=1${ARGON2}",
    f"$argon2id$v=19$m=131072,t=999,p=1${ARGON2}",
    f"$argon2id$v=19$m=65536,t=3,p=99${ARGON2}",
    f"$argon2id$v=19$m=9999999,t=1,p=1${ARGON2}",
    f"$argon2id$v=19$m=1024,t=1,p=1$c29tZXNhbHQ${'A' * 100_000}",
    "pbkdf2_sha256$9999999$salt$" + "A" * 43 + "=",
]
BEARABLE = [
    f"$argon2id$v=19$m=102400,t=2,p=8${ARGON2}",  # Django's
    f"$argon2id$v=19$m=65536,t=3,p=4${ARGON2}",  # argon2-cffi's
    "pbkdf2_sha256$1500000$salt$" + "A" * 43 + "=",
]


@sqlite_only
@pytest.mark.parametrize("hashed", COSTLY)
def test_a_secret_that_would_cost_a_lot_at_each_guess_is_not_imported(app: Flask, bring: Bring, hashed: str) -> None:
    assert bring("gateway", digest(hashed), fails=True).startswith("bad is refused: Its secret is hashed in a way")
    assert [each.client_id for each in gateway_of(app).clients.list()] == ["good"]
    said = bring("django-oauth-toolkit", django(client_secret=hashed.replace("$argon2id", "argon2$argon2id")))
    is_of_no_known_shape = len(hashed) > 1000
    why = "argon2, which can't be checked here" if is_of_no_known_shape else "at too great a cost for each guess"
    assert why in said["bad"]["notes"][0]
    assert gateway_of(app).clients.get("bad").secrets == ()


@sqlite_only
@pytest.mark.parametrize("hashed", BEARABLE)
def test_a_secret_hashed_as_other_frameworks_do_by_default_is_imported(app: Flask, bring: Bring, hashed: str) -> None:
    assert bring("gateway", digest(hashed))["bad"]["what"] == "new"


@sqlite_only
def test_a_costly_hash_that_is_stored_already_is_never_computed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    made = b64encode(pbkdf2_hmac("sha256", SECRET.encode(), b"salt", 1000)).decode()
    costly = f"pbkdf2_sha256$1000$salt${made}"
    with monkeypatch.context() as lenient:
        lenient.setattr("flask_oauth_gateway.crypto.hashing._MAX_PBKDF2_ITERATIONS", 1000)
        server = server_of(app)
        server.clients.add(
            "old", {"grant_types": ["client_credentials"]}, [{"hint": "", "digest": costly, "expires_in": None}]
        )
    monkeypatch.setattr("flask_oauth_gateway.crypto.hashing._MAX_PBKDF2_ITERATIONS", 999)
    monkeypatch.setattr("flask_oauth_gateway.crypto.hashing.hashlib.pbkdf2_hmac", lambda *_: pytest.fail("computed"))
    answer = app.test_client().post(
        "/oauth/token", data={"grant_type": "client_credentials"}, headers=basic("old", SECRET)
    )
    assert answer.status_code == 401
    doctor = app.test_cli_runner().invoke(args=["oauth", "doctor"])
    assert "client 'old': a secret is hashed at too great a cost" in doctor.output


ESCAPES: list[tuple[str, Any]] = [
    ("gateway", own(client_id=ESCAPE)),
    ("gateway", own(application=ESCAPE)),
    ("gateway", own(scope=ESCAPE)),
    ("gateway", own(client_name=ESCAPE)),
    ("apigee", apigee(consumerKey=ESCAPE)),
    ("apigee", apigee(status=ESCAPE, scopes=["NOPE"])),
    ("apigee", {"app": [{"name": ESCAPE, "credentials": [{"consumerKey": ESCAPE}]}]}),
    ("axway", axway(type=ESCAPE, clientId=ESCAPE)),
    ("django-oauth-toolkit", [{"model": ESCAPE, "pk": ESCAPE, "fields": {**django()[0]["fields"], "client_id": "é"}}]),
    ("authlib", authlib(id=ESCAPE, client_id="é")),
    ("keycloak", keycloak(clientId=ESCAPE, protocol=ESCAPE)),
    ("keycloak", keycloak(redirectUris=[f"https://{ESCAPE}/*"], defaultClientScopes=[f"{ESCAPE}*"])),
    ("keycloak", {"realm": ESCAPE, "clients": [{"clientId": ESCAPE, "clientAuthenticatorType": ESCAPE}]}),
    ("hydra", hydra(id=ESCAPE, grant_types=[ESCAPE], scope=f"{ESCAPE}*")),
    ("auth0", auth0(client_id=ESCAPE, grant_types=[f"http://auth0.com/oauth/grant-type/{ESCAPE}"])),
    ("doorkeeper", doorkeeper(id=ESCAPE, uid=ESCAPE, redirect_uri=f"{ESCAPE}*")),
]


@sqlite_only
@pytest.mark.parametrize(("source", "exported"), ESCAPES)
@pytest.mark.parametrize("option", ["--json", None])
def test_what_could_steer_a_terminal_never_reaches_it(
    app: Flask, tmp_path: Path, source: str, exported: Any, option: str | None
) -> None:
    file = tmp_path / "export"
    file.write_text(json.dumps(exported))
    arguments = ["oauth", "client", "import", str(file), "--from", source, *([option] if option else [])]
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code in (0, 1)
    assert all(c == "\n" or c.isprintable() for c in result.output)


PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----"


@sqlite_only
@pytest.mark.parametrize(
    ("source", "exported", "fails"),
    [
        ("gateway", own(scope=[PEM]), True),
        ("gateway", own(certificate=PEM), True),
        ("axway", axway(cert=PEM), True),
        ("apigee", apigee(attributes=[{"name": "public_key", "value": PEM}]), True),
        ("apigee", apigee(consumerSecret={"secret": "MIIEvQIBADANBgkq"}), True),
        ("django-oauth-toolkit", django(client_secret="bcryptMIIEvQIBADANBgkq"), False),
        (
            "keycloak",
            keycloak(clientAuthenticatorType="client-jwt", attributes={"jwt.credential.certificate": PEM}),
            True,
        ),
        ("keycloak", keycloak(secret={"secret": "MIIEvQIBADANBgkq"}), True),
        ("hydra", hydra(client_secret="$scrypt$MIIEvQIBADANBgkq"), False),
        ("hydra", hydra(client_secret="$argon2id$MIIEvQIBADANBgkq"), False),
        ("auth0", auth0(client_secret=["MIIEvQIBADANBgkq"]), True),
        ("doorkeeper", doorkeeper(secret="$2a$99$MIIEvQIBADANBgkq"), False),
    ],
)
def test_a_secret_in_a_bad_row_is_not_repeated(bring: Bring, source: str, exported: Any, *, fails: bool) -> None:
    assert "MIIEvQIBADANBgkq" not in json.dumps(bring(source, exported, fails=fails))


@sqlite_only
def test_a_certificate_that_axway_left_in_a_file_of_its_own_is_named(app: Flask, bring: Bring) -> None:
    said = bring("axway", axway(cert="app-cert.crt"))["bad"]
    assert said["what"] == "new"
    assert "its certificate is in the file app-cert.crt" in said["notes"][0]
    found = gateway_of(app).clients.get("bad")
    assert (found.enabled, found.certificate) == (True, None)
    assert "urn:ietf:params:oauth:grant-type:jwt-bearer" in found.grant_types


@sqlite_only
@pytest.mark.parametrize(
    "flat",
    [
        {"redirect_uris": ["https://a.example/cb"], "grant_types": ["authorization_code"]},
        {"redirect_uri": "https://a.example/cb\n", "grant_type": "authorization_code\n"},
    ],
)
def test_authlib_s_rows_without_client_metadata_come_over(app: Flask, bring: Bring, flat: dict[str, Any]) -> None:
    row = {"client_id": "flat", "client_secret": SECRET, "client_name": "Board", "scope": "READ", **flat}
    assert bring("authlib", [row])["flat"]["what"] == "new"
    found = gateway_of(app).clients.get("flat")
    assert (found.client_name, found.redirect_uris, found.grant_types, found.scope) == (
        "Board",
        ["https://a.example/cb"],
        ["authorization_code"],
        "READ",
    )


@sqlite_only
def test_an_application_that_is_not_well_is_refused_with_its_clients_alone(app: Flask, bring: Bring) -> None:
    applications = [{"application_id": "a\0", "name": "A", "status": "approved"}, 5, {"application_id": "b"}]
    clients = [
        {"client_id": "one", "application": "a\0"},
        {"client_id": "two", "application": "b"},
        {"client_id": "three"},
    ]
    bring("gateway", {"format": 1, "applications": applications, "clients": clients}, fails=True)
    assert [each.client_id for each in gateway_of(app).clients.list()] == ["three"]

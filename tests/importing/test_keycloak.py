"""`--from keycloak`: a realm's export, with secrets in clear or masked, client scopes, wildcards, and Keycloak's own clients."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.databases import sqlite_only
from tests.support.exports import KEYCLOAK, SECRET, keycloak_client, keycloak_realm
from tests.support.importing import clients, works
from tests.support.signing import Signer

Bring = Callable[..., Any]


@sqlite_only
def test_a_realm_s_clients_come_over_with_their_secrets(app: Flask, bring: Bring) -> None:
    dry = bring("keycloak", KEYCLOAK, "--dry-run")
    assert clients(app).list() == []
    said = bring("keycloak", KEYCLOAK)
    assert said == dry
    assert {name: each["what"] for name, each in said.items()} == {
        **dict.fromkeys(["account", "admin-cli", "broker", "realm-management", "security-admin-console"], "skipped"),
        **dict.fromkeys(["shop-web", "shop-spa", "shop-api"], "new"),
        "shop-sso": "skipped",
    }
    assert said["account"]["notes"] == ["it is Keycloak's own"]
    assert said["shop-sso"]["notes"] == ["it speaks saml, not OAuth"]
    web = clients(app).get("shop-web")
    assert works(app, "shop-web", SECRET)
    assert not works(app, "shop-web", "another")
    assert (web.client_name, web.client_uri) == ("Shop", "https://shop.example/start")
    assert web.redirect_uris == ["https://shop.example/callback", "https://shop.example/silent"]
    assert web.grant_types == ["authorization_code", "client_credentials", "refresh_token"]
    assert (web.scope, web.default_scope, web.access_token_lifetime) == ("READ WRITE", "READ", 900)
    assert web.skip_consent, "Keycloak asks nobody where consentRequired is off"
    assert said["shop-web"]["notes"] == [
        "without the scopes 'audience-of-the-api', which OAUTH_SCOPES lacks",
        "without 'https://*.shop.example/*', 'https://old.shop.example/*': redirect URIs have no wildcards here",
    ]
    assert {each["what"] for each in bring("keycloak", KEYCLOAK).values()} == {"there", "skipped"}


@sqlite_only
def test_a_client_whose_redirect_uris_all_have_wildcards_is_told_what_it_needs(app: Flask, bring: Bring) -> None:
    notes = bring("keycloak", KEYCLOAK)["shop-spa"]["notes"]
    assert "without 'http://localhost:3000/*': redirect URIs have no wildcards here" in notes
    assert "so without authorization_code too: client update takes its --redirect-uri and --grant" in notes
    spa = clients(app).get("shop-spa")
    assert (spa.is_public, spa.grant_types, spa.redirect_uris) == (True, ["refresh_token"], [])
    done = app.test_cli_runner().invoke(
        args=[
            *("oauth", "client", "update", "shop-spa", "--redirect-uri", "http://localhost:3000/callback"),
            *("--grant", "authorization_code", "--grant", "refresh_token"),
        ]
    )
    assert done.exit_code == 0, done.output
    assert clients(app).get("shop-spa").redirect_uris == ["http://localhost:3000/callback"]


@sqlite_only
def test_an_api_that_only_checks_tokens_may_ask_about_them_all(app: Flask, bring: Bring) -> None:
    assert "it is disabled" in bring("keycloak", KEYCLOAK)["shop-api"]["notes"]
    api = clients(app).get("shop-api")
    assert (api.resource_server, api.grant_types, api.enabled) == (True, [], False)


@sqlite_only
def test_secrets_that_are_masked_or_elsewhere_are_named(app: Flask, bring: Bring) -> None:
    job = {"serviceAccountsEnabled": True}
    said = bring(
        "keycloak",
        keycloak_realm(
            keycloak_client("masked", secret="**********", **job),
            keycloak_client("vault", secret="${vault.shop}", **job),
            keycloak_client("none", **job),
        ),
    )
    assert "masked in a partial export: use kc.sh export" in said["masked"]["notes"][0]
    assert said["vault"]["notes"][0] == "its secret is in a vault: give it one with rotate-secret"
    assert said["none"]["notes"][0] == "it has no secret: give it one with rotate-secret"
    made = clients(app).rotate_secret("masked").client_secret
    assert works(app, "masked", made)


@sqlite_only
def test_a_rotated_secret_is_good_as_long_as_there(app: Flask, bring: Bring) -> None:
    ends = int(time.time()) + 1000
    rotated = {
        "client.secret.rotated": "the secret before this one",
        "client.secret.rotated.expiration.time": str(ends),
        "client.secret.expiration.time": ends + 5000,
    }
    gone = {"client.secret.expiration.time": "1700000000"}
    job = {"secret": SECRET, "serviceAccountsEnabled": True}
    said = bring(
        "keycloak", [keycloak_client("job", **job, attributes=rotated), keycloak_client("gone", **job, attributes=gone)]
    )
    assert works(app, "job", SECRET)
    assert works(app, "job", "the secret before this one")
    assert sorted(each.expires_at - ends for each in clients(app).get("job").secrets) == pytest.approx([0, 5000], abs=5)
    assert "its secret has expired" in said["gone"]["notes"]
    assert not works(app, "gone", SECRET)


@sqlite_only
def test_clients_that_sign_come_with_their_keys(app: Flask, bring: Bring) -> None:
    signer = Signer("RS256")
    bare = {
        f"jwt.credential.{name}": "".join(pem.splitlines()[1:-1])
        for name, pem in (("certificate", signer.certificate()), ("public.key", signer.pem()))
    }
    keys = {
        "by-certificate": {"jwt.credential.certificate": bare["jwt.credential.certificate"]},
        "by-key": {"jwt.credential.public.key": bare["jwt.credential.public.key"]},
        "by-set": {"use.jwks.string": "true", "jwks.string": json.dumps(signer.jwks())},
        "by-url": {"use.jwks.url": "true", "jwks.url": "https://job.example/jwks"},
    }
    signs = {"clientAuthenticatorType": "client-jwt", "serviceAccountsEnabled": True}
    bring("keycloak", [keycloak_client(name, **signs, attributes=key) for name, key in keys.items()])
    assert "BEGIN CERTIFICATE" in clients(app).get("by-certificate").certificate
    assert "BEGIN PUBLIC KEY" in clients(app).get("by-key").certificate
    assert clients(app).get("by-set").jwks == signer.jwks()
    assert clients(app).get("by-url").jwks_uri == "https://job.example/jwks"
    assert {each.token_endpoint_auth_method for each in clients(app).list()} == {"private_key_jwt"}
    now = int(time.time())
    claims = {
        "iss": "by-key",
        "sub": "by-key",
        "aud": "http://localhost/oauth/token",
        "jti": "1",
        "iat": now,
        "exp": now + 60,
    }
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signer.sign(claims),
    }
    assert app.test_client().post("/oauth/token", data=form).status_code == 200


@sqlite_only
@pytest.mark.parametrize(
    ("exported", "line"),
    [
        ({"realm": "shop"}, "realm 1 is refused: it has no 'clients'"),
        (
            [keycloak_client("x509", clientAuthenticatorType="client-x509")],
            "client x509 is refused: token_endpoint_auth_method is 'tls_client_auth'; OAUTH_CLIENT_AUTH_METHODS offers",
        ),
        (
            [keycloak_client("kerberos", clientAuthenticatorType="kerberos")],
            "client 1 is refused: clients can't authenticate by 'kerberos' here",
        ),
    ],
)
def test_what_can_t_come_over_is_refused_with_the_reason(bring: Bring, exported: Any, line: str) -> None:
    assert bring("keycloak", exported, fails=True).startswith(line)


@sqlite_only
def test_what_is_switched_on_there_and_is_not_here_is_named(app: Flask, bring: Bring) -> None:
    client = keycloak_client(
        "tv", publicClient=True, consentRequired=True, protocolMappers=[{"name": "audience"}],
        attributes={"oauth2.device.authorization.grant.enabled": "true", "oidc.ciba.grant.enabled": "true",
                    "standard.token.exchange.enabled": "true", "use.refresh.tokens": "false"},
    )  # fmt: skip
    notes = bring("keycloak", keycloak_realm(client))["tv"]["notes"]
    assert "without CIBA, token exchange" in notes
    assert "without its protocolMappers" in notes
    tv = clients(app).get("tv")
    assert (tv.grant_types, tv.skip_consent) == (["urn:ietf:params:oauth:grant-type:device_code"], False)

"""`--from auth0`: the applications that the Management API lists, with secrets, and scopes from the client grants."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from tests.support.databases import sqlite_only
from tests.support.exports import AUTH0, SECRET, auth0_client
from tests.support.importing import clients, works

Bring = Callable[..., Any]


@sqlite_only
def test_applications_come_over_with_their_secrets_and_the_scopes_of_their_client_grants(
    app: Flask, bring: Bring
) -> None:
    dry = bring("auth0", AUTH0, "--dry-run")
    assert clients(app).list() == []
    said = bring("auth0", AUTH0)
    assert said == dry
    assert {name: each["what"] for name, each in said.items()} == {
        "global": "skipped", "slack": "skipped", **dict.fromkeys(["web", "spa", "job", "unbound"], "new"),
    }  # fmt: skip
    assert said["slack"]["notes"] == ["it is an integration of Auth0's, and no client"]
    assert works(app, "job", SECRET, scope="READ")
    assert not works(app, "job", "another")
    assert clients(app).get("job").scope == "READ"
    web, spa = clients(app).get("web"), clients(app).get("spa")
    assert (web.client_name, web.attributes, web.skip_consent) == ("Web", {"team": "web"}, True)
    assert web.redirect_uris == ["https://web.example/callback"]
    assert web.grant_types == ["authorization_code", "refresh_token", "password"]
    assert (web.scope, web.refresh_token_lifetime) == ("READ WRITE", 2_592_000)
    assert said["web"]["notes"] == [
        "without Auth0's own grants: mfa-otp",
        "without client_credentials: no client_grants in the file are its own",
        "without its post_logout_redirect_uris",
        "without 'https://*.web.example/callback': redirect URIs have no wildcards here",
        "password is not in OAUTH_GRANT_TYPES: off until added there.",
    ]
    assert (spa.is_public, spa.secrets, spa.skip_consent) == (True, (), False)
    assert {each["what"] for each in bring("auth0", AUTH0).values()} == {"there", "skipped"}


@sqlite_only
def test_a_client_without_a_client_grant_gets_no_scope_for_itself_unless_it_is_named(app: Flask, bring: Bring) -> None:
    job = auth0_client("unbound", app_type="non_interactive", grant_types=["client_credentials"])
    said = bring("auth0", [job])["unbound"]
    assert said["notes"] == ["no client_grants in the file say its scopes: --scope does"]
    assert clients(app).get("unbound").scope == ""
    clients(app).delete("unbound")
    bring("auth0", [job], "--scope", "READ")
    assert clients(app).get("unbound").scope == "READ"


@sqlite_only
def test_a_list_without_secrets_or_keys_says_what_it_takes(app: Flask, bring: Bring) -> None:
    job = auth0_client("job", app_type="non_interactive", grant_types=["client_credentials"])
    del job["client_secret"]
    assert "which takes read:client_keys" in bring("auth0", [job])["job"]["notes"][-1]
    methods = {"private_key_jwt": {"credentials": [{"id": "cred_1"}]}}
    signs = auth0_client("signs", client_authentication_methods=methods, grant_types=["client_credentials"])
    assert "private_key_jwt needs a jwks, jwks_uri or certificate" in bring("auth0", [signs], fails=True)
    assert clients(app).get("signs") is None

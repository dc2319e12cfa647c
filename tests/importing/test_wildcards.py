"""Redirect URIs and scopes that are patterns elsewhere: each source leaves them out and names them, and the rest comes over."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.app import register
from tests.support.databases import sqlite_only
from tests.support.exports import auth0_client, doorkeeper_row, hydra_row, keycloak_client
from tests.support.importing import clients

Bring = Callable[..., Any]
SECRET = "long enough for a secret"
EXACT, PATTERN, PLACEHOLDER = "https://a.example/cb", "https://*.a.example/cb", "https://{organization_name}.a.example"
URIS = [EXACT, PATTERN, PLACEHOLDER]
NOTE = f"without {PATTERN!r}, {PLACEHOLDER!r}: redirect URIs have no wildcards here"

ROWS: dict[str, Any] = {
    "apigee": {"app": [{"name": "a", "callbackUrl": ", ".join(URIS),
                        "credentials": [{"consumerKey": "c", "consumerSecret": SECRET}]}]},
    "axway": {"name": "a", "credentials": [{"clientId": "c", "secret": SECRET, "redirectUrls": URIS}]},
    "django-oauth-toolkit": [{"model": "oauth2_provider.application", "pk": 1, "fields": {
        "client_id": "c", "client_secret": SECRET, "client_type": "confidential", "redirect_uris": " ".join(URIS),
        "authorization_grant_type": "authorization-code"}}],
    "authlib": [{"client_id": "c", "client_secret": SECRET, "redirect_uris": URIS, "grant_types": ["authorization_code"]}],
    "keycloak": [keycloak_client("c", secret=SECRET, standardFlowEnabled=True, redirectUris=URIS)],
    "hydra": [hydra_row("c", SECRET, redirect_uris=URIS, grant_types=["authorization_code"])],
    "auth0": [auth0_client("c", callbacks=URIS)],
    "doorkeeper": [doorkeeper_row(1, uid="c", redirect_uri="\n".join(URIS))],
}  # fmt: skip


@sqlite_only
@pytest.mark.parametrize("source", ROWS)
def test_redirect_uris_with_wildcards_are_named_and_the_others_stay(app: Flask, bring: Bring, source: str) -> None:
    said = bring(source, ROWS[source])["c"]
    assert said["what"] == "new"
    assert NOTE in said["notes"]
    assert clients(app).get("c").redirect_uris == [EXACT]
    assert "authorization_code" in clients(app).get("c").grant_types
    assert bring(source, ROWS[source])["c"]["what"] == "there"


@sqlite_only
def test_where_none_is_left_the_client_comes_without_the_code_flow_and_the_note_says_how_to_get_it(
    app: Flask, bring: Bring
) -> None:
    row = {"name": "a", "credentials": [{"clientId": "c", "secret": SECRET, "redirectUrls": ["https://a.example/*"]}]}
    notes = bring("axway", row)["c"]["notes"]
    assert notes[-1] == "so without authorization_code too: client update takes its --redirect-uri and --grant"
    assert clients(app).get("c").grant_types == ["refresh_token", "client_credentials"]


@sqlite_only
def test_a_scope_that_is_a_pattern_is_named_too(app: Flask, bring: Bring) -> None:
    said = bring("hydra", [hydra_row("c", SECRET, scope="READ photos.*")])["c"]
    assert "without 'photos.*': scopes have no wildcards here" in said["notes"]
    assert clients(app).get("c").scope == "READ"


@sqlite_only
def test_a_backup_of_our_own_keeps_every_letter(app: Flask, bring: Bring) -> None:
    """A star is a letter like any other in a redirect URI of ours."""
    literal = "https://a.example/cb?only=*"
    register(app, client_id="c", grant_types=["authorization_code"], redirect_uris=[literal], scope="READ")
    exported = app.test_cli_runner().invoke(args=["oauth", "client", "export"]).stdout
    clients(app).delete("c")
    bring("gateway", exported.encode())
    assert clients(app).get("c").redirect_uris == [literal]

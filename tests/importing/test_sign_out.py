"""How users sign out comes over where OpenID Connect is on: where the browser goes, and where the client is told."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.databases import sqlite_only
from tests.support.exports import auth0_client, hydra_row, keycloak_client
from tests.support.importing import IMPORT_SCOPES, clients

Bring = Callable[..., Any]
SECRET = "long enough for a secret"
CALLBACK, AFTER, PATTERN = "https://a.example/cb", "https://a.example/bye", "https://*.a.example/bye"
WITH_FRAGMENT = "https://a.example/bye#there"
TOLD = "https://a.example/backchannel?logout=1"

ROWS: dict[str, Any] = {
    "django-oauth-toolkit": [{"model": "oauth2_provider.application", "pk": 1, "fields": {
        "client_id": "c", "client_secret": SECRET, "client_type": "confidential", "redirect_uris": CALLBACK,
        "post_logout_redirect_uris": f"{AFTER} {PATTERN} {WITH_FRAGMENT}", "authorization_grant_type": "authorization-code"}}],
    "keycloak": [keycloak_client("c", secret=SECRET, standardFlowEnabled=True, redirectUris=[CALLBACK], attributes={
        "post.logout.redirect.uris": f"{AFTER}##{PATTERN}##{WITH_FRAGMENT}", "backchannel.logout.url": TOLD,
        "backchannel.logout.session.required": "true"})],
    "hydra": [hydra_row("c", SECRET, redirect_uris=[CALLBACK], grant_types=["authorization_code"],
                        post_logout_redirect_uris=[AFTER, PATTERN, WITH_FRAGMENT], backchannel_logout_uri=TOLD)],
    "auth0": [auth0_client("c", callbacks=[CALLBACK], allowed_logout_urls=[AFTER, PATTERN, WITH_FRAGMENT],
                           oidc_logout={"backchannel_logout_urls": [TOLD]})],
}  # fmt: skip
TELLS = set(ROWS) - {"django-oauth-toolkit"}


@pytest.fixture
def app(make_app: Callable[..., Flask], request: pytest.FixtureRequest) -> Flask:
    return make_app(OAUTH_SCOPES=IMPORT_SCOPES, OAUTH_OIDC=getattr(request, "param", True))


@sqlite_only
@pytest.mark.parametrize("source", ROWS)
def test_addresses_come_over_and_patterns_are_named(app: Flask, bring: Bring, source: str) -> None:
    said = bring(source, ROWS[source])["c"]
    assert said["what"] == "new"
    assert "without some of its post_logout_redirect_uris" in said["notes"]
    assert f"without {PATTERN!r}: addresses after a sign-out have no wildcards here" in said["notes"]
    client = clients(app).get("c")
    assert client.post_logout_redirect_uris == [AFTER]
    assert client.backchannel_logout_uri == (TOLD if source in TELLS else None)


@sqlite_only
def test_keycloak_s_plus_stands_for_the_redirect_uris(app: Flask, bring: Bring) -> None:
    row = keycloak_client("c", secret=SECRET, standardFlowEnabled=True, redirectUris=[CALLBACK])
    bring("keycloak", [row | {"attributes": {"post.logout.redirect.uris": "+"}}])
    assert clients(app).get("c").post_logout_redirect_uris == [CALLBACK]


@sqlite_only
@pytest.mark.parametrize("app", [False], indirect=True)
@pytest.mark.parametrize("source", ROWS)
def test_without_openid_connect_they_are_named(app: Flask, bring: Bring, source: str) -> None:
    said = bring(source, ROWS[source])["c"]
    assert said["what"] == "new"
    assert "without its post_logout_redirect_uris" in said["notes"]
    assert clients(app).get("c").post_logout_redirect_uris == []

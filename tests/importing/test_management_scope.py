"""The scope of the management API comes with no client of another server: it is given here, by its name."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.app import basic, bearer
from tests.support.databases import sqlite_only
from tests.support.exports import SECRET, auth0_client, doorkeeper_row, hydra_row
from tests.support.importing import IMPORT_SCOPES, clients

SCOPE = "oauth:admin"
URI = "https://a.example/cb"


def django(**fields: str) -> list[dict[str, Any]]:
    common = {"client_id": "c", "client_secret": SECRET, "client_type": "confidential"}
    return [{"model": "oauth2_provider.application", "pk": 1, "fields": common | fields}]


#: Clients that may ask for every scope there, by themselves or for users.
EVERY_SCOPE = [
    ("doorkeeper", [doorkeeper_row(1, uid="c", secret=SECRET, scopes="")]),
    ("doorkeeper", [doorkeeper_row(1, uid="c", secret=SECRET, scopes="", redirect_uri=URI)]),
    ("django-oauth-toolkit", django(authorization_grant_type="client-credentials")),
    ("django-oauth-toolkit", django(authorization_grant_type="authorization-code", redirect_uris=URI)),
    ("auth0", [auth0_client("c", callbacks=[URI], grant_types=["authorization_code"])]),
]


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(OAUTH_SCOPES=IMPORT_SCOPES, OAUTH_ADMIN=True)


@sqlite_only
@pytest.mark.parametrize(("source", "rows"), EVERY_SCOPE)
def test_every_scope_there_is_every_other_scope_here(
    app: Flask, bring: Callable[..., Any], source: str, rows: list[Any]
) -> None:
    assert bring(source, rows)["c"]["what"] == "new"
    assert clients(app).get("c").scope == "READ WRITE"


@sqlite_only
def test_nobody_who_names_it_elsewhere_gets_it(app: Flask, bring: Callable[..., Any]) -> None:
    row = hydra_row("c", SECRET, scope=f"READ {SCOPE}", grant_types=["client_credentials"])
    row |= {"client_secret": SECRET, "token_endpoint_auth_method": "client_secret_basic"}
    said = bring("hydra", [row])["c"]
    assert said["notes"][0].startswith(f"without {SCOPE}, which gives access to every client here")
    user = app.test_client()
    given = user.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=basic("c", SECRET)).json
    assert given is not None
    assert given["scope"] == "READ"
    assert user.get("/oauth/admin/api/clients", headers=bearer(given["access_token"])).status_code == 403


@sqlite_only
def test_a_backup_of_our_own_has_it_still(app: Flask, bring: Callable[..., Any]) -> None:
    clients(app).create(client_id="ops", client_name="Ops", grant_types=["client_credentials"], scope=SCOPE)
    exported = app.test_cli_runner().invoke(args=["oauth", "client", "export"]).stdout
    clients(app).delete("ops")
    assert bring("gateway", exported.encode())["ops"]["what"] == "new"
    assert clients(app).get("ops").scope == SCOPE

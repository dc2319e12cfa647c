"""The extensions of the Model Context Protocol, with the Python SDK: client credentials, and enterprise-managed authorization."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.app import gateway_of
from tests.support.services import MCP_PYTHONS
from tests.support.serving import build_server, serving
from tests.support.signing import Signer, claims_of
from tests.support.trading import IDP

ROOT = Path(__file__).parents[2]


@pytest.mark.mcp_sdks
def test_clients_without_a_person_get_in(tmp_path: Path) -> None:
    idp, own = Signer(), Signer(kid=None)
    config = {
        "OAUTH_PROFILE": "mcp",
        # The SDK reads no metadata without the first.
        "OAUTH_GRANT_TYPES": ["authorization_code", "client_credentials", "jwt_bearer"],
        "OAUTH_JWT_ISSUERS": {IDP: {"jwks": idp.jwks(), "id_jag": True}},
        "OAUTH_DATABASE_URI": f"sqlite:///{tmp_path}/oauth.db",
        "TESTING": True,
    }
    with serving(lambda url: build_server(url, **config, OAUTH_RESOURCES={"/me": f"{url}/me"})) as (url, app):
        create, grants = gateway_of(app).clients.create, ["client_credentials", "jwt_bearer"]
        clients = {name: create(client_id=name, grant_types=grants, scope=["weather:read"]) for name in ("one", "two")}
        by_key = {"token_endpoint_auth_method": "private_key_jwt", "jwks": own.jwks()}
        create(client_id="signing", grant_types=["client_credentials"], scope=["weather:read"], **by_key)
        claims = {"aud": url, "resource": f"{url}/me", "scope": "weather:read"}
        sent = {
            "secret": {name: client.client_secret for name, client in clients.items()},
            "key": own.private_pem(),
            "id_jag": {
                name: idp.sign(claims_of(IDP, client_id=name, **claims), typ="oauth-id-jag+jwt") for name in clients
            },
        }
        asked = subprocess.run(
            [*map(str, (MCP_PYTHONS["2"], Path(__file__).with_name("machines.py"), f"{url}/me", url))],
            input=json.dumps(sent),
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout) == {
        "of an enterprise, basic": {"client": "one", "subject": "alice"},
        "of an enterprise, post": {"client": "two", "subject": "alice"},
        "with a secret, basic": {"client": "one", "subject": None},
        "with a secret, post": {"client": "one", "subject": None},
        "with a key": {"client": "signing", "subject": None},
    }

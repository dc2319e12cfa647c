"""Enterprise-managed authorization: the Python SDK brings an ID-JAG of an identity provider, and calls a view with its token."""

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
def test_the_sdk_s_client_gets_in_by_an_id_jag(tmp_path: Path) -> None:
    signer = Signer()
    config = {
        "OAUTH_PROFILE": "mcp",
        "OAUTH_GRANT_TYPES": ["authorization_code", "jwt_bearer"],  # the SDK reads no metadata without the first
        "OAUTH_JWT_ISSUERS": {IDP: {"jwks": signer.jwks(), "id_jag": True}},
        "OAUTH_DATABASE_URI": f"sqlite:///{tmp_path}/oauth.db",
        "TESTING": True,
    }
    with serving(lambda url: build_server(url, **config, OAUTH_RESOURCES={"/me": f"{url}/me"})) as (url, app):
        client = gateway_of(app).clients.create(grant_types=["jwt_bearer"], scope=["weather:read"])
        for method in ("client_secret_post", "client_secret_basic"):
            claims = claims_of(IDP, aud=url, client_id=client.client_id, resource=f"{url}/me", scope="weather:read")
            line = [MCP_PYTHONS["2"], Path(__file__).with_name("enterprise.py"), f"{url}/me", url]
            asked = subprocess.run(
                [*map(str, line), client.client_id, str(client.client_secret), method],
                input=signer.sign(claims, typ="oauth-id-jag+jwt"),
                capture_output=True,
                text=True,
                check=False,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
            assert asked.stdout.startswith('200 {"'), asked.stderr
            assert '"alice"' in asked.stdout

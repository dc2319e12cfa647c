"""Asks a site for tokens with proofs of keys, and tells to which key the tokens are bound."""

from typing import Any

from werkzeug.test import TestResponse

from flask_oauth_gateway.stores.registered_client import Client

from .app import basic, server_of
from .proofs import ProofKey
from .site import REDIRECT_URI, VERIFIER, Site, granted


def ask(site: Site, client: Client, key: ProofKey | None, /, **data: Any) -> TestResponse:
    """A token request, with a proof of the key where there is one."""
    headers = {} if key is None else key.headers()
    if client.client_secret:
        headers |= basic(client.client_id, client.client_secret)
    else:
        data["client_id"] = client.client_id
    return site.app.test_client().post("/oauth/token", data=data, headers=headers)


def redeem(site: Site, client: Client, code: str, key: ProofKey | None) -> TestResponse:
    return ask(
        site, client, key,
        grant_type="authorization_code", code=code, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER,
    )  # fmt: skip


def refresh(site: Site, client: Client, token: str, key: ProofKey | None) -> TestResponse:
    return ask(site, client, key, grant_type="refresh_token", refresh_token=token)


def confirmation(site: Site, token: str) -> Any:
    """The `cnf` of an access token."""
    return server_of(site.app).own_tokens.read(token).details.get("cnf")


def bound(site: Site, response: TestResponse, key: ProofKey) -> dict[str, Any]:
    """A token response whose access token is bound to this key."""
    found = granted(response)
    assert found["token_type"] == "DPoP"
    with site.app.test_request_context():
        assert confirmation(site, found["access_token"]) == {"jkt": key.thumbprint}
    return found


def unbound(site: Site, response: TestResponse) -> dict[str, Any]:
    found = granted(response)
    assert found["token_type"] == "Bearer"
    with site.app.test_request_context():
        assert confirmation(site, found["access_token"]) is None
    return found

"""Clients of the Python SDK 2 for which no user is there; run by a Python that has the SDK.

`machines.py SERVER_URL ISSUER` takes from standard input, as JSON, the `secret`s of clients by their ids, the private `key`
of the client "signing", and an `id_jag` for each client that an enterprise lets in. It prints what the view at the URL says to
each, as JSON.
"""

import json
import sys

import anyio
import httpx2
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider

server_url, issuer = sys.argv[1:]
given = json.load(sys.stdin)


class Storage:
    async def get_tokens(self):
        return None

    async def set_tokens(self, tokens):
        pass

    async def get_client_info(self):
        return None

    async def set_client_info(self, client_info):
        pass


def of_an_enterprise(client_id, method):
    async def assertion(audience, resource):
        assert (audience, resource) == (issuer, server_url)
        return given["id_jag"][client_id]

    secret = given["secret"][client_id]
    return IdentityAssertionOAuthProvider(
        server_url, Storage(), client_id, secret, issuer, assertion, token_endpoint_auth_method=method
    )


def with_a_secret(client_id, method):
    secret = given["secret"][client_id]
    return ClientCredentialsOAuthProvider(server_url, Storage(), client_id, secret, method, issuer=issuer)


def with_a_key(client_id):
    sign = SignedJWTParameters(issuer=client_id, subject=client_id, signing_key=given["key"], signing_algorithm="ES256")
    return PrivateKeyJWTOAuthProvider(server_url, Storage(), client_id, sign.create_assertion_provider(), issuer=issuer)


async def main():
    said = {}
    for name, provider in {
        "of an enterprise, basic": of_an_enterprise("one", "client_secret_basic"),
        "of an enterprise, post": of_an_enterprise("two", "client_secret_post"),
        "with a secret, basic": with_a_secret("one", "client_secret_basic"),
        "with a secret, post": with_a_secret("one", "client_secret_post"),
        "with a key": with_a_key("signing"),
    }.items():
        async with httpx2.AsyncClient(auth=provider) as http:
            said[name] = (await http.get(server_url)).json()
    json.dump(said, sys.stdout)


anyio.run(main)

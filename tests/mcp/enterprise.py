"""A client of the Python SDK 2 that an enterprise lets in; run by a Python that has the SDK.

`enterprise.py SERVER_URL ISSUER CLIENT_ID CLIENT_SECRET METHOD` takes an ID-JAG from standard input, and prints what the
view at the URL says.
"""

import sys

import anyio
import httpx2
from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider

server_url, issuer, client_id, client_secret, method = sys.argv[1:]
id_jag = sys.stdin.read()


class Storage:
    async def get_tokens(self):
        return None

    async def set_tokens(self, tokens):
        pass


async def assertion(audience, resource):
    assert (audience, resource) == (issuer, server_url)
    return id_jag


async def main():
    provider = IdentityAssertionOAuthProvider(
        server_url, Storage(), client_id, client_secret, issuer, assertion, token_endpoint_auth_method=method
    )
    async with httpx2.AsyncClient(auth=provider) as http:
        answer = await http.get(server_url)
        sys.stdout.write(f"{answer.status_code} {answer.text}")


anyio.run(main)

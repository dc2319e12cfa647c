"""Four MCP servers in one process, each behind our tokens in its own way; run by a Python that has an SDK.

`served.py PORT DATABASE AUTHORIZATION_SERVER CLIENT_ID CLIENT_SECRET`. Each has one tool, which says whose token it was
called with.
"""

import sys
from contextlib import AsyncExitStack, asynccontextmanager

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.dependencies import get_access_token as get_token_of_fastmcp
from flask import Flask
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.settings import AuthSettings
from starlette.applications import Starlette
from starlette.routing import Mount

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.mcp import TokenVerifier

try:
    from mcp.server.mcpserver import Context, MCPServer  # the SDK's second generation
except ImportError:
    from mcp.server.fastmcp import Context
    from mcp.server.fastmcp import FastMCP as FirstSdk

    MCPServer = None

port, database, issuer, client_id, client_secret = sys.argv[1:]
here = f"http://127.0.0.1:{port}"
names = ("inside", "asked", "fastmcp", "asgi")
resources = {name: f"{here}/{name}/mcp" for name in names}

app = Flask("beside")
app.config.update(
    SECRET_KEY="only for tests",
    TESTING=True,
    OAUTH_ISSUER=issuer,
    OAUTH_DATABASE_URI=database,
    OAUTH_SCOPES={"weather:read": "Read", "weather:write": "Write"},
    OAUTH_RESOURCES={f"/{name}/mcp": url for name, url in resources.items()},
)
gateway = OAuthGateway(app)


def asking(name):
    return TokenVerifier(
        introspection_endpoint=f"{issuer}/oauth/introspect",
        client_id=client_id,
        client_secret=client_secret,
        resource=resources[name],
    )


def by_the_sdk(name, verifier):
    auth = AuthSettings(issuer_url=issuer, resource_server_url=resources[name], required_scopes=["weather:read"])
    how = {"token_verifier": verifier, "auth": auth if verifier else None}
    stateless = {"stateless_http": True, "json_response": True}
    made = MCPServer(name, **how) if MCPServer else FirstSdk(name, **how, **stateless)

    @made.tool()
    def whose(context: Context) -> dict[str, str | None]:
        if verifier is None:
            token = context.request_context.request.state.oauth_token
            return {"client": token.client_id, "subject": token.subject, "resource": token.audience[0]}
        token = get_access_token()
        return {"client": token.client_id, "subject": token.subject, "resource": token.resource}

    return made.streamable_http_app(**stateless if MCPServer else {})


def by_fastmcp(name):
    made = FastMCP(name, auth=RemoteAuthProvider(asking(name), [issuer], f"{here}/{name}"))

    @made.tool
    def whose() -> dict[str, str | None]:
        token = get_token_of_fastmcp()
        return {"client": token.client_id, "subject": token.claims["sub"], "resource": token.resource}

    return made.http_app(stateless_http=True, json_response=True)


servers = {
    "inside": by_the_sdk("inside", TokenVerifier(gateway, resource=resources["inside"])),
    "asked": by_the_sdk("asked", asking("asked")),
    "fastmcp": by_fastmcp("fastmcp"),
    "asgi": by_the_sdk("asgi", None),
}


@asynccontextmanager
async def lifespan(_app):
    async with AsyncExitStack() as stack:
        for each in servers.values():
            await stack.enter_async_context(each.router.lifespan_context(each))
        yield


guarded = {**servers, "asgi": gateway.asgi(servers["asgi"], "weather:read")}
outside = Starlette(routes=[Mount(f"/{name}", each) for name, each in guarded.items()], lifespan=lifespan)
uvicorn.run(outside, host="127.0.0.1", port=int(port), log_level="warning")

"""An MCP server by the Python SDK or FastMCP, with our TokenVerifier: as `node/server.mjs`, but for `by`, "sdk" or "fastmcp"."""

import json
import sys
from typing import Any

import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.settings import AuthSettings

from flask_oauth_gateway.mcp import TokenVerifier

TOLD = json.loads(sys.argv[1])
BASE = f"http://127.0.0.1:{TOLD['port']}"
VERIFIER = TokenVerifier(
    introspection_endpoint=f"{TOLD['issuer']}/oauth/introspect",
    client_id=TOLD["client_id"],
    client_secret=TOLD["client_secret"],
    resource=f"{BASE}/mcp",
    scopes=["weather:read"] if TOLD["by"] == "fastmcp" else (),
)


def by_the_sdk() -> Any:
    auth = AuthSettings(issuer_url=TOLD["issuer"], resource_server_url=f"{BASE}/mcp", required_scopes=["weather:read"])
    stateless = {"stateless_http": True, "json_response": True}
    try:
        from mcp.server.mcpserver import MCPServer
    except ImportError:  # the SDK's first generation
        from mcp.server.fastmcp import FastMCP

        server = FastMCP("weather", token_verifier=VERIFIER, auth=auth, **stateless)
        server.tool()(weather)
        return server.streamable_http_app()
    server = MCPServer("weather", token_verifier=VERIFIER, auth=auth)
    server.tool()(weather)
    return server.streamable_http_app(**stateless)


def by_fastmcp() -> Any:
    from fastmcp import FastMCP
    from fastmcp.server.auth import RemoteAuthProvider

    server = FastMCP("weather", auth=RemoteAuthProvider(VERIFIER, [TOLD["issuer"]], BASE))
    server.tool(weather)
    return server.http_app()


def weather() -> str:
    """Tell the weather."""
    token = get_access_token()
    return f"The sky is clear, {token.subject}, who uses {token.client_id}."


uvicorn.run(by_fastmcp() if TOLD["by"] == "fastmcp" else by_the_sdk(), port=TOLD["port"], log_level="warning")

"""An MCP server as a Flask view: two tools that Claude, VS Code, Cursor and their like call with a user's token.

Since 2026-07-28 the Model Context Protocol has no sessions: each request is answered by itself. Older programs, which begin
with `initialize`, are answered too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from flask_oauth_gateway import current_token, require_token

blueprint = Blueprint("mcp", __name__)

PATH = "/mcp"
VERSIONS = ("2026-07-28",)  # without sessions
OLD_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26")  # begin with `initialize`
NAME = {"name": "weather", "title": "Weather", "version": "1"}
ABOUT = {"capabilities": {"tools": {}}, "instructions": "The weather, and reports of it."}


@require_token("weather:read")
def weather() -> str:
    return f"The sky is clear, it has 21 degrees, {current_token.subject or current_token.client_id}."


@require_token("weather:read", "weather:write")
def report(sky: str = "clear") -> str:
    return f"{current_token.subject or current_token.client_id} reports a sky that is {sky}."


#: The tools: what each is for, what it is given, and what does it.
TOOLS: dict[str, tuple[str, dict[str, Any], Callable[..., Any]]] = {
    "weather": ("Tell the weather", {}, weather),
    "report": ("Report the weather in the user's name", {"sky": {"type": "string"}}, report),
}


@blueprint.after_request
def begin_with_bearer(response: Response) -> Response:
    """Leave DPoP out of the challenge: many MCP clients read none that begins with another scheme than Bearer."""
    _, bearer, challenge = response.headers.get("WWW-Authenticate", "").partition("Bearer ")
    if bearer:
        response.headers["WWW-Authenticate"] = bearer + challenge
    return response


@blueprint.post(PATH)
@require_token("weather:read")
def serve() -> Any:
    """Answer one JSON-RPC request. A tool that needs more than the token allows answers 403 with the scopes that it needs."""
    message = request.get_json(silent=True)
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        return failed(None, -32600, "That is no JSON-RPC request.")
    if "id" not in message:  # a notification
        return "", 202
    params = message.get("params") if isinstance(message.get("params"), dict) else {}
    match message["method"]:
        case "server/discover":
            result: Any = {"supportedVersions": VERSIONS} | ABOUT
        case "initialize":
            asked = params.get("protocolVersion")
            result = {
                "protocolVersion": asked if asked in OLD_VERSIONS else OLD_VERSIONS[0],
                "serverInfo": NAME,
            } | ABOUT
        case "ping":
            result = {}
        case "tools/list":
            result = {"tools": [described(name) for name in TOOLS]}
        case "tools/call":
            result = called(params)
        case _:
            return failed(message["id"], -32601, "There is no such method.", 404)
    if isinstance(result, Response):
        return result
    if result is None:
        return failed(message["id"], -32602, "There is no such tool, or it takes other arguments.")
    meta = {"io.modelcontextprotocol/serverInfo": NAME}
    fresh = {"resultType": "complete", "ttlMs": 60_000, "cacheScope": "private"}
    return {"jsonrpc": "2.0", "id": message["id"], "result": {**fresh, **result, "_meta": meta}}


def described(name: str) -> dict[str, Any]:
    purpose, takes, _ = TOOLS[name]
    return {"name": name, "description": purpose, "inputSchema": {"type": "object", "properties": takes}}


def called(params: dict[str, Any]) -> dict[str, Any] | Response | None:
    """Return what a tool says, the refusal of its token, or `None` where it can't be called so."""
    name, arguments = params.get("name"), params.get("arguments") or {}
    if name not in TOOLS or not isinstance(arguments, dict) or not arguments.keys() <= TOOLS[name][1].keys():
        return None
    said = TOOLS[name][2](**arguments)
    return said if isinstance(said, Response) else {"content": [{"type": "text", "text": said}]}


def failed(about: Any, code: int, why: str, status: int = 400) -> Any:
    return {"jsonrpc": "2.0", "id": about, "error": {"code": code, "message": why}}, status

"""An assistant calls tools of an MCP server that it has never heard of (MCP 2026-07-28, RFC 9728, RFC 8707)."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from .approval import approve
from .client_id_metadata import document
from .exchange import Step, UnexpectedAnswer
from .refresh_token import refresh
from .walk import Flow, Held, Walk

VERSION = "2026-07-28"


def walk(to: Walk) -> Flow:
    to.chapter("Find out who gives tokens")
    to.tell("The user has typed one address into the assistant: that of the MCP server.")
    title = "The assistant asks what the server can do. Without a token it learns where to look."
    challenge = (yield call(to, title, "server/discover", expect=401)).headers["WWW-Authenticate"]
    to.check("error" not in challenge, "nothing is wrong: there was no token")
    title = "The refusal names a document about this resource …"
    resource = (yield to.request(title, "GET", named(challenge, "resource_metadata"))).json
    to.check(resource["resource"] == f"{to.url}/mcp", "it is about the address that the assistant asked")
    issuer = resource["authorization_servers"][0]
    only = ("issuer", "authorization_endpoint", "token_endpoint", "client_id_metadata_document_supported")
    title = "… and that names the server which gives tokens for it."
    about = (yield to.request(title, "GET", f"{issuer}/.well-known/oauth-authorization-server", only=only)).json
    to.check(about["issuer"] == issuer, "the answer names the very issuer that was asked")

    to.chapter("Get a token")
    client_id = (yield from document(to))["client_id"]
    ask = {"client_id": client_id, "resource": resource["resource"]}
    held = yield from approve(to, scope=named(challenge, "scope"), **ask)
    held = yield from use(to, held, ask)

    to.chapter("What is refused")
    title = "The token is for the MCP server alone: nothing else on this host takes it."
    answer = yield to.request(title, "GET", "/api/weather", token=held.token, expect=401)
    to.check(answer.json["error"] == "invalid_token", "the refusal says why")
    title = "Nor does the MCP server take a token that is for something else …"
    form = {"grant_type": "client_credentials", "resource": issuer}
    other = (yield to.request(title, "POST", "/oauth/token", client=True, form=form)).json["access_token"]
    answer = yield call(to, "… so no other server can use what it was given.", "tools/list", token=other, expect=401)
    to.check(answer.json["error"] == "invalid_token", "the refusal says why")


def use(to: Walk, held: Held, ask: dict[str, str]) -> Generator[Any, Any, Held]:
    """Call tools until the token allows too little, and get one that allows more; returns the last one."""
    to.chapter("Call a tool")
    answer = yield call(
        to, "The token opens the protected view. The server tells which tools it has.", "tools/list", token=held.token
    )
    to.check([tool["name"] for tool in answer.json["result"]["tools"]] == ["weather", "report"], "there are two")
    title = "A tool is called."
    answer = yield call(to, title, "tools/call", token=held.token, name="weather", arguments={})
    to.check("content" in answer.json["result"], "the sky is clear")

    if "weather:write" not in held.scopes:
        to.chapter("Ask for more")
        title, report = (
            "Another tool needs more than the user has allowed.",
            {"name": "report", "arguments": {"sky": "grey"}},
        )
        answer = yield call(to, title, "tools/call", token=held.token, expect=403, **report)
        wanted = named(answer.headers["WWW-Authenticate"], "scope")
        to.check("weather:write" in wanted.split(), "the refusal names all that it needs")
        held = yield from approve(to, scope=wanted, **ask)
        if {"weather:read", "weather:write"} <= set(held.scopes):
            answer = yield call(to, "The user has allowed it.", "tools/call", token=held.token, **report)
            to.check("content" in answer.json["result"], "the weather is reported")

    to.chapter("Go on without the user")
    title = "Later, the assistant asks for a new access token."
    answer = yield refresh(to, title, held.answer, client_id=held.client_id)
    may = "weather:read" in held.scopes
    yield call(to, "It opens the same.", "tools/list", token=answer.json["access_token"], expect=200 if may else 403)
    return Held(held.client_id, answer.json)


def call(to: Walk, title: str, method: str, *, token: str | None = None, expect: int = 200, **parameters: Any) -> Step:
    """Prepare a JSON-RPC request to the MCP server. It holds all that the server must know: there are no sessions."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientInfo": {"name": "weather-assistant", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**parameters, "_meta": meta}}
    step = to.request(title, "POST", "/mcp", token=token, json=message, expect=expect)
    step.headers |= {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": VERSION,
        "Mcp-Method": method,
    }
    if "name" in parameters:
        step.headers["Mcp-Name"] = parameters["name"]
    return step


def named(challenge: str, name: str) -> str:
    """Return a parameter of a challenge. Raises `UnexpectedAnswer` if it isn't there."""
    found = re.search(rf'\b{name}="([^"]*)"', challenge)
    if found is None:
        raise UnexpectedAnswer(f"the challenge has no {name}: {challenge}")
    return found[1]

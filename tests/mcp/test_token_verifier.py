"""`flask_oauth_gateway.mcp.TokenVerifier` and `gateway.asgi`, with MCP servers by the Python SDK and by FastMCP, over HTTP.

The authorization server is another process on the same database; both generations of the SDK are asked.
"""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from flask import Flask

from tests.support.app import bearer, gateway_of
from tests.support.ports import free_ports, wait_for
from tests.support.services import MCP_PYTHONS
from tests.support.serving import build_server, serving

ROOT = Path(__file__).parents[2]
NAMES = ("inside", "asked", "fastmcp", "asgi")
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whose", "arguments": {}}}
HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}


class Running(NamedTuple):
    app: Flask
    base: str

    def resource(self, name: str) -> str:
        return f"{self.base}/{name}/mcp"

    def token(self, name: str, **further: Any) -> str:
        issued = gateway_of(self.app).tokens.issue(
            "caller", **{"subject": "alice", "scope": "weather:read", "audience": self.resource(name)} | further
        )
        return str(issued["access_token"])

    def call(self, name: str, token: str | None) -> requests.Response:
        headers = HEADERS if token is None else HEADERS | bearer(token)
        return requests.post(self.resource(name), json=CALL, headers=headers)


@pytest.fixture(scope="module", params=sorted(MCP_PYTHONS))
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    database = f"sqlite:///{tmp_path_factory.mktemp('mcp') / 'tokens.db'}"
    (port,) = free_ports(1)
    base = f"http://127.0.0.1:{port}"
    resources = {f"/{name}/mcp": f"{base}/{name}/mcp" for name in NAMES}
    config = {"OAUTH_DATABASE_URI": database, "OAUTH_RESOURCES": resources, "TESTING": True}
    with serving(lambda url: build_server(url, **config)) as (url, app):
        clients = gateway_of(app).clients
        clients.create(client_id="caller", grant_types=["client_credentials"], scope=["weather:read", "weather:write"])
        asker = clients.create(grant_types=[], resource_server=True)
        line = [MCP_PYTHONS[request.param], Path(__file__).with_name("served.py"), str(port), database, url]
        process = subprocess.Popen(
            [*map(str, line), asker.client_id, str(asker.client_secret)], env=os.environ | {"PYTHONPATH": str(ROOT)}
        )
        try:
            wait_for(port, process)
            yield Running(app, base)
        finally:
            process.terminate()
            process.wait()


pytestmark = pytest.mark.mcp_sdks


@pytest.mark.parametrize("name", NAMES)
def test_a_tool_is_called_with_a_good_token_alone(running: Running, name: str) -> None:
    answer = running.call(name, running.token(name))
    assert answer.status_code == 200, answer.text
    told = answer.json()["result"]["structuredContent"]
    assert told.get("result", told) == {"client": "caller", "subject": "alice", "resource": running.resource(name)}
    for token in (None, "bad", "two words", running.token("asgi" if name != "asgi" else "asked")):
        assert running.call(name, token).status_code in (400, 401)


@pytest.mark.parametrize("name", NAMES)
def test_a_revoked_token_is_refused_at_once_and_one_without_the_scope_is_sent_for_more(
    running: Running, name: str
) -> None:
    token = running.token(name)
    assert running.call(name, token).status_code == 200
    gateway_of(running.app).tokens.revoke(token=token)
    refused = running.call(name, token)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer ")
    if name != "fastmcp":  # which asks for no scope here
        lacking = running.call(name, running.token(name, scope="weather:write"))
        assert lacking.status_code == 403
        assert 'error="insufficient_scope"' in lacking.headers["WWW-Authenticate"]


def test_many_calls_at_once_and_callers_that_hang_up_spoil_no_other(running: Running) -> None:
    good, bad = running.token("asgi"), running.token("inside")
    host, port = running.base.removeprefix("http://").split(":")
    left = []
    for _ in range(20):  # who says that more will come, and then goes
        left.append(socket.create_connection((host, int(port))))
        line = f"POST /asgi/mcp HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {good}\r\n"
        left[-1].sendall(f"{line}Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{{".encode())
    with ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(running.call, "asgi", each) for each in (good, bad, None) * 34]
        for each in left:
            each.close()
        assert [call.result().status_code for call in calls] == [200, 401, 401] * 34


def test_a_verifier_says_no_to_whatever_is_not_a_good_token_and_not_when_it_cannot_know(tmp_path: Path) -> None:
    (port,) = free_ports(1)  # where nobody listens
    line = [MCP_PYTHONS["2"], Path(__file__).with_name("verified.py"), f"sqlite:///{tmp_path / 'tokens.db'}"]
    told = subprocess.run(
        [*map(str, line), f"http://127.0.0.1:{port}/introspect"],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    said = json.loads(told.stdout)
    for form in ("opaque", "jwt"):
        assert said[form] == {
            "good": ["caller", ["weather:read"], "https://api.example/mcp", "alice"],
            "lacks a scope": None,
            "includes them": [
                "caller",
                ["weather", "weather:read", "weather:write"],
                "https://api.example/mcp",
                "alice",
            ],
            "a slash more": ["caller", ["weather:read"], "https://bare.example/", "alice"],
            "no audience": None,
            "strange": [None] * 7,
            "revoked": None,
            "scopes": [["weather:read", "weather:write"]] * 2,
        }
    assert [each and each[2] for each in said["asked"]] == ["https://bare.example", "https://bare.example/", None, None]
    unavailable = "unavailable: The issuer of the access token can't be asked at the moment."
    assert said["away"] == [unavailable, unavailable, None, None]
    assert said["refused"] == [
        "TypeError: TokenVerifier needs a gateway or an introspection_endpoint, and not both.",
        "TypeError: TokenVerifier needs a gateway or an introspection_endpoint, and not both.",
        "ValueError: The resource is the URL of the MCP server, as OAUTH_RESOURCES names it.",
        "TypeError: To ask an introspection_endpoint takes a client_id and a client_secret.",
        "ValueError: The introspection_endpoint is an https URL without user name and password; on loopback it may be http.",
        "TypeError: A scope or grant type is a name without spaces; 'two names' is not one.",
        "RuntimeError: This gateway is on no app yet: call init_app(app).",
    ]

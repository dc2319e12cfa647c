"""Programs that open a browser by themselves and wait on a port for the answer: FastMCP, mcp-remote, the MCP inspector.

And the conformance tool for authorization servers, which shows an address instead.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.mcp_clients import (
    NEW_NODE,
    NODE_MODULES,
    PATIENCE,
    REPORT,
    SCRIPTS,
    WAYS,
    WEATHER,
    Browser,
    Documents,
)
from tests.support.ports import free_port
from tests.support.services import MCP_PYTHONS
from tests.support.serving import Server, Walker


def run(command: list[str], browser: Browser, **environment: str) -> str:
    """Let a program run to its end; returns what it wrote."""
    done = subprocess.run(
        command,
        cwd=SCRIPTS,
        env=browser.environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def way(how: str, documents: Documents, callback: str) -> dict[str, Any]:
    """The URL of its document, for a program that may say where it has one."""
    if how == "registration":
        return {}
    return {"client_metadata_url": documents.put(redirect_uris=[callback])}


@pytest.mark.parametrize("how", WAYS)
def test_fastmcp(how: str, server: Server, documents: Documents, browser_of_alice: Browser) -> None:
    setup = json.dumps(way(how, documents, "http://localhost/callback"))
    said = run([str(MCP_PYTHONS["2"]), "python/fastmcp_client.py", f"{server.url}/mcp", setup], browser_of_alice)
    assert json.loads(said) == [WEATHER, REPORT]
    assert len(browser_of_alice.ended_at) == 2


def test_mcp_remote(server: Server, browser_of_alice: Browser) -> None:
    """It stands between a program that knows only standard input and output, and a server with OAuth."""
    port = free_port()
    command = ["node", str(NODE_MODULES / "mcp-remote" / "dist" / "proxy.js"), f"{server.url}/mcp", str(port)]
    proxy = subprocess.Popen(
        [*command, "--allow-http", "--transport", "http-only"],
        env=browser_of_alice.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    asked: list[dict[str, Any]] = [
        {"method": "initialize", "params": about},
        {"method": "tools/call", "params": {"name": "weather"}},
        {"method": "tools/call", "params": {"name": "report", "arguments": {"sky": "grey"}}},
    ]
    said = []
    with proxy:
        assert proxy.stdin is not None
        assert proxy.stdout is not None
        try:
            for number, request in enumerate(asked):
                proxy.stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, **request}) + "\n")
                proxy.stdin.flush()
                said.append(json.loads(proxy.stdout.readline())["result"])
        finally:
            proxy.kill()
    assert [each["content"][0]["text"] for each in said[1:]] == [WEATHER, REPORT]
    assert all(url.startswith(f"http://localhost:{port}/") for url in browser_of_alice.ended_at)


@pytest.mark.parametrize("how", WAYS)
def test_the_inspector(how: str, server: Server, documents: Documents, browser_of_alice: Browser) -> None:
    callback = f"http://127.0.0.1:{free_port()}/callback"
    command = [str(NEW_NODE), str(NODE_MODULES / "@modelcontextprotocol/inspector/clients/launcher/build/index.js")]
    command += ["--cli", f"{server.url}/mcp", "--transport", "http", "--callback-url", callback]
    for url in way(how, documents, callback).values():
        command += ["--client-metadata-url", url]
    command += ["--method", "tools/call", "--tool-name", "report", "--tool-arg", "sky=grey"]
    told = {"MCP_AUTO_OPEN_ENABLED": "true", "MCP_INSPECTOR_SECRET_STORE": "memory"}
    assert json.loads(run(command, browser_of_alice, **told))["content"][0]["text"] == REPORT


def test_the_conformance_tool(server: Server, alice: Walker, tmp_path: Path) -> None:
    port = free_port()
    registered = server.register(
        "authorization_code",
        redirect_uris=["http://127.0.0.1/callback"],
        token_endpoint_auth_method="none",
    )
    tool = subprocess.Popen(
        [
            str(NEW_NODE),
            str(NODE_MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"),
            "authorization",
            *("--url", server.url, "--resource", f"{server.url}/mcp", "--port", str(port)),
            *("--client-id", registered.client_id, "--output-dir", str(tmp_path)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    with tool:
        assert tool.stdout is not None
        said = ""
        for line in tool.stdout:
            said += line
            if line.startswith(server.authorize):
                assert "You can close this page" in alice.browse(line.strip()).text
    assert tool.returncode == 0, said
    checks = [each for path in tmp_path.rglob("checks.json") for each in json.loads(path.read_text())]
    assert len(checks) >= 2, said
    assert {each["status"] for each in checks} == {"SUCCESS"}, said

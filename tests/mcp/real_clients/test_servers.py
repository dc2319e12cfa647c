"""MCP servers by each SDK on ports of their own, behind the tokens of our server; clients of the other language call a tool."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.app import close_app
from tests.support.mcp_clients import PYTHON_1, PYTHON_2, SCRIPTS, TYPESCRIPT, Documents, build, tell, way
from tests.support.ports import free_ports, wait_for
from tests.support.services import MCP_PYTHONS
from tests.support.serving import Server, Walker, serving

#: The servers, by name: the command, what it is told, and the client that calls it.
SERVERS: dict[str, tuple[list[str], dict[str, Any], list[str], dict[str, Any]]] = {
    "TypeScript 1": (["node", "node/server.mjs"], {"sdk": 1}, PYTHON_1, {}),
    "TypeScript 2": (["node", "node/server.mjs"], {"sdk": 2}, PYTHON_2, {}),
    "Python 1": ([str(MCP_PYTHONS["1"]), "python/server.py"], {"by": "sdk"}, TYPESCRIPT, {"sdk": 1}),
    "Python 2": ([str(MCP_PYTHONS["2"]), "python/server.py"], {"by": "sdk"}, TYPESCRIPT, {"sdk": 2}),
    "FastMCP": ([str(MCP_PYTHONS["2"]), "python/server.py"], {"by": "fastmcp"}, TYPESCRIPT, {"sdk": 2}),
}


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return dict(zip(SERVERS, free_ports(len(SERVERS)), strict=True))


@pytest.fixture(scope="module")
def elsewhere(
    tmp_path_factory: pytest.TempPathFactory, documents: Documents, ports: dict[str, int]
) -> Iterator[Server]:
    """A server that gives tokens for resources which are on other ports than its own."""
    instance = str(tmp_path_factory.mktemp("elsewhere"))
    resources = {f"/{port}": f"http://127.0.0.1:{port}/mcp" for port in ports.values()}
    with serving(lambda url: build(url, instance_path=instance, OAUTH_RESOURCES=resources)) as (url, app):
        yield Server(url, app)
    close_app(app)


@pytest.mark.parametrize("name", SERVERS)
def test_a_tool_of_a_server_by_this_sdk(
    name: str, elsewhere: Server, documents: Documents, ports: dict[str, int], alice: Walker
) -> None:
    command, setup, client, about = SERVERS[name]
    asker = elsewhere.register(resource_server=True)
    told = {"port": ports[name], "issuer": elsewhere.url, "client_id": asker.client_id, **setup}
    program = subprocess.Popen([*command, json.dumps({**told, "client_secret": asker.client_secret})], cwd=SCRIPTS)
    with program:
        try:
            wait_for(ports[name], program)
            url = f"http://127.0.0.1:{ports[name]}/mcp"
            done = tell(client, alice, url=url, deeds=["weather", "expired"], **about, **way("document", documents))
        finally:
            program.terminate()
    sentence = f"The sky is clear, alice, who uses {done['client']['client_id']}."
    assert done["said"] == [sentence, sentence]
    assert done["asked"][0]["resource"] == url

"""The official SDKs, both generations in both languages, as a client of an MCP server that they have never heard of.

Each is told its address, and nothing else: who gives tokens, where to register, what to ask for, they find out. Then a token
allows too little, and then it is over.
"""

from __future__ import annotations

from typing import Any

import pytest

from flask_oauth_gateway.stores.registered_client import DOCUMENT, REGISTRATION
from tests.support.app import gateway_of
from tests.support.mcp_clients import (
    PYTHON_1,
    PYTHON_2,
    REPORT,
    TYPESCRIPT,
    WAYS,
    WEATHER,
    Documents,
    tell,
    way,
)
from tests.support.serving import Server, Walker

READ, BOTH = {"weather:read"}, {"weather:read", "weather:write"}
#: By name: the command, what it is told, and the version of the protocol that it then speaks, where it says so.
SDKS: dict[str, tuple[list[str], dict[str, Any], str | None]] = {
    "TypeScript 2": (TYPESCRIPT, {"sdk": 2}, "2025-11-25"),
    "TypeScript 2, without sessions": (
        TYPESCRIPT,
        {"sdk": 2, "options": {"versionNegotiation": {"mode": "auto"}}},
        "2026-07-28",
    ),
    "Python 1": (PYTHON_1, {}, None),
    "Python 2": (PYTHON_2, {}, "2026-07-28"),
}


def scopes(text: str) -> set[str]:
    """Those of the tools. The SDKs of 2026 ask for `offline_access` too, as the server's metadata name it."""
    return set(text.split()) - {"offline_access"}


def origin(server: Server, client: dict[str, Any]) -> str | None:
    with server.app.app_context():
        known = gateway_of(server.app).clients.get(client["client_id"])
    assert known is not None
    return known.origin


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("sdk", SDKS)
def test_a_stranger_calls_tools_gets_more_rights_and_new_tokens(
    sdk: str, how: str, server: Server, documents: Documents, alice: Walker
) -> None:
    command, setup, version = SDKS[sdk]
    deeds = ["weather", "report", "expired"]
    told = tell(command, alice, url=f"{server.url}/mcp", deeds=deeds, **setup, **way(how, documents))
    assert told["tools"] == ["weather", "report"]
    assert told["said"] == [WEATHER, REPORT, WEATHER]
    assert [scopes(each) for each in told["scopes"]] == [READ, BOTH, BOTH]
    assert [scopes(each["scope"]) for each in told["asked"]] == [READ, BOTH]
    assert {each["resource"] for each in told["asked"]} == {f"{server.url}/mcp"}
    assert told["version"] == version
    assert origin(server, told["client"]) == {"registration": REGISTRATION, "document": DOCUMENT}[how]


@pytest.mark.parametrize("how", WAYS)
def test_typescript_1_which_asks_for_more_only_where_it_can_t_refresh(
    how: str, server: Server, documents: Documents, alice: Walker
) -> None:
    """With a refresh token it answers a 403 with a refresh, which gives it nothing new."""
    setup: dict[str, Any] = {"sdk": 1, "url": f"{server.url}/mcp"}
    told = tell(TYPESCRIPT, alice, deeds=["weather", "expired"], **setup, **way(how, documents))
    assert (told["said"], len(told["asked"])) == ([WEATHER, WEATHER], 1)
    once = way(how, documents, grant_types=["authorization_code"])
    told = tell(TYPESCRIPT, alice, deeds=["weather", "report"], **setup, **once)
    assert told["said"] == [WEATHER, REPORT]
    assert [scopes(each) for each in told["scopes"]] == [READ, BOTH]

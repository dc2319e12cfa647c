"""An MCP server by an SDK gets a token's text alone, so that nobody's proof can be checked: bound tokens are refused there."""

import asyncio
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway.mcp import TokenVerifier
from tests.bound_tokens.places import Places
from tests.support.app import MakeApp, gateway_of
from tests.support.key_server import KeyServer, key_server

RESOURCE = "http://localhost/mcp"
CONFIRMATIONS: list[Any] = [{"jkt": "x"}, {"x5t#S256": "x"}, {"kid": "1"}, {}, "x"]


@pytest.fixture(autouse=True)
def sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one class that is taken from the SDK."""
    for name in ("mcp", "mcp.server", "mcp.server.auth", "mcp.server.auth.provider"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["mcp.server.auth.provider"].AccessToken = SimpleNamespace  # type: ignore[attr-defined]


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(
        OAUTH_DPOP=True, OAUTH_MTLS=True, OAUTH_MTLS_CERTIFICATE="nginx", OAUTH_RESOURCES={"/mcp": RESOURCE}
    )


def test_a_bound_token_is_refused_in_the_app_s_own_process(app: Flask) -> None:
    verifier = TokenVerifier(gateway_of(app), resource=RESOURCE)

    def checked(cnf: Any) -> Any:
        token = Places.mint(app, cnf, scopes=("weather:read",), audience=(RESOURCE,))
        return asyncio.run(verifier.verify_token(token))

    assert checked(None).subject == "alice"
    assert [checked(cnf) for cnf in CONFIRMATIONS] == [None] * len(CONFIRMATIONS)


def test_a_bound_token_is_refused_where_another_server_is_asked(server: KeyServer) -> None:
    verifier = TokenVerifier(
        introspection_endpoint=server.url, client_id="api", client_secret="its secret", resource=RESOURCE
    )

    def checked(**more: Any) -> Any:
        server.says = {"active": True, "aud": RESOURCE, "client_id": "shop", "token_type": "Bearer", **more}
        return asyncio.run(verifier.verify_token("opaque"))

    assert checked().client_id == "shop"
    assert [checked(cnf=cnf) for cnf in CONFIRMATIONS] == [None] * len(CONFIRMATIONS)
    assert checked(token_type="DPoP") is None

"""One of the Python SDKs, or FastMCP, as a client of an MCP server: `node/client.mjs` tells what it is told, and what it says."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

TOLD = json.loads(sys.argv[1])
IS_FIRST = version("mcp").startswith("1.")
OPENED: list[str] = []


def say(what: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


class Kept:
    """What the client keeps: its registration and its tokens."""

    def __init__(self) -> None:
        self.tokens: Any = None
        self.client: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        self.client = client_info


async def open_browser(url: str) -> None:
    OPENED.append(url)
    say({"open": url})


async def where_it_was_sent() -> Any:
    url = json.loads(await asyncio.to_thread(sys.stdin.readline))
    brought = dict(parse_qsl(urlsplit(url).query))
    if IS_FIRST:
        return brought["code"], brought.get("state")
    from mcp.shared.auth import AuthorizationCodeResult

    return AuthorizationCodeResult(code=brought["code"], state=brought.get("state"), iss=brought.get("iss"))


@asynccontextmanager
async def connected(provider: OAuthClientProvider) -> Any:
    """The client, connected."""
    if IS_FIRST:
        import httpx
        from mcp import ClientSession

        async with (
            httpx.AsyncClient(auth=provider, timeout=30) as http,
            streamable_http_client(TOLD["url"], http_client=http) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            yield session
    else:
        import httpx2
        from mcp.client import Client

        async with (
            httpx2.AsyncClient(auth=provider, timeout=30) as http,
            Client(streamable_http_client(TOLD["url"], http_client=http)) as client,
        ):
            yield client


async def main() -> dict[str, Any]:
    kept = Kept()
    provider = OAuthClientProvider(
        TOLD["url"],
        OAuthClientMetadata(**TOLD["metadata"]),
        kept,
        open_browser,
        where_it_was_sent,
        client_metadata_url=TOLD.get("client_metadata_url"),
    )
    done: dict[str, Any] = {"said": [], "scopes": []}

    async with connected(provider) as client:

        async def call(name: str, **given: Any) -> str:
            return str((await client.call_tool(name, given)).content[0].text)

        done["tools"] = [tool.name for tool in (await client.list_tools()).tools]
        for deed in TOLD["deeds"]:
            if deed == "expired":
                provider.context.token_expiry_time = 1  # long ago
            # A report needs more than the first token allows.
            done["said"].append(await (call("report", sky="grey") if deed == "report" else call("weather")))
            done["scopes"].append(kept.tokens.scope)
        done["client"] = json.loads(kept.client.model_dump_json(exclude_none=True))
        done["version"] = getattr(client, "protocol_version", None)
    done["asked"] = [dict(parse_qsl(urlsplit(url).query)) for url in OPENED]
    return done


say({"done": asyncio.run(main())})

"""FastMCP's own client, as its users write it: it opens a browser, and calls a tool. Its argument, JSON, is its `OAuth(...)`."""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.auth import OAuth


async def main() -> None:
    said = []
    async with Client(sys.argv[1], auth=OAuth(**json.loads(sys.argv[2]))) as client:
        for name, given in (("weather", {}), ("report", {"sky": "grey"})):
            said.append((await client.call_tool(name, given)).content[0].text)
    sys.stdout.write(json.dumps(said))


asyncio.run(main())

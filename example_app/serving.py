"""Makes the demo's server: an app that knows its own address, with its clients, ready to be served."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

from . import create_app, mcp
from .clients import connect
from .seed import seed

HOST = "127.0.0.1"  # never any other address: the pages print the users' passwords


def make(port: int, *, instance_path: str | None = None, **config: Any) -> tuple[BaseWSGIServer, Flask, dict[str, str]]:
    """Listen on a port (0: any free one); returns the server, its app, and the clients' secrets by client_id.

    The port comes first, and the app is made for it: its issuer names it, and so do the addresses of its clients. Each request
    has a thread, as the clients of this demo call the server over HTTP while it answers their own users.
    """
    server = make_server(HOST, port, Flask(__name__), threaded=True)
    url = f"http://{HOST}:{server.server_port}"
    settings = {
        "OAUTH_ISSUER": url,
        "OAUTH_RESOURCES": {mcp.PATH: url + mcp.PATH},
    }  # the MCP server takes its own tokens alone
    app = create_app(settings | config, instance_path=instance_path)
    secrets = seed(app)
    connect(app, url, secrets)
    server.app = app
    return server, app, secrets

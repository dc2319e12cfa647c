"""The common parts of the client apps' pages."""

from __future__ import annotations

import secrets
from pathlib import Path

from flask import Flask, Response

FOLDER = Path(__file__).parent.parent

#: Allows only our own style sheet, and no frame around the page.
POLICY = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"


def make_client_app(name: str, path: str) -> Flask:
    """Make an app with the demo's style at `path`; its session is its own, and ends with this process."""
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
    """Forbid scripts, frames and cached copies of the page, and keep its address from other sites."""
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.mimetype == "text/html":
        response.headers["Cache-Control"] = "no-store"
    return response

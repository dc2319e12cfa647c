"""Flask alone: a JSON view, and one that parses a form and answers JSON. Nothing in Flask can be faster."""

from __future__ import annotations

from flask import Flask, request

from . import raw


def make_app() -> Flask:
    app = Flask("bare")
    app.secret_key = "bench"  # every real app has one: with it Flask opens a session at each request

    @app.get("/api")
    def api() -> dict[str, str]:
        return {"sky": "clear"}

    @app.post("/form")
    def form() -> dict[str, str]:
        return {"grant": request.form["grant_type"]}

    return app


def prepare() -> None:
    """Do nothing: this contestant needs no preparation."""


def seed(work: str, number: int) -> list[bytes]:
    if work == "token":
        return [raw("POST", "/form", None, {"grant_type": "client_credentials", "scope": "read"})]
    return [raw("GET", "/api")]

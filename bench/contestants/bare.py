"""Flask alone: a JSON view, and one that parses a form and answers JSON. Nothing in Flask can be faster.

With the option `db` there is Flask-SQLAlchemy too, and the view asks the database something: what an app holds in memory anyway.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from flask import Flask, request

from . import options, raw


def make_app() -> Flask:
    app = Flask("bare")
    app.secret_key = "bench"  # every real app has one: with it Flask opens a session at each request

    ask = _database(app) if "db" in options() else lambda: None

    @app.get("/api")
    def api() -> dict[str, str]:
        ask()
        return {"sky": "clear"}

    @app.post("/form")
    def form() -> dict[str, str]:
        return {"grant": request.form["grant_type"]}

    return app


def _database(app: Flask) -> Callable[[], object]:
    from flask_sqlalchemy import SQLAlchemy
    from sqlalchemy import text

    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["BENCH_DATABASE"]
    db = SQLAlchemy(app)
    return lambda: db.session.execute(text("SELECT 1")).scalar()


def prepare() -> None:
    """Do nothing: this contestant needs no preparation."""


def seed(work: str, number: int) -> list[bytes]:
    if work == "token":
        return [raw("POST", "/form", None, {"grant_type": "client_credentials", "scope": "read"})]
    return [raw("GET", "/api")]

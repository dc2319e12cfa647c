"""Client programs. They aren't part of the server: they only know its address and their client_id.

Each is an app of its own, with its own session. They are mounted in the demo, so that one command runs everything.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from .. import playground
from . import assistant, tv, web_app


def mount(app: Flask) -> None:
    """Mount the client apps at their paths."""
    clients = {
        "/assistant": assistant.make_app(),
        "/client": web_app.make_app(),
        "/playground": playground.make_app(app),
        "/tv": tv.make_app(),
    }
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, clients)  # type: ignore[method-assign]
    app.extensions["example_clients"] = clients


def connect(app: Flask, url: str, secrets: dict[str, str]) -> None:
    """Tell the client apps where the server is, and what they need to authenticate."""
    server = url + str(app.config.get("OAUTH_URL_PREFIX", "/oauth"))
    clients = app.extensions["example_clients"]
    for each in (app, *clients.values()):  # cookies ignore ports: a second server has its own sessions in a browser
        each.config["SESSION_COOKIE_NAME"] += f"_{urlsplit(url).port}"
    web_app.connect(clients["/client"], url, secrets[web_app.CLIENT_ID])
    tv.connect(clients["/tv"], url, server)
    playground.connect(clients["/playground"], url, secrets)

"""The playground: people who don't know OAuth walk through a flow in their browser, one request at a time.

It runs the same generators as `python -m example_app.flows`, against this server. All requests and answers are real.

- `catalogue.py`: the flows to choose from
- `run.py`: one user's walk through a flow
- `views.py`: the pages, and the actions of their buttons
- `show.py`: prepares requests, answers and fields for the templates
- `fields.py`: the meaning of each field
- `told.py`: what the back channel says
- `diagram.py`: the sequence diagram; `plans.py` writes what is still to come into `plans.json`
- `breaking.py`: breaks requests on purpose, in the ways of `mistakes.py`; `inside.py` says why the server refused them
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from ..clients.frame import make_client_app
from . import views
from .inside import Inside
from .run import Runs
from .told import Told


def make_app(server: Flask) -> Flask:
    """Make the app. As the other clients do, it has its own session, and is mounted in the demo, its server."""
    app = make_client_app("playground", "/playground")
    app.extensions.update(runs=Runs(), told=Told(), inside=Inside())
    app.extensions["inside"].watch(server)
    app.register_blueprint(views.blueprint)
    return app


def connect(app: Flask, url: str, secrets: Mapping[str, str]) -> None:
    """Tell the app where the server is, and the secrets of the clients that it plays.

    As the other clients do, it sends its requests over HTTP, to the address at which it is served itself. A server that
    answers one request at a time would wait for itself: so `python -m example_app` has a thread for each request.
    """
    app.config.update(URL=url, SECRETS=dict(secrets))

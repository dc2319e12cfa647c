"""The playground: somebody who doesn't know OAuth walks a flow in their browser, one request at a time, against this server.

It walks the same generators as `python -m example_app.flows`. What is asked and answered is real.

- `catalogue.py`: the flows to choose from
- `run.py`: somebody's way through a flow
- `views.py`: the pages, and what their buttons do
- `show.py`: a request, an answer and a field of theirs, for the eye
- `fields.py`: what each field means
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from ..clients.frame import make_client_app
from . import views
from .run import Runs


def make_app() -> Flask:
    """A client app like the others: of its own, with its own session, under a path of the demo."""
    app = make_client_app("playground", "/playground")
    app.extensions["runs"] = Runs()
    app.register_blueprint(views.blueprint)
    return app


def connect(app: Flask, url: str, secrets: Mapping[str, str]) -> None:
    """Tell it where the server is, and the secrets of the clients that it plays.

    As the other clients do, it sends its requests over HTTP to the address that they are all served at. A server that
    answers one request at a time would wait for itself there: `python -m example_app` has a thread for each.
    """
    app.config.update(URL=url, SECRETS=dict(secrets))

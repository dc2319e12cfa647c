"""Public documents: built once and answered from memory. Any cache may keep them, and any script may read them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Response, request

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response as BaseResponse

CACHE_SECONDS = 300  # less than a key is published before it signs
MAX_DOCUMENTS = 100


class Document(NamedTuple):
    """A JSON document as it is sent."""

    body: bytes
    etag: str


def publish_at(app: Flask, places: list[dict[str, Any]], rule: str, endpoint: str, view: Callable[..., Any]) -> None:
    """Route a public document outside of the gateway's prefix, and the preflight for it. `places`: see `web/place.py`.

    `endpoint` begins with the blueprint's name, so that the blueprint answers errors and hides it from other documents.
    """
    views = ((endpoint, view, "GET"), (f"{endpoint}_preflight", preflight, "OPTIONS"))
    for name, new, method in views:
        answer = app.view_functions.get(name, new)
        for place in places:
            app.add_url_rule(rule, name, answer, methods=[method], provide_automatic_options=False, **place)


def preflight(**_: str) -> Response:
    """Let any script ask for a public document, with whatever headers it sends (Fetch standard)."""
    response = Response(status=204)
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = (
        "*, Authorization, MCP-Protocol-Version"  # "*" holds no Authorization
    )
    response.headers["Access-Control-Max-Age"] = "3600"
    return response


class Documents:
    """The documents of one app."""

    def __init__(self) -> None:
        self._documents: dict[tuple[str, ...], Document] = {}

    def publish(self, name: tuple[str, ...], build: Callable[[], dict[str, Any]]) -> BaseResponse:
        """The document of this name, or 304 where the caller has it. The name holds all that `build`'s result depends on."""
        document = self._documents.get(name)
        if document is None:
            body = json.dumps(build(), separators=(",", ":")).encode()
            document = Document(body, hashlib.sha256(body).hexdigest()[:32])
            if len(self._documents) >= MAX_DOCUMENTS:  # in debug the request's host is part of a name
                self._documents.clear()
            self._documents[name] = document
        response = Response(document.body, mimetype="application/json")
        response.headers["Cache-Control"] = f"public, max-age={CACHE_SECONDS}"
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.set_etag(document.etag)
        return response.make_conditional(request)

"""Public documents: built once, and answered from memory; any cache may keep them, and any script read them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response, request

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from ..resource_server import Checker

CACHE_SECONDS = 300  # less than a key is published before it signs
MAX_DOCUMENTS = 100


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON document as it is sent."""

    body: bytes
    etag: str


def publish(state: Checker, name: tuple[str, ...], build: Callable[[], dict[str, Any]]) -> BaseResponse:
    """The document of this name, which says all that `build` goes by; 304 where the caller has it."""
    document = state.documents.get(name)
    if document is None:
        body = json.dumps(build(), separators=(",", ":")).encode()
        document = Document(body, hashlib.sha256(body).hexdigest()[:32])
        if len(state.documents) >= MAX_DOCUMENTS:  # in debug the request's host is part of a name
            state.documents.clear()
        state.documents[name] = document
    response = Response(document.body, mimetype="application/json")
    response.headers["Cache-Control"] = f"public, max-age={CACHE_SECONDS}"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.set_etag(document.etag)
    return response.make_conditional(request)

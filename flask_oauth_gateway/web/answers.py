"""Makes JSON answers, also of errors; and views that answer for one server."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial, update_wrapper
from typing import Any, NamedTuple

from flask import Response, has_request_context, request

from ..errors import OAuth2Error, clean
from .environ import NOTED
from .logs import refused

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


def bound(view: Callable[..., Any], *parts: Any) -> Callable[..., Any]:
    """A view with its first arguments given. It keeps its name, by which other extensions know a view."""
    return update_wrapper(partial(view, *parts), view)


def json_response(status: int, body: dict[str, Any], headers: list[tuple[str, str]] | None = None) -> Response:
    """A JSON answer that no cache keeps."""
    response = Response(_encode(body).encode(), status, content_type="application/json")
    response.headers.extend([*NO_STORE, *(headers or ())])
    return response


def render_error(error: OAuth2Error) -> Response:
    """An error as a response, with a line in the log, and a note in the request's environ for `flask oauth explain`."""
    if has_request_context():
        note(error)
        refused(error, request.environ)
    return error_response(error)


def error_response(error: OAuth2Error) -> Response:
    """An error as JSON: `{"error", "error_description"}`, with the status and headers of its RFC."""
    headers = error.extra_headers() if hasattr(error, "extra_headers") else []
    body = {"error": error.error, "error_description": error.description or clean(error.get_error_description())}
    return json_response(error.status_code, body, headers)


class Noted(NamedTuple):
    """The parts of an answered error that are kept. The error itself is not kept: its traceback holds the whole request."""

    error: str
    description: str
    reason: str
    needed: str


def noted(error: Any) -> Noted:
    """The parts of an error that an operator needs."""
    needed = getattr(error, "needed", "")
    return Noted(error.error or "error", error.description or "", getattr(error, "reason", ""), needed)


def note(error: Any) -> None:
    """Note in the request's environ the error with which it is answered."""
    request.environ[NOTED] = noted(error)

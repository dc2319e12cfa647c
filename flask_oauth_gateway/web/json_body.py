"""Reads a request's body that is a JSON object."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from ..errors import RequestTooLarge

if TYPE_CHECKING:
    from ..errors import OAuth2Error


def read_object(most: int, wrong: Callable[[str], OAuth2Error]) -> dict[str, Any]:
    """The JSON object of the current request, of at most `most` bytes. Raises `RequestTooLarge`, or what `wrong` makes."""
    request.max_content_length = most + 1
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise RequestTooLarge from None
    if len(raw) > most:
        raise RequestTooLarge
    if request.mimetype != "application/json":
        raise wrong("The body must be application/json.")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise wrong("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise wrong("The body must be a JSON object.")
    return found

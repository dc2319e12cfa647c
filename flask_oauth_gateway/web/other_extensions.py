"""What other extensions of the app are to know of the gateway's views, so that nobody has to tell them."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from flask import request

from .first_request import at_first_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint, Flask, Response
    from werkzeug.exceptions import HTTPException

RETRY_SECONDS = 60  # where nobody says when a limit is free again


def exempt_from_csrf(app: Flask, blueprint: Blueprint) -> None:
    """Take the gateway's endpoints out of Flask-WTF's `CSRFProtect`, whichever of both comes first to the app.

    Clients have no session that somebody else could use, and the pages' forms have a token of their own.
    """

    def exempt() -> None:
        flask_wtf = sys.modules.get("flask_wtf.csrf")
        protection = app.extensions.get("csrf")
        if flask_wtf is not None and isinstance(protection, flask_wtf.CSRFProtect):
            protection.exempt(blueprint)

    exempt()
    at_first_request(app, exempt)  # `CSRFProtect` that comes later has its function after this one


def keep_page_headers(view: Callable[..., Any]) -> None:
    """Let Flask-Talisman leave a page's own policy and frame options as they are; its other headers stay."""
    view.talisman_view_options = {"content_security_policy": None, "frame_options": None}  # type: ignore[attr-defined]


def has_flask_cors(app: Flask, response: Response) -> bool:
    """Whether Flask-CORS decides which origins may read an answer: for the app, the view's blueprint or the view."""
    names = (None, *request.blueprints)
    functions = (each for name in names for each in app.after_request_funcs.get(name, ()))
    on_view = getattr(response, "_FLASK_CORS_EVALUATED", False)  # its decorator's mark
    return bool(on_view) or any((each.__module__ or "").startswith("flask_cors.") for each in functions)


def seconds_to_wait(app: Flask, error: HTTPException) -> int:
    """After how many seconds a request that was one too many (429) may be tried again: by Flask-Limiter, or as the error says."""
    said = dict(error.get_headers()).get("Retry-After", "")
    if said.isdecimal():
        return int(said)
    if type(error).__module__.startswith("flask_limiter."):
        limits = [limiter.current_limit for limiter in app.extensions["limiter"]]
        free_at = [limit.reset_at for limit in limits if limit is not None and limit.breached]
        return max(1, *(int(each - time.time()) for each in free_at)) if free_at else RETRY_SECONDS
    return RETRY_SECONDS

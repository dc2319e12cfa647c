"""Does something once, when an app's first request comes: by then every view and hook is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask


def at_first_request(app: Flask, look: Callable[[], None]) -> None:
    """Call a function at the first request, and never again once it has returned. While it raises, every request does."""

    def once() -> None:
        look()
        # A new list: Flask is just going through the old one, and would leave out the function after this one.
        app.before_request_funcs[None] = [each for each in app.before_request_funcs[None] if each is not once]

    app.before_request(once)

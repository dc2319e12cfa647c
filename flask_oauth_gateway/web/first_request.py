"""Does something once, when an app's first request comes: by then every view and hook is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..locks import Lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

_looking = Lock(reentrant=True)  # one for all, as each makes the list anew


def at_first_request(app: Flask, look: Callable[[], None]) -> None:
    """Call a function at the next request, and never again once it has returned. While it raises, every request does."""

    done = False

    def once() -> None:
        nonlocal done
        with _looking:  # threads may have a first request each
            if not done:
                look()
                done = True
            # A new list: Flask is just going through the old one, and would leave out the function after this one.
            app.before_request_funcs[None] = [each for each in app.before_request_funcs[None] if each is not once]

    app.before_request_funcs.setdefault(None, []).append(once)  # Flask's own method fails in a process forked later

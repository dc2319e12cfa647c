"""Finds views that are open because `@require_token` stands above the route: the route has registered the bare function."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .require_token import REQUIREMENT, WRAPPED, requirements_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask


class ViewIsOpen(RuntimeError):
    """A view that was to ask for a token is registered without that."""


def check_at_first_request(app: Flask) -> None:
    """Look at all views once, when the first request comes: by then all are there.

    Where one is open by mistake, every request raises `ViewIsOpen`: an app that was to be closed is not served.
    """

    def check() -> None:
        for endpoint in open_by_mistake(app):
            raise ViewIsOpen(
                f"The view {endpoint!r} is open: @require_token stands above the route, which has registered the view"
                " without it. The route comes first:\n\n"
                f'    @app.get("/…")\n    @require_token(…)\n    def {endpoint.rpartition(".")[2]}(): …\n'
            )
        with suppress(ValueError):  # another thread has taken it away
            app.before_request_funcs[None].remove(check)

    app.before_request(check)


def open_by_mistake(app: Flask) -> Iterator[str]:
    """The endpoints whose function `@require_token` wraps, where that wrapper is nowhere registered."""
    layers = {endpoint: list(_layers(view)) for endpoint, view in app.view_functions.items()}
    closed = [layer for each in layers.values() if any(hasattr(one, REQUIREMENT) for one in each) for layer in each]
    for endpoint, each in layers.items():
        bare = [layer for layer in each if getattr(layer, WRAPPED, None) is True]
        is_meant_so = any(layer is one for layer in bare for one in closed)
        if bare and not is_meant_so and next(requirements_of(app, endpoint, "GET"), None) is None:
            yield endpoint


def _layers(view: Any) -> Iterator[Any]:
    while view is not None:
        yield view
        view = getattr(view, "__wrapped__", None)

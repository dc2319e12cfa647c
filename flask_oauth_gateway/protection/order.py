"""Finds views that `@require_token` doesn't guard because it stands above the route, which has registered the bare function."""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

from ..web.first_request import at_first_request
from .require_token import WRAPPED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

_apps: weakref.WeakSet[Flask] = weakref.WeakSet()


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

    _apps.add(app)
    at_first_request(app, check)


def open_by_mistake(app: Flask) -> Iterator[str]:
    """The endpoints whose function `@require_token` wraps, where that wrapper is registered in no app."""
    for endpoint, view in app.view_functions.items():
        for kept in getattr(view, WRAPPED, ()):
            wrapper = kept()
            is_of_this_view = wrapper is not None and getattr(wrapper, "__wrapped__", None) is view
            if is_of_this_view and _is_its_name(view, wrapper) and not _is_registered(wrapper):
                yield endpoint


def _is_its_name(view: Any, wrapper: Any) -> bool:
    """Whether the wrapper has taken the function's name in its module, as a decorator does; of a local one nobody knows."""
    if "<locals>" in getattr(view, "__qualname__", ""):
        return True
    return getattr(sys.modules.get(view.__module__), view.__name__, None) is wrapper


def _is_registered(wrapper: Any) -> bool:
    return any(
        layer is wrapper for app in list(_apps) for view in app.view_functions.values() for layer in _layers(view)
    )


def _layers(view: Any) -> Iterator[Any]:
    while view is not None:
        yield view
        view = getattr(view, "__wrapped__", None)

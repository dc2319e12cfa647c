"""What an operation of the app asks for altogether: by `OAUTH_PROTECT`, for its blueprints and at its view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from .require_token import requirements_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from .guard import Requirement
    from .paths import PathRules


def requirements_at(
    app: Flask, rules: PathRules | None, own: frozenset[str], endpoint: str, method: str, path: str
) -> Iterator[Requirement]:
    """All requirements that a request has to meet. The `rules` don't apply to the gateway's `own` endpoints."""
    if rules is not None and endpoint not in own:
        entry = rules.find(method, path)
        if entry is not None and entry.requirement is not None:
            yield entry.requirement
    for _, wanted in requirements_of(app, endpoint, method):
        yield wanted


def requirements_here(app: Flask, rules: PathRules | None, own: frozenset[str]) -> tuple[Requirement, ...]:
    """Those of the operation that is asked for."""
    if request.endpoint is None:
        return ()
    return tuple(requirements_at(app, rules, own, request.endpoint, request.method, request.path))

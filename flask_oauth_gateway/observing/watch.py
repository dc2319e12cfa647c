"""Watches the endpoints and the checks of tokens, for metrics and traces. It is not loaded where both are off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Protocol

from flask import Response, current_app, request
from werkzeug.exceptions import HTTPException

from ..errors import OAuth2Error
from ..protection.guard import Guard, Requirement
from ..web.environ import CHECKED_BY, CLIENT, NOTED, PAGE_ERROR, REFUSED, TOKEN

if TYPE_CHECKING:
    from flask import Flask

CHECK = "check"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a piece of work ended: the answer's status (200 for an accepted token), the error's code, and the client."""

    status: int
    error: str | None = None
    client_id: str | None = None


class Observer(Protocol):
    """Observes each piece of work, named by its endpoint or `CHECK`. `end` gets back what `begin` returned."""

    def begin(self, what: str) -> Any: ...

    def end(self, begun: Any, what: str, outcome: Outcome) -> None: ...


def watch(app: Flask, guard: Guard, observers: Sequence[Observer], endpoints: Iterable[str]) -> None:
    """Put the observers around the views of these endpoints, where they are routed, and around each check of a token."""
    views = app.view_functions
    for name in endpoints:
        if f"oauth.{name}" in views:
            views[f"oauth.{name}"] = _watched(observers, name, views[f"oauth.{name}"])
    guard.watch = partial(_watched_check, observers, guard)


def _watched(observers: Sequence[Observer], name: str, view: Callable[..., Any]) -> Callable[..., Response]:
    @wraps(view)
    def watched(**arguments: Any) -> Response:
        begun = [(each, each.begin(name)) for each in observers]
        status: int = 500
        error: str | None = "server_error"
        try:
            response = current_app.make_response(view(**arguments))
        except OAuth2Error as refusal:
            status, error = refusal.status_code, refusal.error
            raise
        except HTTPException as refusal:
            status = refusal.code or 500
            error = "invalid_request" if status < 500 else error
            raise
        else:
            status, error = response.status_code, _error_of(response)
            return response
        finally:
            client = request.environ.get(CLIENT)
            outcome = Outcome(status, error, None if client is None else client.client_id)
            for each, at in reversed(begun):
                each.end(at, name, outcome)

    return watched


def _error_of(response: Response) -> str | None:
    """The error in an answer: in its JSON, on its page, or in what the browser brings to the client."""
    if response.status_code >= 400:
        if PAGE_ERROR in request.environ:
            return "shown_to_user"
        refusal = request.environ.get(REFUSED)
        return "invalid_request" if refusal is None else str(refusal)
    noted = request.environ.get(NOTED)
    return None if noted is None else str(noted.error)


def _watched_check(observers: Sequence[Observer], guard: Guard, requirement: Requirement) -> Response | None:
    environ = request.environ
    asked_twice = environ.get(CHECKED_BY) is guard
    if asked_twice and requirement.only_scopes and requirement.scopes <= environ[TOKEN].scopes:
        return guard.check(requirement)  # the token was looked up and counted before
    begun = [(each, each.begin(CHECK)) for each in observers]
    outcome = Outcome(500, "server_error")
    try:
        response = guard.check(requirement)
        token = environ.get(TOKEN)
        error = None if response is None else str(environ[REFUSED])
        status = 200 if response is None else response.status_code
        outcome = Outcome(status, error, None if token is None else token.client_id)
        return response
    finally:
        for each, at in reversed(begun):
            each.end(at, CHECK, outcome)

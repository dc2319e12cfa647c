"""Proves that a form was shown to the user who sends it, by a signed value for the session, the user and the page."""

from __future__ import annotations

import secrets
from typing import Any

from flask import current_app, session
from itsdangerous import BadData, URLSafeTimedSerializer

from ..config.checks import ConfigurationError

SESSION_KEY = "oauth_forms"
MAX_AGE = 3600


def new_form_token(*bound_to: str | None, carries: str = "") -> str:
    """A value for a form's hidden field. `bound_to`: the user, the page, and what else must be the same when it is sent.

    `carries`: what was settled when the page was shown, for `carried_by`. Raises `ConfigurationError` where the app has
    no `SECRET_KEY`.
    """
    serializer = _serializer()  # first of all: without a key there is no session to write to
    if SESSION_KEY not in session:
        session[SESSION_KEY] = secrets.token_urlsafe(16)
    return str(serializer.dumps([session[SESSION_KEY], *bound_to, carries]))


def is_form_token(value: str | None, *bound_to: str | None) -> bool:
    """Whether a form was shown in this session, within the last hour, for the same user and page."""
    return carried_by(value, *bound_to) is not None


def carried_by(value: str | None, *bound_to: str | None) -> str | None:
    """What a form's token carries; `None` where it wasn't shown in this session, within the last hour, for this user."""
    if value is None or SESSION_KEY not in session:
        return None
    try:
        *bound, carries = _serializer().loads(value, max_age=MAX_AGE)
    except (BadData, TypeError, ValueError):
        return None
    return str(carries) if bound == [session[SESSION_KEY], *bound_to] else None


def need_secret_key() -> str | bytes:
    """The app's `SECRET_KEY`. Raises `ConfigurationError` where the app has none, and so no sessions."""
    if not current_app.secret_key:
        raise ConfigurationError(
            "SECRET_KEY", None, "a long random text: the pages' forms and sessions are signed with it"
        )
    return current_app.secret_key


def _serializer() -> Any:
    return URLSafeTimedSerializer(need_secret_key(), salt="oauth form")

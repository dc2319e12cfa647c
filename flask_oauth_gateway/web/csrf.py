"""Proves that a form was shown to the user who sends it, by a signed value for the session, the user and the page."""

from __future__ import annotations

import secrets
from typing import Any

from flask import current_app, session
from itsdangerous import BadData, URLSafeTimedSerializer

from ..config.checks import ConfigurationError

SESSION_KEY = "oauth_forms"
MAX_AGE = 3600


def new_form_token(*bound_to: str | None) -> str:
    """A value for a form's hidden field. `bound_to`: the user, the page, and what else must be the same when it is sent.

    Raises `ConfigurationError` where the app has no `SECRET_KEY`.
    """
    serializer = _serializer()  # first of all: without a key there is no session to write to
    if SESSION_KEY not in session:
        session[SESSION_KEY] = secrets.token_urlsafe(16)
    return str(serializer.dumps([session[SESSION_KEY], *bound_to]))


def is_form_token(value: str | None, *bound_to: str | None) -> bool:
    """Whether a form was shown in this session, within the last hour, for the same user and page."""
    if value is None or SESSION_KEY not in session:
        return False
    try:
        return bool(_serializer().loads(value, max_age=MAX_AGE) == [session[SESSION_KEY], *bound_to])
    except BadData:
        return False


def need_secret_key() -> str | bytes:
    """The app's `SECRET_KEY`. Raises `ConfigurationError` where the app has none, and so no sessions."""
    if not current_app.secret_key:
        raise ConfigurationError(
            "SECRET_KEY", None, "a long random text: the pages' forms and sessions are signed with it"
        )
    return current_app.secret_key


def _serializer() -> Any:
    return URLSafeTimedSerializer(need_secret_key(), salt="oauth form")

"""The pages that people see: plain HTML from templates that the app may override, under a strict policy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Response, render_template

from .hooks import subject_of
from .translations import language, translate

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action "
)
DAY = 86400


def render_page(
    template: str, status: int = 200, *, sends_to: str | None = None, user: Any = None, **context: Any
) -> Response:
    """A page of `templates/oauth/`, or the app's own of the same name.

    `sends_to` is where its form may end up beside this site: a browser holds `form-action` against redirects too.
    """
    page = render_template(
        f"oauth/{template}",
        _=translate,
        language=language,
        date=date,
        how_long=how_long,
        user=user,
        user_name=None if user is None else name_of(user),
        **context,
    )
    response = Response(page, status, mimetype="text/html")
    response.headers.update(
        {
            "Content-Security-Policy": POLICY + " ".join(["'self'", *_form_targets(sends_to)]),
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
    )
    return response


def error_page(status: int, error: str, description: str) -> Response:
    """What a user sees where nothing can be redirected anywhere."""
    return render_page("error.html", status, error=error, description=description)


def name_of(user: Any) -> str:
    """What to call a user: the first of `name`, `username`, `email` that is there, else the subject."""
    for attribute in ("name", "username", "email"):
        value = getattr(user, attribute, None)
        if isinstance(value, str) and value:
            return value
    return subject_of(user)


def date(seconds: int) -> str:
    """A day, as everybody reads it: 2026-11-21."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def how_long(duration: str | int) -> str:
    """An entry of `OAUTH_CONSENT_DURATIONS` in words."""
    if duration == "once":
        return translate("This time only")
    if duration == "always":
        return translate("Until I take it back")
    days = int(duration) // DAY
    return translate("%(days)s days", days=days) if days else translate("%(hours)s hours", hours=int(duration) // 3600)


def _form_targets(uri: str | None) -> list[str]:
    """The scheme that a client's redirect URI has: its own site may well redirect on to another host."""
    if uri is None:
        return []
    parts = urlsplit(uri)
    return [f"http://{parts.hostname}:*"] if parts.scheme == "http" else [f"{parts.scheme}:"]

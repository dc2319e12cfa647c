"""Translates the pages' texts into the user's language by Flask-Babel; they stay English where the app doesn't have it.

A catalog of this domain in the app's own translation folders comes first: it may reword our texts, or add a language.
"""

from __future__ import annotations

import gettext
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, cast

from flask import current_app
from markupsafe import Markup

from ..languages import catalog_of, first_known, is_known

APART, TOGETHER = "\u2068", "\u2069"  # what stands between has a direction of its own (UAX 9)
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def translate(text: str, **values: Any) -> str:
    """A text in the language that the app chose for this request; `%(name)s` filled in."""
    found = _catalog().gettext(text) if text else ""  # to gettext, the empty text is the catalog's header
    if values and direction() == "rtl":
        values = {name: _apart(value) for name, value in values.items()}
    return found % values if values else found


def translate_plural(one: str, many: str, number: int) -> str:
    """A text with a number, in the plural form that the language has for this number; `%(num)s` filled in."""
    return _catalog().ngettext(one, many, number) % {"num": number}


def translate_own(text: str) -> str:
    """A text of the app, such as a scope's description, translated by the app's own catalog where that has it."""
    if not text or not _has_babel():
        return text
    from flask_babel import gettext as gettext_of_the_app

    return str(gettext_of_the_app(text))


def language() -> str:
    """The language of the page, for `<html lang>`."""
    locale = _locale()
    return "en" if locale is None else str(locale).replace("_", "-")


def direction() -> str:
    """In which direction the page is written, for `<html dir>`: `ltr` or `rtl`."""
    locale = _locale()
    return "ltr" if locale is None else str(locale.text_direction)


def date(seconds: int) -> str:
    """A day in words, such as November 21, 2026; `seconds` since 1970."""
    day = datetime.fromtimestamp(seconds, UTC)
    if not _has_babel():
        return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"
    from babel.dates import format_date
    from flask_babel import to_user_timezone

    return str(format_date(to_user_timezone(day), "long", locale=_locale() or "en"))


def in_language(wanted: tuple[str, ...]) -> AbstractContextManager[Any]:
    """Pages in the first of some languages for which there are texts (`ui_locales`, OIDC Core section 3.1.2.1)."""
    if wanted and _has_babel():
        from flask_babel import force_locale

        locale = first_known(wanted)
        if locale is not None:
            return cast("AbstractContextManager[Any]", force_locale(locale))
    return nullcontext()


def _has_babel() -> bool:
    return "babel" in current_app.extensions


def _locale() -> Any:
    """The request's locale, where there are texts for it; else `None`, and the page is in English."""
    if not _has_babel():
        return None
    from flask_babel import get_locale

    locale = get_locale()
    return locale if locale is not None and is_known(locale) else None


def _catalog() -> gettext.NullTranslations:
    locale = _locale()
    return gettext.NullTranslations() if locale is None else catalog_of(locale)


def _apart(value: Any) -> Any:
    """A text that keeps its own direction in a sentence that is written from right to left, such as a name in Latin letters."""
    if not isinstance(value, str):
        return value
    return Markup(APART) + value + TOGETHER if isinstance(value, Markup) else f"{APART}{value}{TOGETHER}"  # noqa: S704

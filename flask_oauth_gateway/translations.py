"""The pages' texts in the user's language: through Flask-Babel where the app has it, else in English."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import current_app

DOMAIN = "flask_oauth_gateway"


def translate(text: str, **values: Any) -> str:
    """A text in the language that the app chose for this request; `%(name)s` filled in."""
    if "babel" in current_app.extensions:
        return str(_domain().gettext(text, **values))
    return text % values if values else text


def language() -> str:
    """The language of the page, for `<html lang>`."""
    if "babel" in current_app.extensions:
        from flask_babel import get_locale

        return str(get_locale() or "en").replace("_", "-")
    return "en"


@lru_cache(maxsize=1)
def _domain() -> Any:
    from flask_babel import Domain

    return Domain(translation_directories=[str(Path(__file__).parent / "locale")], domain=DOMAIN)

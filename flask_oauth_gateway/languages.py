"""Which catalog of texts serves which language. Nothing here is called in an app without Flask-Babel.

A catalog serves every country of its language, and a country's own comes first. A script counts as a language: who
reads Chinese in traditional characters (`zh-TW`) isn't given simplified ones.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import current_app, request

if TYPE_CHECKING:
    from babel import Locale

DOMAIN = "flask_oauth_gateway"
LOCALE = Path(__file__).with_name("locale")
MOST_LANGUAGES = 10  # that a request may name


def choose_language() -> str | None:
    """The language that the browser asks for by `Accept-Language`; for Flask-Babel's `locale_selector`.

    It is the first one that there is a catalog for, ours or the app's: `zh_Hans_CN` for `zh-CN`, `de_AT` for `de-AT`.
    `None`, which to Flask-Babel is the app's own default, where there is none.
    """
    found = first_known(language for language, quality in request.accept_languages if quality)
    return None if found is None else str(found)


def first_known(tags: Iterable[str]) -> Locale | None:
    """The first of some tags of languages that the pages speak; of ten at most."""
    for _, tag in zip(range(MOST_LANGUAGES), tags, strict=False):
        locale = parsed(tag.replace("-", "_"))
        if locale is not None and is_known(locale):
            return locale
    return None


def is_known(locale: Locale) -> bool:
    """Whether there are texts for it: in English, or in a catalog."""
    return locale.language == "en" or bool(_catalogs(str(locale), folders()))


def catalog_of(locale: Locale) -> gettext.NullTranslations:
    """The texts of a locale; the English ones where it has none."""
    return _load(str(locale), folders())


def folders() -> tuple[str, ...]:
    """The folders of catalogs, the app's own first."""
    return (*map(str, current_app.extensions["babel"].translation_directories), str(LOCALE))


def parsed(name: str) -> Locale | None:
    """A locale by its name, such as `de_AT` or `zh_Hans`; `None` if it isn't one."""
    from babel import Locale, UnknownLocaleError

    with suppress(UnknownLocaleError, ValueError, TypeError):
        return Locale.parse(name)
    return None


@lru_cache(maxsize=100)
def _load(name: str, folders: tuple[str, ...]) -> gettext.NullTranslations:
    """The catalogs of a locale, each with the next as its fallback; `de` serves `de_AT`."""
    catalog = gettext.NullTranslations()
    for path in reversed(_catalogs(name, folders)):
        with path.open("rb") as file:
            found = gettext.GNUTranslations(file)
        found.add_fallback(catalog)
        catalog = found
    return catalog


@lru_cache(maxsize=100)
def _catalogs(name: str, folders: tuple[str, ...]) -> tuple[Path, ...]:
    """The catalogs that serve a locale, in their order: of the app's folders first, and in each the closest first."""
    wanted = parsed(name)
    if wanted is None:
        return ()
    found = []
    for place, folder in enumerate(folders):
        for path in Path(folder).glob(f"*/LC_MESSAGES/{DOMAIN}.mo"):
            offered = parsed(path.parts[-3])
            if offered is not None and (offered.language, _script(offered)) == (wanted.language, _script(wanted)):
                found.append((place, _distance(wanted, offered), str(path)))
    return tuple(Path(path) for *_, path in sorted(found))


def _distance(wanted: Locale, offered: Locale) -> int:
    """How far two locales of one language and script are from each other."""
    if offered.territory == wanted.territory:
        return 0
    return 1 if offered.territory is None else 2


def _script(locale: Locale) -> str:
    """The script in which a locale is written, as far as its country or language says so."""
    if locale.script:
        return str(locale.script)
    from babel.core import get_global

    likely = get_global("likely_subtags")
    name = likely.get(f"{locale.language}_{locale.territory}") or likely.get(locale.language) or ""
    return next((part for part in str(name).split("_") if len(part) == 4), "")

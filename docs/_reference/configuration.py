"""`docs/configuration.md`, from the settings: the groups of its keys are their families."""

from __future__ import annotations

import re
import sys
from dataclasses import MISSING, Field, fields
from typing import Any

from flask_oauth_gateway.config import PREFIX, Settings

HEAD = """\
<!-- Written by docs/generate.py from flask_oauth_gateway/config/. Change it there. -->

# Configuration

Keys of Flask's `app.config`, read once, by `init_app`. A value that can't be raises `ConfigurationError`, which names
the key, what it holds and what it may hold; an `OAUTH_` key that isn't known is a warning. Wherever seconds are meant, a
`timedelta` is taken too.
"""

#: What a reader of Python's types would say to somebody who isn't one; any other type stands as it is.
WORDS = {
    "bool": "`True` or `False`",
    "int": "a whole number",
    "str": "a text",
    "tuple[str, ...]": "a list of names",
    "tuple[str | int, ...]": "a list of names and numbers",
    "Mapping[str, str]": "a dict of texts",
    "Mapping[str, int]": "a dict of numbers",
    "tuple[Mapping[str, Any], ...]": "a list of dicts",
    "None": "`None`",
}


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, overview(), *map(group, Settings.__bases__)])


def overview() -> str:
    """Every key with its default, as links: to find one by its name."""
    rows = (
        f"| [`{key(item)}`](#{key(item).lower()}) | `{default_of(item)!r}` |"
        for item in sorted(fields(Settings), key=key)
    )
    return "\n".join(["| key | default |", "| --- | --- |", *rows]) + "\n"


def key(item: Field[Any]) -> str:
    return f"{PREFIX}{item.name.upper()}"


def default_of(item: Field[Any]) -> Any:
    return item.default if item.default_factory is MISSING else item.default_factory()


def group(family: type) -> str:
    """One family: what its file says that it is about, and each of its keys."""
    module = sys.modules[family.__module__]
    title = module.__name__.rpartition(".")[2].capitalize()
    introduction = str(module.__doc__).partition("\n")[0]
    return "\n".join([f"## {title}\n\n{introduction}\n", *map(section, fields(family))])


def section(item: Field[Any]) -> str:
    """One key: what it may be, what it is where nothing is said, and what it means."""
    return f"""\
### `{key(item)}`

{item.metadata["doc"]}

Default: `{default_of(item)!r}`. Type: {in_words(str(item.type))}.
"""


def in_words(annotation: str) -> str:
    """A type as a person says it: `str | None` is "a text or `None`"."""
    alternatives = re.split(r" \| (?![^\[]*\])", annotation)  # not within brackets
    return " or ".join(WORDS.get(each, f"`{each}`") for each in alternatives)

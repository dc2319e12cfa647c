"""Writes `docs/configuration.md` from the settings: `python docs/generate.py`. `--check` only says whether it is stale."""

from __future__ import annotations

import re
import sys
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from flask_oauth_gateway.config import PREFIX, Settings

PAGE = Path(__file__).with_name("configuration.md")

HEAD = """\
<!-- Written by docs/generate.py from flask_oauth_gateway/config.py. Change it there. -->

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
    "None": "`None`",
}


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(section(item) for item in fields(Settings))])


def section(item: Field[Any]) -> str:
    """One key: what it may be, what it is where nothing is said, and what it means."""
    default = item.default if item.default_factory is MISSING else item.default_factory()
    return f"""\
## `{PREFIX}{item.name.upper()}`

{item.metadata["doc"]}

Default: `{default!r}`. Type: {in_words(str(item.type))}.
"""


def in_words(annotation: str) -> str:
    """A type as a person says it: `str | None` is "a text or `None`"."""
    alternatives = re.split(r" \| (?![^\[]*\])", annotation)  # not within brackets
    return " or ".join(WORDS.get(each, f"`{each}`") for each in alternatives)


def main(arguments: list[str]) -> str | None:
    """What is wrong, or nothing."""
    if "--check" in arguments:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page()
        return f"{PAGE.name} is stale: run python docs/generate.py" if stale else None
    PAGE.write_text(page(), encoding="utf-8")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

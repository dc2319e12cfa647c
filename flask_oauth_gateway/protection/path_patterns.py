"""How a configured path is written, and the ways in which a request's path may be read.

Some paths can be read in several ways (`//`, `..`, `;`, a backslash, a dot or a space at a name's end). Such a request
has to meet the requirements of each reading, since a view, a file system or an upstream may choose any of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from unicodedata import category, normalize

from ..config.checks import ConfigurationError

NAMED = re.compile(r"<[A-Za-z_]\w*>")
LITERAL = re.compile(r"[^*<>;?#%\\\s]+")
UNUSUAL = re.compile(r"[;\\$\s\x80-\U0010ffff]|//|\.(?:/|\Z)")  # without any of these a path has one reading
SLASHES = re.compile(r"/{2,}")
PARAMETERS = re.compile(r";[^/]*")
SPACES = " \t\n\v\f\r\x1c\x1d\x1e\x1f"  # the others are spaces after `_in_plain_characters`


def readings(path: str) -> set[str]:
    """Every reading of a path that some server has, from the path as it stands to the one with all of these done.

    Odd characters taken for plain ones, backslashes for slashes, parameters cut, names read as on Windows, slashes merged,
    `..` resolved.
    """
    if UNUSUAL.search(path) is None:
        return {path}
    found = {path} if path.isascii() else {path, _in_plain_characters(path)}
    found |= {text.replace("\\", "/") for text in found}
    found |= {PARAMETERS.sub("", text) for text in found}
    found |= {_as_on_windows(text, dots) for text in found for dots in ("", "..")}
    for text in tuple(found):
        merged, resolved = SLASHES.sub("/", text), _without_dots(text)
        found |= {merged, resolved, _without_dots(merged), SLASHES.sub("/", resolved)}
    return found


def _in_plain_characters(path: str) -> str:
    """The path as it reads where wide letters, slashes and spaces count as plain ones, and what nobody sees counts nothing."""
    seen = (c for c in normalize("NFKC", path) if category(c) != "Cf")
    return "".join(" " if c.isspace() else c for c in seen)


def _as_on_windows(path: str, dots: str) -> str:
    """The path with each name as Windows finds it: without the dots and spaces at its end, and without a stream (`::$DATA`).

    `dots`: what several dots with spaces between or after them are taken for, which depends on the program.
    """
    names = []
    for segment in path.split("/"):
        name, _, stream = segment.partition(":")
        name = (name if "$" in stream else segment).lstrip(SPACES).rstrip(f".{SPACES}")
        names.append(name or (dots if segment.count(".") > 1 else ""))
    return "/".join(names)


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)


def patterns_of(key: str, paths: Iterable[str]) -> re.Pattern[str]:
    """Several paths as one regular expression. Raises `ConfigurationError`."""
    return re.compile("|".join(pattern_of(key, path) for path in paths) or "(?!)", re.DOTALL)


def pattern_of(key: str, path: Any) -> str:
    """A path as a regular expression, with or without a slash at its end. Raises `ConfigurationError`."""
    allowed = (
        "a path such as '/api/*', '/users/<name>/mail' or '/': decoded, '*' or '<name>' for a whole segment, '*' at the end"
        " for everything below"
    )
    if not isinstance(path, str) or not path.startswith("/"):
        raise ConfigurationError(key, path, allowed)
    segments = path.rstrip("/").split("/")[1:]
    everything_below = segments[-1:] == ["*"]
    pattern = ""
    for segment in segments[:-1] if everything_below else segments:
        if segment == "*" or NAMED.fullmatch(segment):
            pattern += "/[^/]+"
        elif LITERAL.fullmatch(segment) and segment not in (".", ".."):
            spellings = dict.fromkeys([segment, *(normalize(form, segment) for form in ("NFC", "NFD", "NFKC"))])
            pattern += f"/(?:{'|'.join(map(re.escape, spellings))})"
        else:
            raise ConfigurationError(key, path, allowed)
    return pattern + ("(?:/.*)?" if everything_below else "/?")

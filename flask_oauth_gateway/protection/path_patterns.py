"""How a configured path is written, and the ways in which a request's path may be read.

Some paths can be read in several ways (`//`, `..`, `;`, a backslash). Such a request has to meet the requirements of
each reading, since a view, a file system or an upstream may choose any of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..config.checks import ConfigurationError

NAMED = re.compile(r"<[A-Za-z_]\w*>")
LITERAL = re.compile(r"[^*<>;?#%\\\s]+")
AMBIGUOUS = re.compile(r"//|[;\\]|/\.\.?(?:/|\Z)")
SLASHES = re.compile(r"/{2,}")
PARAMETERS = re.compile(r";[^/]*")


def readings(path: str) -> set[str]:
    """Every reading of a path: slashes merged, parameters cut, backslashes taken for slashes, `..` resolved, or none of it."""
    if AMBIGUOUS.search(path) is None:
        return {path}
    found: set[str] = set()
    for text in {path, path.replace("\\", "/")}:
        for each in {text, PARAMETERS.sub("", text)}:
            merged, resolved = SLASHES.sub("/", each), _without_dots(each)
            found |= {each, merged, resolved, _without_dots(merged), SLASHES.sub("/", resolved)}
    return found


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
            pattern += "/" + re.escape(segment)
        else:
            raise ConfigurationError(key, path, allowed)
    return pattern + ("(?:/.*)?" if everything_below else "/?")

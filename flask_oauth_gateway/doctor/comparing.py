"""The words in which explanations compare what was expected with what came."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from ..clients.redirect_uris import is_same_on_loopback


def difference_of(registered: str, sent: str) -> str:
    if sent.rstrip("/") == registered.rstrip("/"):
        return "a slash at the end is a difference too"
    try:
        one, other = urlsplit(registered), urlsplit(sent)
    except ValueError:
        return "it is no URI"
    names = ("scheme", "netloc", "path", "query", "fragment")
    if is_same_on_loopback(registered, sent):
        return "localhost, 127.0.0.1 and [::1] are three hosts, and the program registered the other one"
    differing = [name for name in names if getattr(one, name) != getattr(other, name)]
    words = {"netloc": "host or port"}
    return "another " + " and ".join(words.get(name, name) for name in differing)


def or_nearest(what: str, given: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(given, names, n=1)
    return f"{what}; the nearest is {near[0]}" if near else f"{what}: {listed(names[:20])}"


def listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def when(seconds: int | None) -> str:
    return datetime.fromtimestamp(seconds or 0, UTC).strftime("%Y-%m-%d %H:%M:%SZ")

"""What this site is called on its pages, its logo, and which names of clients look like its own."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import urlsplit

from flask import request

from ...resource_server import any_server

# What looks like a Latin letter in small letters, by that letter. It is no complete list (Unicode TS 39 has thousands):
# what a person reads over at a glance.
_LOOK_ALIKE = {
    "a": "\u0430\u03b1\u0251\u1d00", "b": "\u0432\u03b2\u044c\u0299", "c": "\u0441\u03f2\u1d04", "d": "\u0501\u1d05",
    "e": "\u0435\u03b5\u04bd3\u1d07", "g": "\u0261\u0581\u0262", "h": "\u04bb\u043d\u029c", "j": "\u0458\u03f3",
    "k": "\u043a\u03ba\u1d0b", "l": "i1|\u0456\u0131\u03b9\u04cf\u0142\u0627\u029f\u026a", "m": "\u043c\u1d0d",
    "n": "\u0578\u03b7\u0438\u0274", "o": "0\u043e\u03bf\u0585\u00f8\u03c3\u1d0f", "p": "\u0440\u03c1\u1d18", "q": "\u051b",
    "r": "\u0433\u0280", "s": "5$\u0455\ua731", "t": "\u0442\u03c4\u1d1b", "u": "\u057d\u03c5\u03bc\u1d1c",
    "v": "\u03bd\u0475\u1d20", "w": "\u051d\u03c9\u1d21", "x": "\u0445\u03c7", "y": "\u0443\u03b3\u04af\u028f",
}  # fmt: skip
_AS_LETTER = {ord(mark): letter for letter, marks in _LOOK_ALIKE.items() for mark in marks}
_BLANK = ("\u115f", "\u1160", "\u3164", "\uffa0")  # letters, by their category, of which nothing is seen
_PAIRS = (("rn", "m"), ("vv", "w"))
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
MOST_COMPARED = 2048  # characters


class Site(NamedTuple):
    """This site, as its pages show it: its name, or its host; its logo, and the origin of that, where it is another one."""

    name: str
    logo: str | None
    logo_origin: str | None


def this_site() -> Site:
    """The site that answers this request (`OAUTH_SITE_NAME`, `OAUTH_SITE_LOGO`)."""
    settings = any_server().settings
    name = settings.site_name or (urlsplit(settings.issuer).netloc if settings.issuer else request.host)
    logo = settings.site_logo
    elsewhere = urlsplit(logo) if logo is not None and not logo.startswith("/") else None
    return Site(name, logo, None if elsewhere is None else f"https://{elsewhere.netloc}")


def looks_like(name: str, site: str) -> bool:
    """Whether a client's name is the site's, has it among its words, or looks so at a glance."""
    words, own = _words(name[:MOST_COMPARED]), _words(site)
    if not own:
        return False
    runs = (words[start : start + len(own)] for start in range(len(words) - len(own) + 1))
    return own in runs or "".join(words) == "".join(own)


def _words(text: str) -> list[str]:
    """The words of a text, of what it looks like: without accents and invisible characters, in small Latin letters."""
    apart = unicodedata.normalize("NFKD", _HUMP.sub(" ", text)).casefold()
    is_seen = (letter for letter in apart if letter not in _BLANK and unicodedata.category(letter) not in ("Mn", "Cf"))
    seen = "".join(is_seen).translate(_AS_LETTER)
    for pair, letter in _PAIRS:
        seen = seen.replace(pair, letter)
    return re.findall(r"[^\W_]+", seen)

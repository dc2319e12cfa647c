"""Makes the glossary's words links: on each page the first time that a word stands in its text."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Where no link is made: code, headings, links and pictures, comments, HTML's lines and tags, addresses, footnotes.
SKIPPED = r"""
    ^[ ]*(?P<fence>```+|~~~+) .*? ^[ ]*(?P=fence)[`~]*[ ]*$
  | ^[#]+[ ][^\n]*$
  | <!--.*?-->
  | ^<[^\n]*$
  | (?P<ticks>`+)(?!`) (?:(?!\n\n).)*? (?<!`)(?P=ticks)(?!`)
  | !?\[(?:[^][]|\[[^][]*\])*\](?:\([^()]*\)|\[[^]]*\])?
  | <[^<>\n]+>
  | https?://\S+
"""
FLAGS = re.VERBOSE | re.IGNORECASE | re.DOTALL | re.MULTILINE
ENTRY = re.compile(r"^### (.+)\n(<!-- no links -->\n)?\n((?:.+\n)+)", re.MULTILINE)
PAGE = "glossary.md"


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the glossary: its anchor, and what it means, in a sentence."""

    word: str
    anchor: str
    meaning: str


def terms_of(page: str) -> list[Term]:
    """The words of the glossary that become links. An entry may say that its word has too many other meanings."""
    return [
        Term(word, word.lower().replace(" ", "-"), _plain(text))
        for word, unlinked, text in ENTRY.findall(page)
        if not unlinked
    ]


def link(text: str, terms: list[Term], page: str) -> str:
    """A page's Markdown with its links; `page` is the glossary's place, seen from there."""
    by_word = {term.word.lower(): term for term in terms}
    # The longest first: "access token" isn't a kind of "token".
    words = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(by_word, key=len, reverse=True))
    pattern = re.compile(rf"{SKIPPED} | (?P<word>(?<![\w/-])(?:{words})s?(?![\w/-]))", FLAGS)
    linked: set[str] = set()

    def replace(found: re.Match[str]) -> str:
        shown = found["word"]
        if shown is None:
            return found[0]
        word = re.sub(r"\s+", " ", shown).lower()
        word = word if word in by_word else word.removesuffix("s")
        if word in linked:
            return shown
        linked.add(word)
        term = by_word[word]
        return f'[{shown}]({page}#{term.anchor} "{term.meaning}")'

    return pattern.sub(replace, text)


def _plain(text: str) -> str:
    """The first sentence of an entry, without Markdown, as a link's title has it."""
    text = re.sub(r" \((?:RFC \d+|\[[^]]+\]\([^)]*\)|, )+\)", "", re.sub(r"\s+", " ", text))
    text = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", text)
    sentence = re.split(r"(?<=\.) (?=[A-Z`])", text.strip())[0]
    return re.sub(r"[`*]", "", sentence).replace('"', "'")

"""What readers search for by its name: settings, errors, RFCs, commands, hooks, endpoints and words. The search finds them first.

Each is an object of a domain of Sphinx's, with the place on its page where it is described. `scorer.js` puts it above the pages
that speak of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from sphinx.domains import Domain, ObjType

if TYPE_CHECKING:
    from collections.abc import Set

    from sphinx.application import Sphinx

RFC = re.compile(r"(?:RFC |(?<=\d)(?:, | and ))(\d{4})")


class Targets(Domain):
    """The names, in the order of the pages."""

    name = "oauth"
    label = "OAuth"
    object_types: ClassVar[dict[str, ObjType]] = {
        kind: ObjType(kind, kind, searchprio=0)
        for kind in ("setting", "error", "specification", "command", "hook", "endpoint", "word")
    }
    initial_data: ClassVar[dict[str, Any]] = {"found": {}}

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Each as Sphinx's search wants it."""
        for page, found in self.data["found"].items():
            for kind, name, anchor in found:
                yield name, name, kind, page, anchor, 0

    def clear_doc(self, docname: str) -> None:
        """Forget those of a page that is read anew."""
        self.data["found"].pop(docname, None)

    def merge_domaindata(self, docnames: Set[str], otherdata: dict[str, Any]) -> None:
        """Take over those of the pages that another process has read."""
        self.data["found"].update({page: found for page, found in otherdata["found"].items() if page in docnames})


def note(app: Sphinx, doctree: nodes.document) -> None:
    """Find the names of a page that has just been read."""
    page = app.env.docname
    look = PAGES.get(page.removeprefix("docs/"))
    if look is not None:
        app.env.domains["oauth"].data["found"][page] = list(look(doctree))


def _headings(doctree: nodes.document, level: int) -> Iterator[tuple[str, str, bool]]:
    """The headings of a level, each with its anchor, and whether it is code and nothing else."""
    for section in doctree.findall(nodes.section):
        depth, above = 1, section.parent
        while isinstance(above, nodes.section):
            depth, above = depth + 1, above.parent
        title = section.next_node(nodes.title)
        if depth == level and title is not None:
            is_code = len(title.children) == 1 and isinstance(title.children[0], nodes.literal)
            yield title.astext(), section["ids"][-1], is_code


def settings(doctree: nodes.document) -> Iterator[tuple[str, str, str]]:
    yield from (("setting", text, anchor) for text, anchor, is_code in _headings(doctree, 3) if is_code)


def hooks(doctree: nodes.document) -> Iterator[tuple[str, str, str]]:
    yield from (("hook", text, anchor) for text, anchor, is_code in _headings(doctree, 3) if is_code)


def commands(doctree: nodes.document) -> Iterator[tuple[str, str, str]]:
    for level in (2, 3):
        yield from (("command", text, anchor) for text, anchor, is_code in _headings(doctree, level) if is_code)


def endpoints(doctree: nodes.document) -> Iterator[tuple[str, str, str]]:
    yield from (("endpoint", text, anchor) for text, anchor, is_code in _headings(doctree, 3) if is_code)


def words(doctree: nodes.document) -> Iterator[tuple[str, str, str]]:
    yield from (("word", text, anchor) for text, anchor, _ in _headings(doctree, 3))


def specifications(doctree: nodes.document) -> Iterator[tuple[str, str, str]]:
    for text, anchor, _ in _headings(doctree, 3):
        yield from (("specification", f"RFC {number}", anchor) for number in RFC.findall(text))


def errors(doctree: nodes.document) -> Iterator[tuple[str, str, str]]:
    """The rows of the tables, each where an error stands first."""
    seen = set()
    for row in doctree.findall(nodes.row):
        code = row.next_node(nodes.literal)
        if code is None or row.children[0].astext() != code.astext() or isinstance(row.parent, nodes.thead):
            continue
        if (name := code.astext()) not in seen:
            seen.add(name)
            row["ids"].append(f"error-{name}")
            yield "error", name, f"error-{name}"


PAGES = {
    "configuration": settings,
    "errors": errors,
    "rfcs": specifications,
    "command-line": commands,
    "hooks-and-signals": hooks,
    "endpoints": endpoints,
    "glossary": words,
}


def setup(app: Sphinx) -> None:
    """Add the domain, and look at each page."""
    app.add_domain(Targets)
    app.connect("doctree-read", note)

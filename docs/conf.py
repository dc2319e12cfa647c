"""The documentation as a site: `make docs` builds it into `build/site`.

Its source is the whole repository, so the pages' links are the same here and in the repository, to files beside docs/ too.
The pages are plain Markdown. What a site can do beyond it is made of them here: the first page begins as the README does, the
menu comes from the lists in docs/index.md, the glossary's words are links, diagrams are drawn, and the search knows settings,
errors and RFCs by their names.
"""

from __future__ import annotations

import html
import os
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))
from _sphinx import glossary, targets, viewer  # noqa: E402 (they stand beside this file, which no path says)

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "flask-oauth-gateway"
author = "the flask-oauth-gateway developers"
version = release = metadata.version(project)
copyright = author  # noqa: A001 (Sphinx's name)

extensions = ["myst_parser", "sphinx_copybutton"]
root_doc = "docs/index"
include_patterns = ["docs/**", "*.md"]
exclude_patterns = [".*", "build", "dist", "tests", "flask_oauth_gateway", "example_app", "bench", "**/node_modules"]
# The README stands beside the menu; tests/docs holds that docs/index.md names every page of docs/.
# An example shortened by … isn't what its language's grammar asks for.
suppress_warnings = ["toc.not_included", "misc.highlighting_failure"]

myst_heading_anchors = 4  # the anchors that GitHub makes
myst_fence_as_directive = ["mermaid"]
smartquotes = False  # `--option` stays as it is
highlight_language = "text"
copybutton_prompt_text = "$ "
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "furo"
html_title = "flask-oauth-gateway"
html_static_path = ["_site", "../build/mermaid", "../build/swagger-ui"]
html_extra_path = ["_site/root"]
html_css_files = ["site.css"]
html_js_files = ["mermaid.min.js", "diagrams.js"]
html_copy_source = False
html_show_sphinx = False
html_search_scorer = str(DOCS / "_sphinx" / "scorer.js")

FRONT = re.compile(r"^<!-- the README's beginning -->\n.+\n", re.MULTILINE)
LINK = re.compile(r"\[([^]]+)\]\(([\w./-]+)\)")
ENTRY = re.compile(r"^- \[([^]]+)\]\(([\w./-]+)\.md\)", re.MULTILINE)


def drop_links_to_folders(app: Sphinx, name: str, source: list[str]) -> None:
    """The repository shows its folders, the site doesn't have them: the text alone stays."""
    here = Path(app.env.doc2path(name)).parent
    source[0] = LINK.sub(lambda link: link[1] if (here / link[2]).is_dir() else link[0], source[0])


def add_menu(app: Sphinx, name: str, source: list[str]) -> None:
    """Give docs/index.md a toctree for each of its headings, from the pages that its list names there."""
    if name == root_doc:
        _, *groups = re.split(r"^## ", source[0], flags=re.MULTILINE)
        source[0] += "".join(toctree(*group.split("\n", 1)) for group in groups)


def add_front(app: Sphinx, name: str, source: list[str]) -> None:
    """Begin docs/index.md as the README does: its text up to the first heading of its own, with the links seen from here."""
    if name == root_doc:
        _, front = (DOCS.parent / "README.md").read_text(encoding="utf-8").partition("\n## ")[0].split("\n", 1)
        source[0] = FRONT.sub(lambda _: front.replace("](docs/", "](").strip() + "\n", source[0])


def link_words(app: Sphinx, name: str, source: list[str]) -> None:
    """Make the glossary's words links, on every page of docs/ but the first one and its own."""
    page = DOCS / glossary.PAGE
    path = Path(app.env.doc2path(name))
    if name != root_doc and path != page and path.is_relative_to(DOCS):
        terms = glossary.terms_of(page.read_text(encoding="utf-8"))
        source[0] = glossary.link(source[0], terms, os.path.relpath(page, path.parent))


def toctree(caption: str, text: str) -> str:
    pages = "\n".join(f"{title} <{page}>" for title, page in ENTRY.findall(text))
    return f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"


class Mermaid(SphinxDirective):
    """A diagram. The browser draws it (_site/diagrams.js); without JavaScript its text stands there."""

    has_content: ClassVar[bool] = True

    def run(self) -> list[nodes.Node]:
        text = html.escape("\n".join(self.content))
        return [nodes.raw("", f'<pre class="mermaid">{text}</pre>', format="html")]


def setup(app: Sphinx) -> None:
    app.connect("source-read", drop_links_to_folders)
    app.connect("source-read", add_front, priority=400)
    app.connect("source-read", link_words)
    app.connect("source-read", add_menu, priority=600)
    targets.setup(app)
    viewer.setup(app)
    app.add_directive("mermaid", Mermaid)

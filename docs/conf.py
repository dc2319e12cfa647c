"""The documentation as a site: `make docs` builds it into `build/site`.

Its source is the whole repository, so the pages' links are the same here and in the repository, to files beside docs/ too.
The pages are plain Markdown. Two things are made of it here: the menu, from the lists in docs/index.md, and the diagrams.
"""

from __future__ import annotations

import html
import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

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
html_static_path = ["_site", "../build/mermaid"]
html_extra_path = ["_site/root"]
html_css_files = ["site.css"]
html_js_files = ["mermaid.min.js", "diagrams.js"]
html_copy_source = False
html_show_sphinx = False

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
    app.connect("source-read", add_menu)
    app.add_directive("mermaid", Mermaid)

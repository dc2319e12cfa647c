"""Every example in the README and in docs/ works as it is written, and every link leads somewhere."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import Page

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_the_examples_work(path: Path, tmp_path: Path) -> None:
    page = Page(path, tmp_path)
    if not page.is_empty:
        page.run()


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_the_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))
    dead = [target for target in targets if "://" not in target and not (path.parent / target).exists()]
    assert not dead


def test_the_index_names_every_page() -> None:
    docs = ROOT / "docs"
    index = docs.joinpath("index.md").read_text(encoding="utf-8")
    missing = [page for path in docs.rglob("*.md") if f"({(page := str(path.relative_to(docs)))})" not in index]
    assert missing == ["index.md"]


def test_the_quick_start_of_the_readme_is_run() -> None:
    """The blocks are found as they are meant: one program, and the two requests at the end."""
    text = PAGES[0].read_text(encoding="utf-8")
    assert text.count("```python\n") == 1
    assert "\n$ flask oauth client create " in text
    assert text.count("\n$ curl ") == 2

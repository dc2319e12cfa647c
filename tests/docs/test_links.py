"""Every link of the pages leads somewhere, and every page of a flow has what its reader looks for."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FLOWS = sorted((ROOT / "docs" / "flows").glob("*.md"))
CODE_BLOCK = re.compile(r"^(```+).*?^\1$", re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    """What comes after `#` in a link to each of the page's headings, as GitHub and the site make it."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", CODE_BLOCK.sub("", path.read_text(encoding="utf-8")), re.MULTILINE):
        text = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def is_dead(path: Path, target: str) -> bool:
    file, _, anchor = target.partition("#")
    to = path.parent / file if file else path
    return not to.exists() or (bool(anchor) and anchor not in anchors(to))


@pytest.mark.parametrize("path", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])
def test_the_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", CODE_BLOCK.sub("", path.read_text(encoding="utf-8")))
    assert not [target for target in targets if "://" not in target and is_dead(path, target)]


def test_a_link_to_a_heading_that_is_not_there_is_dead() -> None:
    page = ROOT / "docs" / "configuration.md"
    assert not is_dead(page, "#oauth_issuer")
    assert is_dead(page, "#oauth_isuer")
    assert is_dead(page, "configuraton.md")


def test_every_page_is_in_the_menu_of_the_site() -> None:
    """docs/conf.py makes it from the lines of docs/index.md that begin with a link."""
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text(encoding="utf-8").partition("\n## ")[2]
    entries = re.findall(r"^- \[[^]]+\]\(([^)]+)\): ", index, re.MULTILINE)
    assert {str(path.relative_to(docs)) for path in docs.rglob("*.md")} - set(entries) == {"index.md"}
    assert len(entries) == len(set(entries))


@pytest.mark.parametrize("path", FLOWS, ids=[path.stem for path in FLOWS])
def test_a_flow_is_drawn_requested_and_refused(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    drawn, requests, failures = (text.find(each) for each in ("```mermaid\n", "\n$ curl ", "\n## What can go wrong\n"))
    assert 0 < drawn < requests < failures
    assert re.search(r"^\| (\d{3} \| )?`\w+` \|", text[failures:], re.MULTILINE), "no table of the errors"


def test_six_questions_lead_to_every_flow() -> None:
    page = (ROOT / "docs" / "choose-your-flow.md").read_text(encoding="utf-8")
    questions = re.findall(r"^## (\d)\. (.+\?)$", page, re.MULTILINE)
    assert [number for number, _ in questions] == list("123456")
    answers = page.partition("\n## 1. ")[2].partition("\n## All of them")[0]
    assert {path.name for path in FLOWS} == set(re.findall(r"\]\(flows/([\w.]+)\)", answers))
    for section in re.split(r"^## ", answers, flags=re.MULTILINE)[:6]:
        for answer in re.findall(r"^- (.+?)(?=^- |\Z)", section, re.MULTILINE | re.DOTALL):
            assert "](" in answer or "by `--grant` alone" in answer, answer


def test_the_readme_is_one_screen_with_a_way_for_each_role() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 95
    sought = [
        text.index(f"**[{words}]")
        for words in ("sign-in provider", "authorization server", "protected API", "MCP server")
    ]
    assert sought == sorted(sought)
    for path in (ROOT / "docs" / "roles").glob("*.md"):
        assert f"](docs/roles/{path.name})" in text

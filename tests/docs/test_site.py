"""The site: the search finds names first, the first page begins as the README does, and the endpoints have a viewer.

A few of its pages are built, as `make docs` builds all of them.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("index", "configuration", "errors", "rfcs", "glossary", "endpoints", "tokens", "hooks-and-signals")
#: Sphinx's own search, without a page around it. It prints what is found first for each question, as place and title.
SEARCH = """
const fs = require("node:fs"), vm = require("node:vm"), [folder, ...questions] = process.argv.slice(1);
const found = {
  document: { getElementById: () => ({}), body: {} }, localStorage: { setItem() {} }, console,
  _ready: () => {}, SPHINX_HIGHLIGHT_ENABLED: false, DOCUMENTATION_OPTIONS: {},
  Documentation: { gettext: (text) => text }, _: (text) => text,
};
vm.createContext(Object.assign(found, { window: found }));
for (const name of ["_static/language_data.js", "_static/searchtools.js", "searchindex.js"])
  vm.runInContext(fs.readFileSync(`${folder}/${name}`, "utf-8"), found);
found.questions = questions;
const first = vm.runInContext(
  "questions.map((each) => Search._performSearch(...Search._parseQuery(each)).pop().slice(0, 3))", found);
process.stdout.write(JSON.stringify(first));
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    pages = ",".join(f"docs/{name}.md" for name in PAGES)
    command = [sys.executable, "-m", "sphinx", "-q", "-c", "docs", "-D", f"include_patterns={pages}", ".", str(folder)]
    # The other pages, to which these link, and what npm brings aren't there.
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.node
def test_settings_errors_and_rfcs_are_found_first(site: Path) -> None:
    asked = {
        "OAUTH_SITE_NAME": ["docs/configuration", "OAUTH_SITE_NAME", "#oauth_site_name"],
        "oauth_issuer": ["docs/configuration", "OAUTH_ISSUER", "#oauth_issuer"],
        "invalid_grant": ["docs/errors", "invalid_grant", "#error-invalid_grant"],
        "RFC 7636": ["docs/rfcs", "RFC 7636", "#rfc-7636-pkce"],
        "rfc 7592": ["docs/rfcs", "RFC 7592", "#rfc-7591-and-7592-client-registration"],
        "7009": ["docs/rfcs", "RFC 7009", "#rfc-7009-revocation"],
        "map_assertion": ["docs/hooks-and-signals", "map_assertion", "#map_assertion"],
        "tokens": ["docs/tokens", "Tokens", ""],
    }
    done = subprocess.run(["node", "-e", SEARCH, str(site), *asked], capture_output=True, text=True, check=True)
    assert dict(zip(asked, json.loads(done.stdout), strict=True)) == asked
    for page, _, anchor in asked.values():
        assert not anchor or f'id="{anchor[1:]}"' in site.joinpath(f"{page}.html").read_text(encoding="utf-8")


def test_the_first_page_begins_as_the_readme_does(site: Path) -> None:
    text = site.joinpath("docs", "index.html").read_text(encoding="utf-8")
    readme = ROOT.joinpath("README.md").read_text(encoding="utf-8")
    shown = re.sub(r"<[^>]+>", "", text)
    for words in ("sign-in provider", "authorization server", "protected API", "MCP server", "safe by default"):
        assert words in readme
        assert words in shown
    assert 'src="../_images/consent.png"' in text
    assert "README" not in shown


def test_words_of_the_glossary_are_links(site: Path) -> None:
    text = site.joinpath("docs", "tokens.html").read_text(encoding="utf-8")
    assert re.search(r'<a [^>]*href="glossary\.html#access-token"[^>]* title="What a client sends', text)
    assert (
        "glossary.html#"
        not in site.joinpath("docs", "glossary.html").read_text(encoding="utf-8").partition("<article")[2]
    )


def test_the_viewer_of_the_endpoints_fetches_nothing_from_elsewhere(site: Path) -> None:
    folder = site / "docs"
    assert 'href="endpoints-viewer.html"' in folder.joinpath("endpoints.html").read_text(encoding="utf-8")
    page = folder.joinpath("endpoints-viewer.html").read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert "validatorUrl: null" in page
    document = folder.joinpath("endpoints-document.js").read_text(encoding="utf-8")
    named = json.loads(document.removeprefix("const ENDPOINTS = ").rstrip().removesuffix(";"))
    assert named == json.loads(ROOT.joinpath("docs", "endpoints.json").read_text(encoding="utf-8"))
    made = ROOT.joinpath("Makefile").read_text(encoding="utf-8")
    assert all(name in made for name in re.findall(r"_static/([\w.-]+)", page))

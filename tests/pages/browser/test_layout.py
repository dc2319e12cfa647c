"""Every page with every kind of row, in every language, on a phone and a desktop: no text is cut, lies over another or runs out.

The pages are rendered without a browser, and put into one page of it: that takes milliseconds each.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask_babel import Babel
from playwright.sync_api import Page

import flask_oauth_gateway
from tests.pages import catalogs, rows
from tests.pages.admin_lines import ADMIN
from tests.pages.lines import PEOPLE, Line, consent
from tests.pages.rows import Rows
from tests.support.app import close_app
from tests.support.browser import DESKTOP, SMALLEST, Browser
from tests.support.layout import faults

pytestmark = pytest.mark.chromium

STATIC = Path(flask_oauth_gateway.__file__).parent / "static"
LINKED = re.compile(r'<link rel="stylesheet" href="[^"]*/(\w+\.css)">')
STYLES = {path.name: f"<style>{path.read_text(encoding='utf-8')}</style>" for path in STATIC.glob("*.css")}
#: The administrator's, for a client.
ADMIN_PAGES = "clients", "client", "client/edit", "client/delete", "tokens", "grants", "audit"
Pages = dict[str, str]
#: Words without a place to break them.
SCOPE, WORD = "weather:" + "s" * 52, "Wetterbeobachtungsstationsverwaltungsberechtigungen"
WIDE = {
    "client_id": "w" * 64,
    "client_name": "N" * 200,
    "owner": "O" * 90,
    "client_uri": f"https://{'w' * 60}.example/",
}


def widen(site: Rows) -> tuple[Line, ...]:
    """Pages with long words on them."""
    scopes = [*rows.SCOPES, SCOPE]
    site.register(**WIDE, scope=scopes, attributes={"a" * 60: "v" * 90}, contacts=["c" * 60 + "@example.com"])
    asks = consent(WIDE["client_id"], "w" * 80, scope=" ".join(scopes), state="s")
    site.people["w" * 80] = SimpleNamespace(id="w" * 80, name="W" * 80)  # type: ignore[assignment]
    site.answered("w" * 80, asks(site), decision="allow", duration="always")
    site.gateway.tokens.issue(WIDE["client_id"], subject="s" * 120, attributes={"t" * 40: "v" * 90})
    details = {"reason": "r" * 200, "grant_type": "urn:ietf:params:oauth:grant-type:saml2-bearer"}
    site.server.audit.add(
        {
            "at": 1,
            "event": "token_rejected",
            "outcome": "o" * 40,
            "client_id": "w" * 64,
            "subject": "s" * 90,
            "details": details,
        }
    )
    here = f"?client_id={WIDE['client_id']}"
    at: dict[str, Any] = {f"admin/{page}": f"admin/{page}{here}" for page in ADMIN_PAGES}
    at["consent"] = consent(WIDE["client_id"], "w" * 80, scope=" ".join(scopes), prompt="consent")
    at["consent, not asked before"] = consent(WIDE["client_id"], "bob", scope=" ".join(scopes))
    at["applications"] = lambda site: site.as_person("w" * 80, lambda: site.get("applications"))
    return tuple(Line(name, "long words", place, ()) for name, place in at.items())


@pytest.fixture(scope="module")
def draw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Pages]]:
    """Every page in a language, by its name, with its style sheets in it."""
    scopes = rows.SCOPES | {SCOPE: WORD}
    sites = rows.full_site(tmp_path_factory.mktemp("full"), scopes), rows.empty_site(tmp_path_factory.mktemp("empty"))
    table = {(line.at, line.is_empty): line for line in (*PEOPLE, *ADMIN, *widen(sites[0]))}  # each page once
    speaking = ["en"]
    for site in sites:
        Babel(site.app, locale_selector=lambda: speaking[0])

    def draw(language: str) -> Pages:
        speaking[0] = language
        return {line.name: drawn(sites[line.is_empty], line.at) for line in table.values()}

    yield draw
    for site in sites:
        close_app(site.app)


def drawn(site: Rows, at: str | Callable[[Rows], object]) -> str:
    page = site.get(at) if isinstance(at, str) else at(site)
    text = page.text.replace('http-equiv="refresh"', "")  # type: ignore[attr-defined]  # or it would be gone at once
    return LINKED.sub(lambda found: STYLES[found[1]], text)


@pytest.mark.parametrize("language", ["en", *catalogs.LANGUAGES])
def test_nothing_is_cut_or_lies_over_something_else(
    browser: Browser, draw: Callable[[str], Pages], language: str
) -> None:
    pages = draw(language)
    context = browser.new_context(reduced_motion="reduce")
    page = browser.run(context.new_page)
    try:
        found = []
        for size in (SMALLEST, DESKTOP):
            page.set_viewport_size(size)
            for name, markup in pages.items():
                found += [f"{size['width']}, {name}: {fault}" for fault in faults(page, markup)]
    finally:
        browser.run(context.close)
    assert not found, "\n".join(found)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=SMALLEST)
    yield browser.run(context.new_page)
    browser.run(context.close)


@pytest.mark.parametrize(
    ("style", "fault"),
    [
        ("button { width: 4rem; white-space: nowrap }", "out of its box: form > button"),
        ("button { width: 4rem; white-space: nowrap; overflow: hidden }", "cut off: form > button"),
        ("button { height: 1rem; min-height: 0; padding: 0; overflow: hidden; width: 5rem }", "cut off: form > button"),
        ("p { margin-bottom: -1.5rem }", "over another: form > p"),
        ("button { margin-inline-start: -2rem }", "out of the window: form > button"),
        ("p { position: relative; inset-inline-start: 19rem; white-space: nowrap }", "wider than the window"),
        ("input { position: absolute; inset: 3.5rem auto auto 1rem }", "over another: form > button"),
    ],
)
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_a_fault_is_found(page: Page, style: str, fault: str, direction: str) -> None:
    markup = f"""<!doctype html><html dir="{direction}"><style>body {{ margin: 1rem }} * {{ line-height: 1.5 }} {{}}</style>
        <form><p>What is asked here</p><button>Zugriff auf Ihr Konto widerrufen</button><br><input></form>"""
    assert faults(page, markup.replace("{}", "")) == []
    found = faults(page, markup.replace("{}", style))
    assert any(each.startswith(fault) for each in found), found

"""Every page with each branch of its template, in every language, on a phone and a desktop: no text is cut or lies over another.

The pages are drawn without a browser, and laid out in a frame of it, all of a language at once: what takes time is the browser's
painting and the ways there and back.
"""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest

from flask_oauth_gateway.web.environ import CODE
from tests.pages import catalogs
from tests.pages.drawing import Drawing, Pages
from tests.support.browser import DESKTOP, SMALLEST, Browser
from tests.support.layout import LOOK, to_look_at

pytestmark = pytest.mark.chromium

SHORT = 12


def left_in_english(pages: Pages, language: str) -> set[str]:
    """The texts that a page shows in English, though there is a translation."""
    known = catalogs.read(language) if language in catalogs.LANGUAGES else ()
    # A short one may be anybody's: a client is called Tokens.
    ours = {str(text.id) for text in known if len(text.id) > SHORT and text.string != text.id} - {
        CODE
    }  # which is raw, too
    shown = re.compile(r'>([^<>]+)<|(?:placeholder|aria-label|title|alt|data-label)="([^"]+)"')
    found = set()
    for name, markup in pages.items():
        texts = {" ".join(unescape("".join(each)).split()) for each in shown.findall(markup)}
        found |= {f"{name}: {text}" for text in texts & ours}
    return found


@pytest.fixture
def faults(browser: Browser) -> Iterator[Callable[..., list[str]]]:
    """What is wrong with pages; takes what `to_look_at` does."""
    context = browser.new_context(reduced_motion="reduce")
    page = browser.run(context.new_page)
    yield lambda *looked_at, **options: list(page.evaluate(LOOK, to_look_at(*looked_at, **options)))
    browser.run(context.close)


@pytest.mark.parametrize("language", ["en", *catalogs.LANGUAGES])
def test_nothing_is_cut_or_lies_over_something_else(faults: Any, drawing: Drawing, language: str) -> None:
    pages = drawing.draw(language)
    assert left_in_english(pages, language) == set()
    found = faults(pages, SMALLEST, DESKTOP)
    assert not found, "\n".join(found)


def test_what_is_left_in_english_is_found(drawing: Drawing) -> None:
    assert len(left_in_english(drawing.draw("en"), "de")) > 500


def test_text_may_be_twice_as_large(faults: Any, drawing: Drawing) -> None:
    found = faults(drawing.draw("de"), {"width": 640, "height": 800}, style="html { font-size: 200% }")
    assert not found, "\n".join(found)


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
def test_a_fault_is_found(faults: Any, style: str, fault: str, direction: str) -> None:
    markup = f"""<!doctype html><html dir="{direction}"><style>body {{ margin: 1rem }} * {{ line-height: 1.5 }} {{}}</style>
        <form><p>What is asked here</p><button>Zugriff auf Ihr Konto widerrufen</button><br><input></form>"""
    pages = {"sound": markup.replace("{}", ""), "faulty": markup.replace("{}", style)}
    found = faults(pages, SMALLEST)
    assert any(each.startswith(f"320, faulty: {fault}") for each in found), found
    assert not [each for each in found if ", sound: " in each]

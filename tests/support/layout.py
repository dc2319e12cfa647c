"""What is cut off, lies over something else or runs out of its box in a page, as a browser lays it out."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

#: A function, which takes a page's markup and returns its faults.
LOOK = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def faults(page: Page, markup: str) -> list[str]:
    """What is wrong with a page in the window as it is, whose style sheets stand in it."""
    found: Any = page.evaluate(LOOK, markup)
    return list(found)

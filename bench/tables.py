"""Makes Markdown tables of what was measured, and puts them into a page, between two comments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
NOTHING = "–"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def ratio(value: float) -> str:
    """Return a ratio as the page writes it: `.33`, and `.002` where it is small."""
    return f"{value:.{2 if value >= 0.01 else 3}f}".removeprefix("0")


def write(parts: Mapping[str, str], page: Path = PAGE) -> None:
    """Put each part into the page, between `<!-- bench: its name -->` and `<!-- end -->`. Raises KeyError for an unknown one."""
    text = page.read_text(encoding="utf-8")
    for name, part in parts.items():
        begin = f"<!-- bench: {name} -->\n"
        if begin not in text:
            raise KeyError(f"{page} has no {begin.strip()}")
        text = re.sub(
            f"{re.escape(begin)}.*?<!-- end -->",
            lambda _, new=begin + part: f"{new}\n<!-- end -->",
            text,
            flags=re.DOTALL,
        )
    page.write_text(text, encoding="utf-8")

"""The style sheets are for both directions of writing, and for people who need more contrast."""

import re
from pathlib import Path

import pytest

import flask_oauth_gateway

STATIC = Path(flask_oauth_gateway.__file__).parent / "static"
SHEETS = sorted(STATIC.glob("*.css"))
RULE = re.compile(r"([^{};]+):([^;{}]+)(?=[;}])")
#: What names a side of the screen, in a property or as its value.
PHYSICAL = re.compile(
    r"(?:^|-)(?:left|right)(?:$|-)|^border-(?:top|bottom)-(?:left|right)-radius$|^(?:scroll-)?(?:margin|padding)-(?:left|right)$"
)
SIDES = {
    "text-align",
    "float",
    "clear",
    "caption-side",
    "justify-content",
    "justify-items",
    "justify-self",
    "transform-origin",
}
FOUR = {"margin", "padding", "inset", "border-radius", "border-width", "border-color", "border-style"}


def physical(sheet: str) -> list[str]:
    """The declarations of a style sheet that say left or right, where start or end would do."""
    found = []
    for before, after in RULE.findall(re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)):
        name, value = before.strip().split("\n")[-1].strip(), after.strip()
        parts = re.sub(r"\([^()]*(?:\([^()]*\)[^()]*)*\)", "()", value).split()
        sided = False
        if name in FOUR and len(parts) == 4:
            first, second, third, fourth = parts
            sided = (first, third) != (second, fourth) if name == "border-radius" else second != fourth
        if PHYSICAL.search(name) or sided or (name in SIDES and re.search(r"\b(?:left|right)\b", value)):
            found.append(f"{name}: {value}")
    return found


@pytest.mark.parametrize("path", SHEETS, ids=[path.name for path in SHEETS])
def test_nothing_is_said_of_left_and_right(path: Path) -> None:
    # A check mark, of two borders, is the same in every language.
    assert [each for each in physical(path.read_text(encoding="utf-8")) if each != "border-width: 0 2px 2px 0"] == []


@pytest.mark.parametrize(
    "declaration",
    [
        "margin-left: 1px",
        "left: 0",
        "border-top-right-radius: 1px",
        "padding: 0 1px 0 calc(1px + (2px * 3))",
        "text-align: right",
        "float: left",
        "border-radius: 1px 0 0 1px",
        "border-width: 0 2px 2px 0",
    ],
)
def test_what_names_a_side_is_found(declaration: str) -> None:
    assert physical(f"a {{ color: red; {declaration}; }}") == [declaration]
    assert physical(f"a {{ {declaration} }}") == [declaration]


@pytest.mark.parametrize(
    "declaration",
    [
        "margin-inline-start: 1px",
        "margin: 0 1px 0 1px",
        "padding: 1px 2px",
        "border-width: 0 2px",
        "border-radius: 1px 1px 0 0",
        "text-align: start",
        "inset-block-start: 0",
    ],
)
def test_what_names_none_is_not(declaration: str) -> None:
    assert physical(f"a {{ {declaration} }}") == []


@pytest.mark.parametrize(
    "query", ["prefers-contrast: more", "forced-colors: active", "prefers-color-scheme: dark", "prefers-reduced-motion"]
)
def test_the_pages_look_as_the_system_asks(query: str) -> None:
    assert query in (STATIC / "pages.css").read_text(encoding="utf-8")

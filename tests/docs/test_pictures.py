"""The pictures that `make screenshots` takes."""

from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_every_picture_is_shown_somewhere_and_none_is_heavy() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    pictures = sorted(DOCS.joinpath("images").glob("*.png"))
    assert pictures
    assert [each.name for each in pictures if f"images/{each.name})" not in pages] == []
    assert [each.name for each in pictures if each.stat().st_size > 150_000] == []

"""The page about certification names each test of the suite's plans, with the test of ours that has its name."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests" / "oidc"
PAGE = (ROOT / "docs" / "certification.md").read_text(encoding="utf-8")
ROWS: list[tuple[str, str, str]] = re.findall(
    r"^\| `(oidcc-[\w-]+)` \| [^|]+ \| `(\w+\.py)`: `(\w+)` \|$", PAGE, re.MULTILINE
)


def test_every_name_on_the_page_is_a_test_and_every_test_of_such_a_name_is_on_the_page() -> None:
    named = {(file, test) for _, file, test in ROWS}
    there = {
        (path.name, test)
        for path in TESTS.glob("test_*.py")
        for test in re.findall(r"^def (test_oidcc_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named == there
    assert len(ROWS) == len(named) >= 40


def test_ours_have_the_names_of_the_suite_s() -> None:
    assert [test for *_, test in ROWS] == ["test_" + name.replace("-", "_") for name, *_ in ROWS]
    assert len(re.findall(r"^\| `oidcc-", PAGE, re.MULTILINE)) == len(ROWS), "each row is read"

"""docs/security.md: every section of both RFCs is there, and the files and tests that it names exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT.joinpath("docs", "security.md").read_text(encoding="utf-8")
RFC_6819, RFC_9700, BEYOND, ELSEWHERE = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:5]
#: The threats of RFC 6819: how many there are in each part of section 4.
PARTS = {"4.1": 5, "4.2": 4, "4.3": 5, "4.4.1": 13, "4.4.2": 6, "4.4.3": 6, "4.5": 4, "4.6": 7}


def entries(text: str) -> list[str]:
    """The entries of a part's lists, each in one line."""
    return [" ".join(entry.split()) for entry in re.findall(r"^- (\*\*.*(?:\n  .*)*)", text, re.MULTILINE)]


def numbers(text: str) -> list[str]:
    return [entry.split()[0].removeprefix("**") for entry in entries(text)]


def test_every_threat_of_rfc_6819_is_there() -> None:
    threats = [f"{part}.{number}" for part, count in PARTS.items() for number in range(1, count + 1)]
    threats.insert(threats.index("4.5.1"), "4.4.4")
    assert numbers(RFC_6819) == threats


def test_every_threat_of_rfc_9700_is_there() -> None:
    assert numbers(RFC_9700) == [f"4.{number}" for number in range(1, 18)]


def test_what_is_defended_has_a_test_and_what_has_none_is_said_not_to_be() -> None:
    found = [entry for part in (RFC_6819, RFC_9700, BEYOND, ELSEWHERE) for entry in entries(part)]
    assert len(found) > 100
    for entry in found:
        assert "::test_" in entry or "not defended" in entry.lower() or ".ci/run" in entry, entry


def test_every_file_and_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`([\w/.]+\.py)(?:::(test_\w+))?`", PAGE)
    assert len(named) > 150
    missing = []
    for path, test in named:
        file = ROOT / ("tests" if test else "flask_oauth_gateway") / path
        if not file.exists() or (test and not re.search(rf"def {test}\(", file.read_text(encoding="utf-8"))):
            missing.append(f"{path}::{test}")
    assert missing == []

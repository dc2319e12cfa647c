"""The pages that are read from the code are what it says."""

import re
import subprocess
import sys
from collections import Counter
from dataclasses import fields
from pathlib import Path

from flask_oauth_gateway.config import PREFIX, Settings

ROOT = Path(__file__).parent.parent.parent


def test_the_pages_are_what_the_code_says() -> None:
    check = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stderr


def test_every_setting_is_in_one_group_with_a_sentence() -> None:
    text = ROOT.joinpath("docs", "configuration.md").read_text(encoding="utf-8")
    groups, by_name = text.split("\n## Every key\n")
    keys = Counter(f"{PREFIX}{item.name.upper()}" for item in fields(Settings))
    rows = re.findall(r"^\| \[`(\w+)`\]\(#\w+\) \| (.+) \|$", groups, re.MULTILINE)
    assert Counter(name for name, _ in rows) == Counter(re.findall(r"^### `(\w+)`$", groups, re.MULTILINE)) == keys
    assert all(sentence.endswith(".") and 20 < len(sentence) < 400 for _, sentence in rows)
    assert Counter(re.findall(r"^\| \[`(\w+)`\]", by_name, re.MULTILINE)) == keys
    assert text.count("\n## Start here\n") == 1

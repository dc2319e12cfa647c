"""Writes the pages that are read from the code: `python docs/generate.py`. `--check` only says which are stale."""

from __future__ import annotations

import sys
from pathlib import Path

from _reference import api, command_line, configuration, features, house
from _reference.endpoints import page as endpoints

PAGES = {
    "api.md": api.page,
    "command-line.md": command_line.page,
    "configuration.md": configuration.page,
    "endpoints.json": endpoints.text,
    "endpoints.md": endpoints.page,
    "features.md": features.page,
    "house.md": house.page,
}


def main(arguments: list[str]) -> str | None:
    """What is wrong, or nothing."""
    stale = []
    for name, page in PAGES.items():
        path = Path(__file__).with_name(name)
        text = page()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
    return f"Stale: {', '.join(stale)}. Run python docs/generate.py" if stale and "--check" in arguments else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

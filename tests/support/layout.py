"""What is cut off, lies over something else or runs out of its box in pages, as a browser lays them out."""

from pathlib import Path
from typing import Any

import flask_oauth_gateway

#: A function, which takes what `to_look_at` makes, and returns the faults.
LOOK = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
STATIC = Path(flask_oauth_gateway.__file__).parent / "static"
STYLES = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.css")}


def to_look_at(pages: dict[str, str], *sizes: dict[str, int], style: str = "") -> dict[str, Any]:
    """The markup of pages, by their names, the sizes of the window, and what is said on top of the gateway's style sheets."""
    return {"pages": pages, "styles": {name: f"{text}\n{style}" for name, text in STYLES.items()}, "sizes": sizes}

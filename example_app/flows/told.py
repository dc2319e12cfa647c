"""Prints requests and answers for people, in a terminal."""

from __future__ import annotations

import json
import re
import textwrap
from base64 import b64decode
from html import unescape

from .exchange import Step, UnexpectedAnswer

#: Base64 that nobody reads, also where it is broken into lines, as certificates are.
WALL = re.compile(r"[A-Za-z0-9+/_-]{64,}(?:\n[A-Za-z0-9+/]+)*")
LONGEST, HEAD, TAIL = 128, 48, 12


def told(step: Step) -> str:
    """Return a request as text: cookies are cut short, and a client's authentication is decoded from base64."""
    shown = {**step.headers}
    if "Cookie" in shown:
        shown["Cookie"] = re.sub(r"=[^;]{12}[^;]*", "=…", shown["Cookie"])
    lines = [f"{step.method} {step.url}", *(f"{name}: {value}" for name, value in shown.items())]
    scheme, _, credentials = step.headers.get("Authorization", "").partition(" ")
    if scheme == "Basic":
        lines.insert(2, f"    (base64 of {b64decode(credentials).decode()})")
    return as_block("\n".join([*lines, "", step.body] if step.body else lines))


def told_answer(step: Step) -> str:
    """Return the answer to a request as text; for a page, only its title. Raises `UnexpectedAnswer` if there is none."""
    answer = step.answer
    if answer is None:
        raise UnexpectedAnswer("the request wasn't sent")
    body = answer.body.strip()
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        kept, left_out = step.shown
        body = json.dumps(kept, indent=2, ensure_ascii=False)
        body += f"\n(and {left_out} more)" if left_out else ""
    elif answer.headers.get("Content-Type", "").startswith("text/html"):
        title = re.search(r"<title>(.*?)</title>", body, re.DOTALL)
        body = f"(the page “{unescape(title[1])}”)" if title and "Location" not in answer.headers else ""
    lines = [f"{answer.status} {answer.reason}", *(f"{name}: {value}" for name, value in answer.headers.items())]
    return as_block("\n".join([*lines, "", body] if body else lines))


def as_block(text: str) -> str:
    """Indent a text, to set it off from the text around it; walls of base64 are cut short."""
    return textwrap.indent(WALL.sub(shortened, text), "   ")


def shortened(wall: re.Match[str]) -> str:
    """Return the beginning and the end of a wall of base64, and how long it is; a short one is returned whole."""
    text = wall[0]
    return text if len(text) <= LONGEST else f"{text[:HEAD]}…({len(text)} characters)…{text[-TAIL:]}"

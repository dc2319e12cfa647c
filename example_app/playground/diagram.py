"""The sequence diagram of a flow: who asks whom, what was done, what is next, and what is still to come.

What is to come depends on the answers, and a flow is a generator that waits for them. So `plans.json` has each flow as it goes
where all is well; `python -m example_app.playground.plans` writes it from a real walk, and the tests compare the two.
"""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..flows.exchange import Step
from ..flows.walk import Approval, Chapter, DeviceApproval, OwnToken
from .run import Run

#: Who takes part, in the order of their columns. The partner is whoever vouches for users and programs, or publishes a document.
PARTS = {"user": "User", "app": "App", "server": "Server", "api": "API", "partner": "Partner"}
#: Whom a path belongs to, by its first part; all else is the server's.
OWNERS = {"api": "api", "mcp": "api", "idp": "partner", "ca": "partner", "assistant": "partner", "playground": "app"}
TASKS = {"allow": "allows", "sign out": "signs out", "nothing": "passes through"}
LONGEST = 20  # letters of a part of a path; longer ones are names that are new in each walk


class Arrow(NamedTuple):
    """A request or a person's part: by whom, to whom, in which chapter, and to whom the answer goes."""

    chapter: str
    label: str
    source: str
    target: str
    back: str


def arrow(each: Step | Approval | DeviceApproval | OwnToken, chapter: str) -> Arrow:
    match each:
        case Approval():
            return Arrow(chapter, TASKS[each.task], "user", "server", "app")
        case DeviceApproval():
            return Arrow(chapter, "types the code", "user", "server", "user")
        case OwnToken():
            return Arrow(chapter, "makes a token", "user", "server", "user")
        case _:
            path = urlsplit(each.url).path
            owner = OWNERS.get(path.split("/")[1], "server")
            source = "api" if path == "/oauth/introspect" else "server" if owner == "app" else "app"
            return Arrow(chapter, f"{each.method} {short(path)}", source, owner, source)


def short(path: str) -> str:
    """A path without what is new in each walk."""
    kept = [part if len(part) <= LONGEST or "." in part or "-" in part else "…" for part in path.split("/")]
    return re.sub(r"/(register)/[^/]+$", r"/\1/…", "/".join(kept))


def arrows(story: list[Any]) -> list[Arrow]:
    """The arrows of what has happened."""
    chapter, found = "", []
    for each in story:
        if isinstance(each, Chapter):
            chapter = each.title
        elif isinstance(each, Step | Approval | DeviceApproval | OwnToken):
            found.append(arrow(each, chapter))
    return found


@cache
def plans() -> dict[str, list[Arrow]]:
    text = Path(__file__).with_name("plans.json").read_text(encoding="utf-8")
    return {
        name: [Arrow(title, *each) for title, *some in chapters for each in some]
        for name, chapters in json.loads(text).items()
    }


def still_to_come(run: Run, done: list[Arrow]) -> list[Arrow]:
    """The steps after the next one. A device that asks anew is as far as it was before."""
    plan, at = plans()[run.entry.name], 0
    waits = next((number for number, each in enumerate(plan) if each.label == "types the code"), None)
    now = [] if run.next is None else [arrow(run.next, "")]
    for each in (*done, *now):
        at = waits + 1 if waits is not None and each.label == "types the code" else at + 1
    return [] if run.next is None else plan[at:]


class Mark(NamedTuple):
    """An arrow as it is drawn: `state` is done, refused, now or later; `first` and `last` are columns, from 1."""

    number: int
    arrow: Arrow
    state: str
    first: int
    last: int
    is_forward: bool
    #: The answer's arrow, where it doesn't go the same way back: its columns and direction.
    back: tuple[int, int, bool]


def drawn(run: Run) -> dict[str, Any]:
    """What the template draws: the columns, the chapters with their arrows, and how far the walk is."""
    done = arrows(run.to.story)
    chapter = next((each.title for each in reversed(run.to.story) if isinstance(each, Chapter)), "")
    now = [] if run.next is None else [arrow(run.next, chapter)]
    later = still_to_come(run, done)
    every = [*done, *now, *later]
    used = {who for each in every for who in (each.source, each.target, each.back)}
    columns = [name for name in PARTS if name in used]
    marks = []
    for number, each in enumerate(every, 1):
        state = "done" if number <= len(done) else "now" if number <= len(done) + len(now) else "later"
        source, target, back = (columns.index(who) + 1 for who in each[2:])
        marks.append(
            Mark(number, each, state, min(source, target), max(source, target), target > source,
                 (min(target, back), max(target, back), back > target))
        )  # fmt: skip
    chapters = []
    for title, some in groupby(marks, lambda mark: mark.arrow.chapter):
        inside = list(some)
        is_open = any(mark.state == "now" for mark in inside) or (run.next is None and inside[-1] is marks[-1])
        chapters.append({"title": title, "marks": inside, "is_open": is_open})
    return {
        "columns": [PARTS[name] for name in columns],
        "names": PARTS,
        "chapters": chapters,
        "number": len(done) + len(now),
        "total": len(every),
        "done": len(done),
    }

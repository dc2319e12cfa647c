"""The results of a walk: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from .walk import Walk

HEAD = ("flow", "requests", "what was seen", "time")


def table(to: Walk) -> str:
    """Return a table with a line for each flow: its requests, answers and checks, and how long it took."""
    rows = [HEAD, *(row(to, index) for index in range(len(to.flows)))]
    wide = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [f"{a:<{wide[0]}}  {b:>{wide[1]}}  {c:<{wide[2]}}  {d:>{wide[3]}}" for a, b, c, d in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in wide), *lines[1:]])


def row(to: Walk, index: int) -> tuple[str, str, str, str]:
    flow, steps = to.flows[index], to.steps(index)
    answers = Counter(step.answer.status for step in steps if step.answer is not None)
    statuses = ", ".join(
        f"{number}x {status}" if number > 1 else f"{status}" for status, number in sorted(answers.items())
    )
    checks = sum(len(step.checks) for step in steps)
    seen = "not what was expected" if "problem" in flow else f"✓ {checks} checks"
    return flow["flow"], str(len(steps)), f"{seen}; {statuses}", f"{flow['seconds']:.2f} s"


def in_json(to: Walk) -> str:
    """Return all requests and answers as JSON; a flow that failed has a `problem`, every flow has `seconds`."""
    flows = [told(to, index) for index in range(len(to.flows))]
    return json.dumps({"url": to.url, "flows": flows}, indent=2)


def told(to: Walk, index: int) -> dict[str, Any]:
    flow = {name: value for name, value in to.flows[index].items() if name != "story"}
    return {**flow, "steps": [asdict(step) for step in to.steps(index)]}

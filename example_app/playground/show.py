"""Prepares past steps and the next one for the templates: lines with names and values, and explanations of the fields."""

from __future__ import annotations

import json
import re
import shlex
from base64 import b64decode
from difflib import SequenceMatcher
from html import unescape
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from ..flows.approval import said_in
from ..flows.exchange import Answer, Step
from ..flows.walk import Approval, Chapter, DeviceApproval, Note, OwnToken
from .breaking import Broken
from .fields import FIELDS, Field
from .run import Run


class Line(NamedTuple):
    """A line of a request or an answer: the text before the value, the value, and the text after it."""

    before: str
    value: str = ""
    after: str = ""
    is_secret: bool = False
    change: str = ""


class Explained(NamedTuple):
    name: str
    field: Field


def story(run: Run) -> list[dict[str, Any]]:
    """Return all that has happened in a run, with the steps numbered."""
    items, number = [], 0
    for each in run.to.story:
        shown = item(each)
        if shown["kind"] not in ("chapter", "note", "broken"):
            number += 1
            shown["number"] = number
        items.append(shown)
    return items


def item(each: Any) -> dict[str, Any]:
    """Return one item of the story."""
    match each:
        case Chapter():
            return {"kind": "chapter", "title": each.title}
        case Note():
            shown = explained(list(each.names))
            return {"kind": "note", "text": each.text, "block": each.block, "fields": shown, "is_open": each.is_open}
        case Approval():
            return approval(each)
        case DeviceApproval():
            return {"kind": "device", "title": each.title, "uri": each.verification_uri, "user_code": each.user_code}
        case OwnToken():
            return {"kind": "own", "title": each.title, "url": each.path, "scope": each.scope, "token": each.token}
        case Broken():
            return broken(each)
        case _:
            return step(each)


def step(each: Step) -> dict[str, Any]:
    """Return a request, and its answer if it was sent."""
    lines, names = [Line(f"{each.method} ", each.url)], []
    for name, value in each.headers.items():
        scheme, _, credentials = value.partition(" ")
        if name == "Authorization":
            lines.append(Line(f"{name}: {scheme} ", credentials, is_secret=True))
            names.append(f"{name}: {scheme}")
            if scheme == "Basic":
                lines.append(Line("  (base64 of ", b64decode(credentials).decode(), ")", is_secret=True))
        else:
            lines.append(Line(f"{name}: ", value))
            names += [name] if name in FIELDS else []
    lines += [Line("")] if each.body else []
    if each.headers.get("Content-Type") == "application/json":
        lines += json_lines(json.loads(each.body), names)
    else:
        lines += parameters(parse_qsl(each.body), names)
    answered = None if each.answer is None else answer(each, each.answer)
    return {
        "kind": "step",
        "title": each.title,
        "lines": lines,
        "fields": explained(names),
        "curl": curl(each),
        "answer": answered,
        "checks": each.checks,
    }


def broken(each: Broken) -> dict[str, Any]:
    """Return a request that was broken on purpose, with what was changed, and why it was refused."""
    shown, before = step(each.step), step(each.whole)["lines"]
    shown["lines"] = compared(before, shown["lines"])
    answered = each.step.answer
    if answered is not None:
        brought = said_in(dict(parse_qsl(answered.headers.get("Location", "").replace("#", "?", 1).partition("?")[2])))
        if "error" in brought:
            told = (
                "The browser would bring this to the app:",
                f"{brought['error']}: {brought.get('error_description', '')}",
            )
            shown["answer"] |= {"is_error": True, "told": told}
        elif answered.headers.get("Content-Type", "").startswith("text/html"):
            shown["answer"]["told"] = "The user reads on a page:", words_of(answered.body)
    return {**shown, "kind": "broken", "label": each.label, "why": each.why, "explanation": each.explanation}


def words_of(page: str) -> str:
    """Return the words in the main part of a page."""
    found = re.search(r"<main.*?</main>", page, re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", found[0] if found else "")).split())


def compared(before: list[Line], after: list[Line]) -> list[Line]:
    """Return what was sent, with what was to be sent instead: `removed` lines, and `added` ones."""
    lines: list[Line] = []
    for _, first, last, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        same = before[first:last] == after[start:end]
        lines += [] if same else [line._replace(change="removed") for line in before[first:last]]
        lines += after[start:end] if same else [line._replace(change="added") for line in after[start:end]]
    return lines


def answer(asked: Step, each: Answer) -> dict[str, Any]:
    """Return an answer: its status, headers and body; JSON has a line for each field that matters to the step."""
    lines, names = [Line(f"{name}: ", value) for name, value in each.headers.items()], []
    names += [name for name in each.headers if name in FIELDS]
    if each.headers.get("Content-Type", "").startswith("application/json"):
        body, left_out = asked.shown
        lines += [Line(""), *json_lines(body, names)]
        lines += [Line(f"(and {left_out} more)")] if left_out else []
    return {
        "status": f"{each.status} {each.reason}",
        "is_error": each.status >= 400,
        "lines": lines,
        "fields": explained(names),
    }


def approval(each: Approval) -> dict[str, Any]:
    """Return the request with which the user's browser goes to the server, and what it brought back, if it is back."""
    names: list[str] = []
    parts = urlsplit(each.url)
    lines = [Line("GET ", f"{parts.scheme}://{parts.netloc}{parts.path}")]
    lines += parameters(parse_qsl(parts.query), names, first="?")
    shown: dict[str, Any] = {
        "kind": "approval",
        "title": each.title,
        "url": each.url,
        "untick": each.untick,
        "task": each.task,
        "lines": lines,
        "fields": explained(names),
        "brought": None,
    }
    if each.brought is not None:
        names = []
        first = "#" if "access_token" in each.brought else "?"
        lines = [Line("GET ", each.redirect_uri), *parameters(list(each.brought.items()), names, first=first)]
        shown["brought"] = {"lines": lines, "fields": explained(names), "is_error": "error" in each.brought}
    return shown


def parameters(pairs: list[tuple[str, str]], names: list[str], first: str = "") -> list[Line]:
    """Return a form or a query, with a line for each parameter; adds the parameters' names to `names`."""
    names += [name for name, _ in pairs]
    marks = [first] + ["&"] * (len(pairs) - 1)
    return [
        Line(f"{mark}{name}=", value, is_secret=is_secret(name))
        for mark, (name, value) in zip(marks, pairs, strict=False)
    ]


def json_lines(body: dict[str, Any], names: list[str]) -> list[Line]:
    """Return an object, with a line for each member."""
    names += body
    lines = [
        Line(f"  {json.dumps(name)}: ", json.dumps(value, ensure_ascii=False), ",", is_secret(name))
        for name, value in body.items()
    ]
    if lines:
        lines[-1] = lines[-1]._replace(after="")
    return [Line("{"), *lines, Line("}")]


def is_secret(name: str) -> bool:
    return name in FIELDS and FIELDS[name].is_secret


def explained(names: list[str]) -> list[Explained]:
    """Return the explanations of those names that have one, each once."""
    return [Explained(name, FIELDS[name]) for name in dict.fromkeys(names) if name in FIELDS]


def curl(each: Step) -> str:
    """Return the request as a curl command for a terminal."""
    command = ["curl", "-i", "-X", each.method] if each.method != "GET" else ["curl", "-i"]
    for name, value in each.headers.items():
        command += ["-H", f"{name}: {value}"]
    command += ["-d", each.body] if each.body else []
    return shlex.join([*command, each.url])

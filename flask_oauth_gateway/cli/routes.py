"""`flask oauth routes`: shows what each route of the app asks for, and which routes are open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from werkzeug.routing import Rule

from ..protection.guard import Requirement
from ..protection.paths import PathRules, is_static
from ..protection.require_token import requirements_of
from ..resource_server import any_server
from .output import as_json, print_json, print_table

#: Stands for a variable part of a route: no entry names this character.
ANYTHING = "\ufffc"


@click.command("routes")
@click.option(
    "--open", "only_open", is_flag=True, help="List only open routes, and end with status 1 where there are any."
)
@as_json
@with_appcontext
def routes(only_open: bool, as_json: bool) -> None:
    """List the app's routes and what they ask for.

    A route is open where nothing asks for a token. An entry of OAUTH_PROTECT with "scopes": None marks a route as open
    on purpose. --open doesn't list such routes, static files or the gateway's own endpoints.
    """
    found = [row for row in _rows(current_app) if not only_open or row["kind"] == "open"]
    if as_json:
        print_json(found)
    else:
        print_table(
            ("METHODS", "PATH", "ENDPOINT", "ASKS FOR"),
            ((" ".join(r["methods"]), r["path"], r["endpoint"], _in_words(r)) for r in found),
        )
    if only_open and found:
        number = len(found)
        raise click.ClickException(f"{number} route{' is' if number == 1 else 's are'} open.")


def _rows(app: Flask) -> Iterator[dict[str, Any]]:
    """The rows: for each route, one for each set of methods that ask for the same. Most routes have one row."""
    own, rules = any_server().own_endpoints, any_server().path_rules
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
        by_demand: dict[str, dict[str, Any]] = {}
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"} or rule.methods) if rule.methods else ["*"]:
            asks = [] if rule.endpoint in own else [*_asked(app, rule, method, rules)]
            kind = "gateway" if rule.endpoint in own else "static" if is_static(app, rule.endpoint) else "open"
            if any("open" not in each for each in asks):
                kind = "optional" if all(each.get("optional") for each in asks if "open" not in each) else "protected"
            elif asks:
                kind = "opened"
            row = {"path": rule.rule, "endpoint": rule.endpoint, "methods": [], "kind": kind, "asks": asks}
            by_demand.setdefault(repr((kind, asks)), row)["methods"].append(method)
        yield from by_demand.values()


def _asked(app: Flask, rule: Rule, method: str, rules: PathRules | None) -> Iterator[dict[str, Any]]:
    folder = rule.rule.partition("<")[0]
    if rules is not None and is_static(app, rule.endpoint):
        rules = rules.below(folder)
    entry = None if rules is None else rules.find(method, _sample(rule))
    if entry is not None:
        yield {"by": entry.key, "open": True} if entry.requirement is None else _asks(entry.key, entry.requirement)
    for by, wanted in requirements_of(app, rule.endpoint, method):
        yield _asks(by, wanted)


def _sample(rule: Rule) -> str:
    """A path of a route, with `ANYTHING` for each variable part."""
    return "".join(ANYTHING if is_variable else text for is_variable, text in _parts(rule))


def _parts(rule: Rule) -> Iterator[tuple[bool, str]]:
    rest = rule.rule
    while rest:
        text, opening, rest = rest.partition("<")
        yield False, text
        if opening:
            variable, _, rest = rest.partition(">")
            yield True, variable


def _asks(by: str, wanted: Requirement) -> dict[str, Any]:
    """A requirement as JSON, with only the members that ask for something."""
    asked: dict[str, Any] = {"by": by, "scopes": sorted(wanted.scopes)}
    for name in ("any_of", "optional", "audience", "max_age", "acr", "grant_types", "bound", "detail"):
        value = getattr(wanted, name)
        if value not in (None, False, frozenset()):
            asked[name] = sorted(value) if isinstance(value, frozenset) else value
    return asked


def _in_words(row: dict[str, Any]) -> str:
    if row["kind"] in ("gateway", "static", "open"):
        return {"gateway": "(the gateway's own)", "static": "(static files)", "open": "OPEN"}[row["kind"]]
    return "; ".join(f"{_demand(each)} ({each['by']})" for each in row["asks"])


def _demand(asked: dict[str, Any]) -> str:
    if "open" in asked:
        return "open"
    further = [f"{name}={value}" for name, value in asked.items() if name not in ("by", "scopes", "optional")]
    words = [" ".join(asked["scopes"]) or ("" if further else "any token"), *further]
    return ("optional: " if asked.get("optional") else "") + " ".join(word for word in words if word)

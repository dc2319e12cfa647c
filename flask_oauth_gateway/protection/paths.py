"""`OAUTH_PROTECT`: what each path asks for, by configuration alone. The first entry that fits a path decides.

Some paths can be read in several ways (`//`, `..`, `;`, a backslash). Such a request has to meet the requirements of
each reading, since a view, a file system or an upstream may choose any of them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Flask, Response, request

from ..config.checks import ConfigurationError, full_grant_type
from ..web.environ import TOGETHER
from .guard import Requirement, current_guard, is_answered_by_flask
from .path_patterns import pattern_of, readings
from .require_token import BOUND, requirement

KEY = "OAUTH_PROTECT"
OPTIONS = tuple(
    name for name, each in inspect.signature(requirement).parameters.items() if each.kind is each.KEYWORD_ONLY
)
KEYS = ("path", "methods", "host", "scopes", *OPTIONS)
LISTS = ("any_of", "grant_types")

METHOD = re.compile(r"[A-Za-z][A-Za-z-]*")
HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")


@dataclass(frozen=True, slots=True)
class PathRule:
    """One entry: the paths that it is for, and what they ask for; `requirement` is `None` where they are open."""

    key: str
    path: str
    host: str | None
    methods: frozenset[str]
    requirement: Requirement | None
    pattern: str


class PathRules:
    """The entries in order, compiled to one regular expression for each host and method."""

    def __init__(self, rules: Sequence[PathRule], *, ignore_case: bool = False) -> None:
        self.rules = tuple(rules)
        self._hosts = {rule.host for rule in rules if rule.host}
        self._methods = {method for rule in rules for method in rule.methods}
        flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
        self._tables: dict[tuple[str | None, str], tuple[re.Pattern[str], list[PathRule]]] = {}
        for host in (None, *self._hosts):
            for method in ("", *self._methods):
                fitting = [r for r in rules if r.host in (None, host) and (not r.methods or method in r.methods)]
                pattern = "|".join(f"({rule.pattern})" for rule in fitting) or "(?!)"
                self._tables[host, method] = re.compile(pattern, flags), fitting

    def find(self, method: str, path: str, host: str | None = None) -> PathRule | None:
        """The first entry for a path as it is written; HEAD counts as GET."""
        if method == "HEAD":
            method = "GET"
        pattern, fitting = self._tables[
            host if host in self._hosts else None, method if method in self._methods else ""
        ]
        found = pattern.fullmatch(path)
        return None if found is None or found.lastindex is None else fitting[found.lastindex - 1]

    def find_all(self, method: str, path: str, host: str | None = None) -> set[PathRule | None]:
        """The first entry for each way in which the path may be read, and `None` where one of the ways has no entry."""
        return {self.find(method, each, host) for each in readings(path)}

    def below(self, folder: str) -> PathRules:
        """The entries that name something in a folder."""
        return PathRules([rule for rule in self.rules if rule.path.startswith(folder)])

    @cached_property
    def ignoring_case(self) -> PathRules:
        """These entries for an upstream that reads paths without regard to case."""
        return PathRules(self.rules, ignore_case=True)


def guard_paths(app: Flask, rules: PathRules, own: frozenset[str]) -> None:
    """Check the entries before every view and every 404, but not at the gateway's `own` endpoints or for static files."""
    if all(rule.host for rule in rules.rules):
        return  # all of them are for forward auth
    folders: dict[str, PathRules] = {}

    def before_request() -> Response | None:
        endpoint = request.endpoint
        if endpoint in own:
            return None
        asked = rules
        if endpoint is not None and is_static(app, endpoint):
            # Static files are open, except where an entry names something in their folder.
            folder = str(request.url_rule).partition("<")[0]
            if folder not in folders:
                folders[folder] = rules.below(folder)
            asked = folders[folder]
        found = asked.find_all(request.method, request.path)
        if is_answered_by_flask() and not any(is_for_preflights(rule) for rule in found):
            return None
        return ask_all(rule.requirement for rule in found if rule is not None)

    # First of all: the app's own functions may rely on current_token.
    app.before_request_funcs.setdefault(None, []).insert(0, before_request)


def is_for_preflights(rule: PathRule | None) -> bool:
    """Whether an entry asks CORS preflights too, which pass all others: it names their method."""
    return rule is not None and "OPTIONS" in rule.methods


def ask_all(requirements: Iterable[Requirement | None]) -> Response | None:
    """The first refusal, where the request doesn't meet one of the requirements."""
    asked = [each for each in requirements if each is not None]
    if len(asked) > 1:
        request.environ[TOGETHER] = asked
    for wanted in asked:
        refusal = current_guard().admit(wanted)
        if refusal is not None:
            return refusal
    return None


def is_static(app: Flask, endpoint: str) -> bool:
    """Whether an endpoint is the static folder of the app or of a blueprint."""
    blueprint, _, name = endpoint.rpartition(".")
    if name != "static":
        return False
    if not blueprint:
        return app.has_static_folder
    return blueprint in app.blueprints and app.blueprints[blueprint].has_static_folder


# From configuration


def load_rules(entries: Sequence[Mapping[str, Any]]) -> PathRules:
    """The rules of `OAUTH_PROTECT`. Raises `ConfigurationError`, which names the entry."""
    return PathRules([_rule(f"{KEY}[{number}]", entry) for number, entry in enumerate(entries)])


def _rule(key: str, entry: Mapping[str, Any]) -> PathRule:
    unknown = [name for name in entry if name not in KEYS]
    if unknown or "path" not in entry:
        trouble = f"{unknown[0]!r} is not one" if unknown else "'path' is missing"
        raise ConfigurationError(key, dict(entry), f"a dict with {', '.join(KEYS)}; {trouble}")
    return PathRule(
        key=key,
        path=entry["path"],
        host=_host(f"{key}['host']", entry.get("host")),
        methods=_methods(f"{key}['methods']", entry.get("methods")),
        requirement=_requirement(key, entry),
        pattern=pattern_of(f"{key}['path']", entry["path"]),
    )


def _host(key: str, host: Any) -> str | None:
    if host is not None and not (isinstance(host, str) and HOST.fullmatch(host.lower())):
        raise ConfigurationError(key, host, "a host name without a port, or None for every host")
    return None if host is None else host.lower()


def _methods(key: str, methods: Any) -> frozenset[str]:
    names = _listed(methods)
    if methods is None:
        return frozenset()
    if not names or not all(METHOD.fullmatch(name) for name in names) or "HEAD" in map(str.upper, names):
        raise ConfigurationError(key, methods, "a list of methods such as 'POST' (HEAD goes with GET), or None for all")
    return frozenset(map(str.upper, names))


def _requirement(key: str, entry: Mapping[str, Any]) -> Requirement | None:
    options = {name: entry[name] for name in OPTIONS if name in entry}
    if "scopes" in entry and entry["scopes"] is None:
        if options:
            raise ConfigurationError(key, dict(entry), "open ('scopes': None) or ask for something, not both")
        return None
    for name, value in options.items():
        allowed, fits = FITTING.get(name, ("", lambda _: True))
        if not fits(value):
            raise ConfigurationError(f"{key}[{name!r}]", value, allowed)
    scopes = _listed(entry.get("scopes", ()))
    if scopes is None:
        raise ConfigurationError(f"{key}['scopes']", entry["scopes"], "a list of scopes, or None to open it")
    options |= {name: _listed(options[name]) for name in LISTS if name in options}
    if "grant_types" in options:
        options["grant_types"] = [full_grant_type(name) for name in options["grant_types"]]
    try:
        return requirement(*scopes, **options)
    except TypeError as error:
        raise ConfigurationError(key, dict(entry), f"what @require_token takes: {error}") from error


def _listed(value: Any) -> list[str] | None:
    """The names in a list, or in one text with spaces; `None` where the value is neither."""
    if isinstance(value, str):
        return value.split()
    is_list = isinstance(value, Iterable) and not isinstance(value, (bytes, Mapping))
    names: list[Any] = [*value] if is_list else [None]
    return names if all(isinstance(name, str) and name for name in names) else None


#: The values that the options of `require_token` may have in an entry, which no type checker sees.
FITTING: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "any_of": ("a list of scopes", lambda value: bool(_listed(value))),
    "grant_types": ("a list of grant types", lambda value: bool(_listed(value))),
    "optional": ("True or False", lambda value: isinstance(value, bool)),
    "bound": ("True, False, 'dpop' or 'mtls'", lambda value: isinstance(value, (bool, str)) and value in BOUND),
    "detail": ("a text", lambda value: isinstance(value, str) and bool(value)),
    "audience": ("a text", lambda value: isinstance(value, str) and bool(value)),
    "acr": ("a text", lambda value: isinstance(value, str) and bool(value)),
    "max_age": ("seconds", lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0),
}

"""The endpoints at the root too, for clients that build these addresses themselves: `/authorize`, `/token`, `/register`.

The Model Context Protocol of 2025-03-26 told clients to ask there where a server has no metadata, and some hosted ones still
do so, whatever the metadata say. The same views answer. A route of the app's own always comes first, whether it names
such a path or fits it by chance (`/<page>`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from werkzeug.routing import BaseConverter, ValidationError

from ..features import endpoints_that_are_on

if TYPE_CHECKING:
    from flask import Blueprint
    from flask.blueprints import BlueprintSetupState
    from werkzeug.routing import Rule

    from ..resource_server import Server

AT_ROOT = ("authorize", "token", "register")
NAME = "oauth_at_root"  # the converter, and the one variable of each of these routes


class _Word(BaseConverter):
    """Matches one word, where no other route fits: one without variables comes first, and then all others by their weight.

    `place`: where the route stands in an app that routes by host, as `place_of` says it.
    """

    weight = 10**6

    def __init__(self, url_map: Any, word: str, place: dict[str, Any]) -> None:
        super().__init__(url_map)
        self.regex = word
        self._place = {"subdomain": url_map.default_subdomain} | place

    def to_python(self, value: str) -> str:
        """The word. Raises `ValidationError` where the app has a route there, if only for other methods."""
        if any(rule.rule.rstrip("/") == f"/{value}" and self._is_in_the_way(rule) for rule in self.map.iter_rules()):
            raise ValidationError
        return value

    def _is_in_the_way(self, rule: Rule) -> bool:
        """Whether a rule is the app's, and where this route stands: a rule of another host's is not."""
        name = "host" if self.map.host_matching else "subdomain"
        where = getattr(rule, name) or ""
        return NAME not in rule.arguments and ("<" in where or where == (self._place[name] or ""))


def answer_at_root(blueprint: Blueprint, server: Server, place: dict[str, Any]) -> None:
    """Route to the endpoints that are on, at the root of the app, all methods that they have a view for."""
    on = dict(endpoints_that_are_on(server.settings, issues_tokens=server.issues_tokens))

    def add(setup: BlueprintSetupState) -> None:
        setup.app.url_map.converters[NAME] = partial(_Word, place=place)  # type: ignore[assignment]  # it is only called
        for name in AT_ROOT:
            if name not in on:
                continue
            methods = {name: on[name].methods, **({f"{name}_preflight": ("OPTIONS",)} if on[name].cors else {})}
            for endpoint, taken in methods.items():
                rule = setup.app.url_rule_class(
                    f"/<{NAME}({name}):{NAME}>", endpoint=f"{blueprint.name}.{endpoint}", methods=taken, **place
                )
                setup.app.url_map.add(rule)
                rule.rule = f"/{name}"  # as lists of routes show it

    blueprint.record(add)
    blueprint.url_value_preprocessor(_take_out)


def _take_out(_: str | None, values: dict[str, Any] | None) -> None:
    """Take the word out of what a route matched: the views have no need of it."""
    if values is not None:
        values.pop(NAME, None)

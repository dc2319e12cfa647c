"""What an OpenAPI 3.1 document says of the gateway: where tokens come from, and which scopes each operation takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from flask import has_request_context, request

from ..endpoints import ENDPOINTS
from ..errors import TemporarilyUnavailable
from ..web.issuer import absolute_url
from .require_token import requirements_of

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.routing import Rule

    from ..resource_server import Checker
    from .require_token import Requirement

#: Grant type to what OpenAPI calls its flow, and to the URLs that it takes; the other grants have no name there.
FLOWS = {
    "authorization_code": ("authorizationCode", {"authorizationUrl": "authorize", "tokenUrl": "token"}),
    "client_credentials": ("clientCredentials", {"tokenUrl": "token"}),
    "password": ("password", {"tokenUrl": "token"}),
    "implicit": ("implicit", {"authorizationUrl": "authorize"}),
}
REFRESHED = ("authorization_code", "password")
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
ANYTHING = "\ufffc"  # whatever a variable part of a route may be: no entry of OAUTH_PROTECT names it
_VARIABLE = re.compile(r"<(?:[^<>]*:)?(\w+)>")


def security_schemes(state: Checker) -> dict[str, Any]:
    """`components.securitySchemes`: `oauth2` with the flows that are on; `bearer` where none has a name in OpenAPI."""
    settings, flows = state.settings, {}
    for grant_type, (name, urls) in FLOWS.items():
        if state.issues_tokens and grant_type in settings.grant_types:
            flow: dict[str, Any] = {member: _url(state, endpoint) for member, endpoint in urls.items()}
            if grant_type in REFRESHED and "refresh_token" in settings.grant_types:
                flow["refreshUrl"] = _url(state, "token")
            flows[name] = flow | {"scopes": dict(settings.scopes)}
    if flows:
        return {"oauth2": {"type": "oauth2", "flows": flows}}
    return {"bearer": {"type": "http", "scheme": "bearer"}}


def security(state: Checker, view: str | Callable[..., Any], method: str = "GET") -> list[dict[str, list[str]]]:
    """An operation's `security`: one of these is needed; an empty list where no token is. Raises `ValueError`."""
    endpoint = view if isinstance(view, str) else _endpoint_of(state.app, view)
    rules = [rule for rule in state.app.url_map.iter_rules() if rule.endpoint == endpoint]
    if not rules:
        raise ValueError(f"{view!r} is neither a view of this app nor an endpoint's name.")
    rule = next((rule for rule in rules if method.upper() in (rule.methods or ())), rules[0])
    return _security(state, rule, method.upper())


def add_security(state: Checker, document: dict[str, Any]) -> dict[str, Any]:
    """Add the schemes and each operation's `security` to an OpenAPI document, which is returned.

    An operation is found by its path, as Flask routes it; what says `security` itself keeps it.
    """
    document.setdefault("components", {}).setdefault("securitySchemes", {}).update(security_schemes(state))
    routed = {
        (_VARIABLE.sub(r"{\1}", rule.rule), method.lower()): rule
        for rule in state.app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    for path, item in document.get("paths", {}).items():
        for method in METHODS.intersection(item):
            rule = routed.get((path, method))
            wanted = None if rule is None else _security(state, rule, method.upper())
            if wanted:
                item[method].setdefault("security", wanted)
    return document


def _security(state: Checker, rule: Rule, method: str) -> list[dict[str, list[str]]]:
    requirements = list(dict.fromkeys(_requirements(state, rule, method)))
    if not requirements:
        return []
    needed = frozenset[str]().union(*(each.scopes for each in requirements))
    choices = product(*(sorted(each.any_of) for each in requirements if each.any_of))
    (scheme,) = security_schemes(state)
    alternatives = dict.fromkeys(tuple(sorted(needed.union(choice))) for choice in choices)
    stranger: list[dict[str, list[str]]] = [{}] if all(each.optional for each in requirements) else []
    return stranger + [{scheme: list(scopes)} for scopes in alternatives]


def _requirements(state: Checker, rule: Rule, method: str) -> Iterator[Requirement]:
    """All that a request has to pass: what `OAUTH_PROTECT` asks for, its blueprints, and its view."""
    app, endpoint = state.app, rule.endpoint
    if state.path_rules is not None and endpoint not in state.own_endpoints:
        entry = state.path_rules.find(method, _VARIABLE.sub(ANYTHING, rule.rule))
        if entry is not None and entry.requirement is not None:
            yield entry.requirement
    for _, wanted in requirements_of(app, endpoint, method):
        yield wanted


def _endpoint_of(app: Flask, view: Callable[..., Any]) -> str | None:
    for endpoint, function in app.view_functions.items():
        if view is function or view is getattr(function, "view_class", None):
            return endpoint
    return None


def _url(state: Checker, endpoint: str) -> str:
    """Where an endpoint stands: on the issuer's host where that is known, else below the document's own server."""
    root = request.script_root if has_request_context() else ""
    path = root + state.settings.url_prefix + ENDPOINTS[endpoint].path
    try:
        return absolute_url(state, path)
    except TemporarilyUnavailable:
        return path

"""Describes the gateway in an OpenAPI 3.1 document: where tokens come from, and which scopes each operation needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from flask import has_request_context, request

from ..errors import NotConfigured
from ..features import ENDPOINTS, GRANTS
from .operations import requirements_at

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.routing import Rule

    from ..config import Settings
    from ..web.issuer import Issuer
    from .guard import Requirement
    from .paths import PathRules

#: OpenAPI's name for each endpoint's URL.
MEMBERS = {"authorize": "authorizationUrl", "token": "tokenUrl"}
#: The scheme of what binds a token, by its setting and `@require_token(bound=…)`.
BINDING = {"dpop": ("dpop", {"type": "http", "scheme": "DPoP"}), "mtls": ("mutualTLS", {"type": "mutualTLS"})}
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
ANYTHING = "\ufffc"  # stands for a variable part of a route: no entry of OAUTH_PROTECT names this character
_VARIABLE = re.compile(r"<(?:[^<>]*:)?(\w+)>")


class OpenApi:
    """Describes the security of one app's operations.

    `path_rules` are the rules of `OAUTH_PROTECT`, if there are any; `own` are the gateway's own endpoints, to which the
    rules don't apply.
    """

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        issuer: Issuer,
        path_rules: PathRules | None,
        own: frozenset[str],
        *,
        issues_tokens: bool,
    ) -> None:
        self._app = app
        self._settings = settings
        self._issuer = issuer
        self._path_rules = path_rules
        self._own = own
        self._issues_tokens = issues_tokens

    def security_schemes(self) -> dict[str, Any]:
        """`components.securitySchemes`: `oauth2` with the flows that are on; `bearer` where OpenAPI has a name for none.

        Beside it `dpop` and `mutualTLS`, where these are on.
        """
        return self._token_scheme() | {name: scheme for kind, (name, scheme) in BINDING.items() if self._is_on(kind)}

    def _token_scheme(self) -> dict[str, Any]:
        flows = {}
        for feature in GRANTS.values():
            if self._issues_tokens and feature.openapi is not None and feature.is_on(self._settings):
                name, endpoints = feature.openapi
                flow: dict[str, Any] = {MEMBERS[endpoint]: self._url(endpoint) for endpoint in endpoints}
                if feature.refreshable and "refresh_token" in self._settings.grant_types:
                    flow["refreshUrl"] = self._url("token")
                flows[name] = flow | {"scopes": {each: str(words) for each, words in self._settings.scopes.items()}}
        if flows:
            return {"oauth2": {"type": "oauth2", "flows": flows}}
        return {"bearer": {"type": "http", "scheme": "bearer"}}

    def security(self, view: str | Callable[..., Any], method: str = "GET") -> list[dict[str, list[str]]]:
        """An operation's `security`: the alternatives, of which one is needed, or an empty list. Raises `ValueError`."""
        endpoint = view if isinstance(view, str) else self._endpoint_of(view)
        rules = [rule for rule in self._app.url_map.iter_rules() if rule.endpoint == endpoint]
        if not rules:
            raise ValueError(f"{view!r} is neither a view of this app nor an endpoint's name.")
        rule = next((rule for rule in rules if method.upper() in (rule.methods or ())), rules[0])
        return self._security(rule, method.upper())

    def add_security(self, document: dict[str, Any]) -> dict[str, Any]:
        """Add the schemes and each operation's `security` to an OpenAPI document, and return it.

        An operation is found by its path, as Flask routes it. An operation that has a `security` already keeps it.
        """
        document.setdefault("components", {}).setdefault("securitySchemes", {}).update(self.security_schemes())
        routed = {
            (_VARIABLE.sub(r"{\1}", rule.rule), method.lower()): rule
            for rule in self._app.url_map.iter_rules()
            for method in rule.methods or ()
        }
        for path, item in document.get("paths", {}).items():
            for method in METHODS.intersection(item):
                rule = routed.get((path, method))
                wanted = None if rule is None else self._security(rule, method.upper())
                if wanted:
                    item[method].setdefault("security", wanted)
        return document

    def _security(self, rule: Rule, method: str) -> list[dict[str, list[str]]]:
        requirements = list(dict.fromkeys(self._requirements(rule, method)))
        if not requirements:
            return []
        needed = frozenset[str]().union(*(each.scopes for each in requirements))
        choices = product(*(sorted(each.any_of) for each in requirements if each.any_of))
        (scheme,) = self._token_scheme()
        alternatives = dict.fromkeys(tuple(sorted(needed.union(choice))) for choice in choices)
        bindings = dict.fromkeys(product(*(self._bindings(each.bound) for each in requirements if each.bound)))
        stranger: list[dict[str, list[str]]] = [{}] if all(each.optional for each in requirements) else []
        return stranger + [
            {scheme: list(scopes), **{name: [] for name in names if name}}
            for scopes in alternatives
            for names in bindings
        ]

    def _is_on(self, kind: str) -> bool:
        return bool(getattr(self._settings, kind))

    def _bindings(self, bound: bool | str) -> list[str]:
        """The schemes of which a view asks for one beside the token's; "" where none of them is on."""
        kinds = BINDING if bound is True else (str(bound),)
        return [BINDING[kind][0] for kind in kinds if self._is_on(kind)] or [""]

    def _requirements(self, rule: Rule, method: str) -> Iterator[Requirement]:
        """All requirements that a request has to meet: those of `OAUTH_PROTECT`, of its blueprints and of its view."""
        path = _VARIABLE.sub(ANYTHING, rule.rule)
        return requirements_at(self._app, self._path_rules, self._own, rule.endpoint, method, path)

    def _endpoint_of(self, view: Callable[..., Any]) -> str | None:
        for endpoint, function in self._app.view_functions.items():
            if view is function or view is getattr(function, "view_class", None):
                return endpoint
        return None

    def _url(self, endpoint: str) -> str:
        """An endpoint's URL: on the issuer's host where that is known, else a path below the document's own server."""
        root = request.script_root if has_request_context() else ""
        path = root + self._settings.url_prefix + ENDPOINTS[endpoint].path
        try:
            return self._issuer.url(path)
        except NotConfigured:
            return path

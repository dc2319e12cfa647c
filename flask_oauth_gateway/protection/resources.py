"""The resources that code adds to those of `OAUTH_RESOURCES`: by `gateway.resource(…)`, whose views browsers' scripts may call,
and the audiences that views ask for.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import request

from ..web.first_request import at_first_request
from ..web.other_extensions import has_flask_cors
from .operations import requirements_here
from .require_token import requirements_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask, Response

    from ..config import Settings
    from ..config.permissions import Resource
    from ..permissions.resources import Resources
    from .guard import Guard
    from .paths import PathRules

CORS = "oauth_gateway_cors"  # the key in `app.extensions`
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
ALLOWED_HEADERS = (
    "Authorization, Content-Type, DPoP, Last-Event-ID, Mcp-Method, Mcp-Name, Mcp-Protocol-Version, Mcp-Session-Id"
)
EXPOSED_HEADERS = "DPoP-Nonce, Mcp-Session-Id, Retry-After, WWW-Authenticate"
METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
PREFLIGHT_SECONDS = "3600"


def add_resource(app: Flask, settings: Settings, resources: Resources, path: str, resource: Resource) -> None:
    """Add what is at a path to an app's resources, and let browsers' scripts call it."""
    resources.add(f"gateway.resource({path!r})", path, resource)
    cors: ViewCors = app.extensions.setdefault(CORS, ViewCors(app, settings.cors_origins))
    cors.allow(path)


def know_views(app: Flask, resources: Resources, guard: Guard, rules: PathRules | None, own: frozenset[str]) -> None:
    """At the first request, add the audiences that views ask for. Refusals name all that an operation asks for."""
    at_first_request(app, lambda: resources.settle(audiences_of(app, rules, own)))
    guard.operation = partial(requirements_here, app, rules, own)


def audiences_of(app: Flask, rules: PathRules | None, own: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The audiences that the app's views and the entries of `OAUTH_PROTECT` name, each with a path of them."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in own:
            for method in sorted(rule.methods or ()):
                for _, wanted in requirements_of(app, rule.endpoint, method):
                    if wanted.audience is not None:
                        yield wanted.audience, rule.rule.partition("<")[0].rstrip("/")
    for entry in () if rules is None else rules.rules:
        if entry.requirement is not None and entry.requirement.audience is not None:
            yield entry.requirement.audience, entry.path.partition("*")[0].partition("<")[0].rstrip("/")


class ViewCors:
    """Lets browsers' scripts call what is at some paths of an app, as MCP clients in a browser do (Fetch standard).

    A bearer token is no cookie, so any origin may ask; `origins`, the setting `OAUTH_CORS_ORIGINS`, allows only some. Where
    the app has Flask-CORS, or a view sets these headers itself, nothing is added.
    """

    def __init__(self, app: Flask, origins: tuple[str, ...] | None) -> None:
        self._app = app
        self._origins = ("*",) if origins is None else origins
        self._prefixes: list[str] = []

    def allow(self, prefix: str) -> None:
        """Let scripts call what is at a path and below."""
        if not self._prefixes:  # the last of all functions, so that it sees what the others decided
            self._app.after_request_funcs.setdefault(None, []).insert(0, self._after_request)
        self._prefixes.append(prefix.rstrip("/"))

    def _after_request(self, response: Response) -> Response:
        if (
            "HTTP_ORIGIN" in request.environ
            and ALLOW_ORIGIN not in response.headers
            and self._covers(request.path)
            and not has_flask_cors(self._app, response)
        ):
            self._add_headers(response)
        return response

    def _covers(self, path: str) -> bool:
        return any(path == prefix or path.startswith(f"{prefix}/") for prefix in self._prefixes)

    def _add_headers(self, response: Response) -> None:
        origin = request.environ["HTTP_ORIGIN"]
        if "*" not in self._origins:
            response.headers.add("Vary", "Origin")
            if origin not in self._origins:
                return
        response.headers[ALLOW_ORIGIN] = "*" if "*" in self._origins else origin
        if request.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.environ:
            response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", METHODS)
            response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            response.headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
        else:
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS

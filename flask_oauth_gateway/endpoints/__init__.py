"""The endpoints for programs, one file each. `make_blueprint` routes those that are on, by the table in `features/`."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Response, abort, current_app, request
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, default_exceptions
from werkzeug.routing import BaseConverter

from ..config.checks import ConfigurationError
from ..errors import (
    NotConfigured,
    NotFound,
    OAuth2Error,
    RequestTooLarge,
    TemporarilyUnavailable,
    TooManyRequests,
    clean,
)
from ..features import ENDPOINTS, endpoints_that_are_on
from ..hooks import UnusableSubject
from ..web.answers import bound, json_response, render_error
from ..web.documents import preflight as document_preflight
from ..web.other_extensions import exempt_from_csrf, keep_page_headers, seconds_to_wait
from ..web.place import know_any_host, place_of
from ..web.request import is_browser
from .cors import Cors

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from flask.blueprints import BlueprintSetupState

    from ..authorization_server import AuthorizationServer
    from ..resource_server import Server

PACKAGE = __name__.rpartition(".")[0]


def make_blueprint(server: Server) -> Blueprint:
    """A blueprint with the server's endpoints and pages that are on, under the prefix; every error is answered in JSON."""
    settings = server.settings
    place = place_of(server.app, settings.issuer)
    blueprint = _PlacedBlueprint(
        place,
        "oauth",
        PACKAGE,
        url_prefix=settings.url_prefix,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    cors = Cors(
        settings.cors_origins,
        frozenset(f"oauth.{name}" for name, each in ENDPOINTS.items() if each.cors),
        frozenset(f"oauth.{name}" for name, each in ENDPOINTS.items() if each.anybody),
        cast("AuthorizationServer", server).clients.get if server.issues_tokens else None,
    )
    for name, endpoint in endpoints_that_are_on(settings, issues_tokens=server.issues_tokens):
        view = _view(endpoint.view, server)
        if not endpoint.methods:
            _answer_any_method(blueprint, endpoint.path, name, view)
            continue
        allowed = {*endpoint.methods, *(("HEAD",) if "GET" in endpoint.methods else ())}
        blueprint.add_url_rule(endpoint.path, name, view, methods=endpoint.methods, provide_automatic_options=False)
        if endpoint.cors or endpoint.document:
            allowed.add("OPTIONS")
            preflight = cors.preflight if endpoint.cors else document_preflight
            blueprint.add_url_rule(
                endpoint.path, f"{name}_preflight", preflight, methods=["OPTIONS"], provide_automatic_options=False
            )
        _answer_any_method(blueprint, endpoint.path, f"{name}_method", _method_not_allowed, allowed=sorted(allowed))
    blueprint.record(_know_anything)
    if settings.in_profile.for_old_clients:
        from .root import answer_at_root  # other apps never load it

        answer_at_root(blueprint, server, place)
    know_any_host(server.app)
    exempt_from_csrf(server.app, blueprint)
    if server.issues_tokens:
        _add_what_manages(blueprint, cast("AuthorizationServer", server))
    for path in ("", "/", "/<oauth_anything:path>"):
        _answer_any_method(blueprint, path, "not_found", _not_found)
    blueprint.after_request(cors.allow_origin)
    if settings.in_profile.see_other:
        blueprint.after_request(_see_other)
    if settings.compatibility is not None and server.issues_tokens:
        issuing = cast("AuthorizationServer", server)
        rewrite = import_module(f"{PACKAGE}.compatibility.{settings.compatibility}").rewrite
        blueprint.after_request(partial(rewrite, issuing.clients, issuing.approvals))
    blueprint.register_error_handler(OAuth2Error, render_error)
    for mistake in (ConfigurationError, UnusableSubject):
        blueprint.register_error_handler(mistake, _not_configured)
    for code in default_exceptions.keys() - {404, 405}:  # by their codes, which come before handlers of the app's own
        blueprint.register_error_handler(code, _http_error)
    blueprint.register_error_handler(HTTPException, _http_error)
    return blueprint


def _add_what_manages(blueprint: _PlacedBlueprint, server: AuthorizationServer) -> None:
    """Route the management API, and note what is refused to users' own apps."""
    settings = server.settings
    if settings.admin or settings.developer:
        from ..management import add_management  # other apps never load it

        for number, (path, methods) in enumerate(add_management(blueprint, server).items()):
            name = f"management_method_{number}"
            _answer_any_method(blueprint, path, name, _method_not_allowed, allowed=sorted(methods))
    if settings.admin:
        _answer_any_method(blueprint, "/admin/<oauth_anything:path>", "admin_not_found", _not_found)
    if settings.developer:
        from ..observing.refusals import note_refusal  # other apps never load it

        blueprint.after_request(partial(note_refusal, server.clients, server.audit_trail))


def _see_other(response: Response) -> Response:
    """A redirect after which no browser sends a form on, whichever one it was (FAPI 2.0 Security Profile section 5.3.2.1)."""
    if response.status_code in (301, 302, 307, 308):
        response.status_code = 303
    return response


def _view(path: str, server: Server) -> Callable[..., Any]:
    """A view of the table, bound to its server, as Flask can call it."""
    module, _, function = path.partition(":")
    view = bound(getattr(import_module(f"{PACKAGE}.{module}"), function), server)
    if _is_page(path):
        keep_page_headers(view)
    return view


def _is_page(view: str) -> bool:
    return view.startswith("pages.")


def _know_anything(setup: BlueprintSetupState) -> None:
    setup.app.url_map.converters["oauth_anything"] = _Anything


class _PlacedBlueprint(Blueprint):
    """A blueprint whose routes stand at one host or subdomain, its static files too; Flask knows that of subdomains only."""

    def __init__(self, place: dict[str, Any], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.place = place

    def make_setup_state(self, *args: Any, **options: Any) -> BlueprintSetupState:
        state = super().make_setup_state(*args, **options)
        state.add_url_rule = partial(state.add_url_rule, **self.place)  # type: ignore[method-assign]
        return state


class _Anything(BaseConverter):
    """Matches the rest of a path, whatever it holds; Werkzeug's own `path` stops at a line break."""

    regex = "(?s:.+)"
    part_isolating = False


def _answer_any_method(
    blueprint: _PlacedBlueprint, path: str, name: str, view: Callable[..., Response], **defaults: Any
) -> None:
    """Route every other method to `view`, even unknown ones, which Flask's own rules answer with an HTML page."""

    def add(setup: BlueprintSetupState) -> None:
        endpoint = f"{blueprint.name}.{name}"
        rule, place = f"{setup.url_prefix}{path}", blueprint.place
        setup.app.url_map.add(
            setup.app.url_rule_class(rule, endpoint=endpoint, methods=None, defaults=defaults, **place)
        )
        setup.app.view_functions[endpoint] = view

    blueprint.record(add)


def _not_found(path: str = "") -> Response:
    error = NotFound("There is nothing at this address.")
    if is_browser():
        return _admin_page(error) or abort(404)
    return render_error(error)


def _method_not_allowed(allowed: list[str], **_: str) -> Response:
    names = ", ".join(allowed)
    error = NotFound(f"This address takes {names}.", status_code=405, error="method_not_allowed")
    response = _admin_page(error) if is_browser() else render_error(error)
    if response is None:
        raise MethodNotAllowed(allowed)
    response.headers["Allow"] = names
    return response


def _admin_page(error: OAuth2Error) -> Response | None:
    """The error as a page among the administrator's; `None` elsewhere, where a browser gets the app's own page."""
    if not (request.endpoint or "").startswith("oauth.admin_"):
        return None
    from ..pages.rendering import refusal_page

    return refusal_page(error)


def _http_error(error: HTTPException) -> Any:
    """An error of Flask, Werkzeug or the app, in JSON. A browser that asked for a page gets the app's own error page."""
    if error.code == 429:  # Flask-Limiter's, or the app's own
        return _refuse(TooManyRequests(seconds_to_wait(current_app, error)))
    if is_browser() and (error.code in (404, 405) or _asks_for_page()):
        return _page_of_the_app(error)
    if error.code == 413:
        return render_error(RequestTooLarge())
    if error.code == 503:
        return render_error(TemporarilyUnavailable())
    if isinstance(error, InternalServerError):
        return json_response(500, {"error": "server_error", "error_description": "Something went wrong on the server."})
    body = {"error": "invalid_request", "error_description": clean(error.description or error.name)}
    return json_response(error.code or 400, body)


def _page_of_the_app(error: HTTPException) -> Any:
    """What the app's own handler for this status makes of an error; the error itself, which is a page, where it has none."""
    handlers = current_app.error_handler_spec[None].get(error.code, {})
    handler = next((handlers[each] for each in type(error).__mro__ if each in handlers), None)
    return error if handler is None else current_app.ensure_sync(handler)(error)


def _asks_for_page() -> bool:
    endpoint = ENDPOINTS.get((request.endpoint or "").removeprefix("oauth."))
    return endpoint is not None and _is_page(endpoint.view)


def _refuse(error: OAuth2Error) -> Response:
    """A refusal before the view was called; a page where a browser asked for one."""
    if is_browser() and _asks_for_page():
        from ..pages.rendering import refusal_page  # apps without pages never load it

        return refusal_page(error)
    return render_error(error)


def _not_configured(error: Exception) -> Response:
    """A mistake of the app's that shows only now: the log names it, and in debug mode the answer does."""
    current_app.logger.error("%s", error)
    return render_error(NotConfigured(clean(error) if current_app.debug else None))

"""Every endpoint, by name: its path under `OAUTH_URL_PREFIX`, its methods and its view. One file a URL family."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import HTTPException, InternalServerError

from ..errors import NotFound, OAuth2Error, RequestTooLarge, clean, json_response, render_error

if TYPE_CHECKING:
    from ..config import Settings

ALL_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an endpoint stands, under the prefix, and what answers there."""

    path: str
    methods: tuple[str, ...]
    view: str


ENDPOINTS = {
    "token": Endpoint("/token", ("POST",), "token:token"),
    "revoke": Endpoint("/revoke", ("POST",), "revoke:revoke"),
    "introspect": Endpoint("/introspect", ("POST",), "introspect:introspect"),
    "tokeninfo": Endpoint("/tokeninfo", ("GET", "POST"), "tokeninfo:tokeninfo"),
}


def make_blueprint(settings: Settings) -> Blueprint:
    """The endpoints, under the prefix, with every error in JSON; what isn't on is not routed."""
    blueprint = Blueprint("oauth", __name__, url_prefix=settings.url_prefix)
    for name, endpoint in ENDPOINTS.items():
        module, _, function = endpoint.view.partition(":")
        view = getattr(import_module(f"{__name__}.{module}"), function)
        allowed = {*endpoint.methods, *(("HEAD",) if "GET" in endpoint.methods else ())}
        blueprint.add_url_rule(endpoint.path, name, view, methods=endpoint.methods, provide_automatic_options=False)
        blueprint.add_url_rule(
            endpoint.path,
            f"{name}_method",
            _method_not_allowed,
            methods=ALL_METHODS - allowed,
            defaults={"allowed": ", ".join(sorted(allowed))},
            provide_automatic_options=False,
        )
    blueprint.add_url_rule(
        "/<path:path>", "not_found", _not_found, methods=ALL_METHODS, provide_automatic_options=False
    )
    blueprint.register_error_handler(OAuth2Error, render_error)
    blueprint.register_error_handler(HTTPException, _http_error)
    return blueprint


def _not_found(path: str) -> Response:
    if _is_browser():
        abort(404)
    return render_error(NotFound("There is nothing at this address."))


def _method_not_allowed(allowed: str) -> Response:
    error = NotFound(f"This address takes {allowed}.", status_code=405, error="method_not_allowed")
    response = render_error(error)
    response.headers["Allow"] = allowed
    return response


def _http_error(error: HTTPException) -> Response | HTTPException:
    """What Flask and Werkzeug raise, in JSON; a browser that lost its way gets the app's own page."""
    if error.code in (404, 405) and _is_browser():
        return error
    if error.code == 413:
        return render_error(RequestTooLarge())
    if isinstance(error, InternalServerError):
        return json_response(500, {"error": "server_error", "error_description": "Something went wrong on the server."})
    body = {"error": "invalid_request", "error_description": clean(error.description or error.name)}
    return json_response(error.code or 400, body)


def _is_browser() -> bool:
    return "text/html" in request.headers.get("Accept", "")

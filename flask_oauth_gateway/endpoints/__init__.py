"""Every endpoint, by name: its path under `OAUTH_URL_PREFIX`, its methods and its view. One file a URL family."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

from ..cors import allow_origin, preflight
from ..errors import NotFound, OAuth2Error, RequestTooLarge, clean, json_response, render_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from flask.blueprints import BlueprintSetupState

    from ..config import Settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an endpoint stands, under the prefix; what answers there; which grants bring it (`()`: it is always on)."""

    path: str
    methods: tuple[str, ...]
    view: str
    grants: tuple[str, ...] = ()
    cors: bool = False

    def is_on(self, settings: Settings) -> bool:
        return not self.grants or any(grant in settings.grant_types for grant in self.grants)


DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
WITH_A_PERSON = ("authorization_code", "implicit", "password", DEVICE_CODE)


ENDPOINTS = {
    "token": Endpoint("/token", ("POST",), "token:token", cors=True),
    "authorize": Endpoint("/authorize", ("GET", "POST"), "authorize:authorize", ("authorization_code", "implicit")),
    "revoke": Endpoint("/revoke", ("POST",), "revoke:revoke", cors=True),
    "introspect": Endpoint("/introspect", ("POST",), "introspect:introspect"),
    "jwks": Endpoint("/jwks", ("GET",), "jwks:jwks"),
    "tokeninfo": Endpoint("/tokeninfo", ("GET", "POST"), "tokeninfo:tokeninfo"),
    "device_authorization": Endpoint(
        "/device_authorization", ("POST",), "device:device_authorization", (DEVICE_CODE,), cors=True
    ),
    "device": Endpoint("/device", ("GET", "POST"), "device:device", (DEVICE_CODE,)),
    "applications": Endpoint("/applications", ("GET",), "applications:applications", WITH_A_PERSON),
    "revoke_application": Endpoint(
        "/applications/<path:client_id>/revoke", ("POST",), "applications:revoke_application", WITH_A_PERSON
    ),
}


def make_blueprint(settings: Settings) -> Blueprint:
    """The endpoints, under the prefix, with every error in JSON; what isn't on is not routed."""
    package = __name__.rpartition(".")[0]
    blueprint = Blueprint(
        "oauth",
        package,
        url_prefix=settings.url_prefix,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    for name, endpoint in ENDPOINTS.items():
        if not endpoint.is_on(settings):
            continue
        module, _, function = endpoint.view.partition(":")
        view = getattr(import_module(f"{__name__}.{module}"), function)
        allowed = {*endpoint.methods, *(("HEAD",) if "GET" in endpoint.methods else ())}
        blueprint.add_url_rule(endpoint.path, name, view, methods=endpoint.methods, provide_automatic_options=False)
        if endpoint.cors:
            allowed.add("OPTIONS")
            blueprint.add_url_rule(
                endpoint.path, f"{name}_preflight", preflight, methods=["OPTIONS"], provide_automatic_options=False
            )
        _answer_any_method(blueprint, endpoint.path, f"{name}_method", _method_not_allowed, allowed=sorted(allowed))
    for path in ("", "/", "/<path:path>"):
        _answer_any_method(blueprint, path, "not_found", _not_found)
    readable = frozenset(f"oauth.{name}" for name, endpoint in ENDPOINTS.items() if endpoint.cors)
    blueprint.after_request(partial(allow_origin, endpoints=readable))
    blueprint.register_error_handler(OAuth2Error, render_error)
    blueprint.register_error_handler(HTTPException, _http_error)
    return blueprint


def _answer_any_method(
    blueprint: Blueprint, path: str, name: str, view: Callable[..., Response], **defaults: Any
) -> None:
    """Answer whatever method is left over: to one that nobody heard of, Flask's own rules answer with an HTML page."""

    def add(setup: BlueprintSetupState) -> None:
        endpoint = f"{blueprint.name}.{name}"
        setup.app.url_map.add(
            setup.app.url_rule_class(f"{setup.url_prefix}{path}", endpoint=endpoint, methods=None, defaults=defaults)
        )
        setup.app.view_functions[endpoint] = view

    blueprint.record(add)


def _not_found(path: str = "") -> Response:
    if _is_browser():
        abort(404)
    return render_error(NotFound("There is nothing at this address."))


def _method_not_allowed(allowed: list[str], **_: str) -> Response:
    if _is_browser():
        raise MethodNotAllowed(allowed)
    names = ", ".join(allowed)
    error = NotFound(f"This address takes {names}.", status_code=405, error="method_not_allowed")
    response = render_error(error)
    response.headers["Allow"] = names
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

"""Every endpoint, by name: its path under `OAUTH_URL_PREFIX`, its methods and its view. One file a URL family."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed
from werkzeug.routing import BaseConverter

from ..errors import NotFound, OAuth2Error, RequestTooLarge, clean, json_response, render_error
from .cors import allow_origin, preflight

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from flask.blueprints import BlueprintSetupState

    from ..config import Settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an endpoint stands, under the prefix; to which methods (`()`: any) what answers there.

    Which grants bring it (`()`: it is always on), or which setting.
    """

    path: str
    methods: tuple[str, ...]
    view: str
    grants: tuple[str, ...] = ()
    cors: bool = False
    setting: str | None = None
    only_checks: bool = False  # an app that issues no tokens has it too

    def is_on(self, settings: Settings) -> bool:
        if self.setting is not None and not getattr(settings, self.setting):
            return False
        return not self.grants or any(grant in settings.grant_types for grant in self.grants)


DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
WITH_A_PERSON = ("authorization_code", "implicit", "password", DEVICE_CODE)


ENDPOINTS = {
    "token": Endpoint("/token", ("POST",), "endpoints.token:token", cors=True),
    "authorize": Endpoint(
        "/authorize", ("GET", "POST"), "pages.authorize:authorize", ("authorization_code", "implicit")
    ),
    "revoke": Endpoint("/revoke", ("POST",), "endpoints.revoke:revoke", cors=True),
    "introspect": Endpoint("/introspect", ("POST",), "endpoints.introspect:introspect"),
    "jwks": Endpoint("/jwks", ("GET",), "endpoints.jwks:jwks"),
    "tokeninfo": Endpoint("/tokeninfo", ("GET", "POST"), "endpoints.tokeninfo:tokeninfo"),
    "device_authorization": Endpoint(
        "/device_authorization", ("POST",), "pages.device:device_authorization", (DEVICE_CODE,), cors=True
    ),
    "device": Endpoint("/device", ("GET", "POST"), "pages.device:device", (DEVICE_CODE,)),
    "applications": Endpoint("/applications", ("GET",), "pages.approvals:applications", WITH_A_PERSON),
    "revoke_application": Endpoint(
        "/applications/<path:client_id>/revoke", ("POST",), "pages.approvals:revoke_application", WITH_A_PERSON
    ),
    "admin": Endpoint("/admin", ("GET",), "pages.admin.overview:overview", setting="admin"),
    "admin_overview": Endpoint("/admin/", ("GET",), "pages.admin.overview:overview", setting="admin"),
    "admin_clients": Endpoint("/admin/clients", ("GET",), "pages.admin.clients:clients", setting="admin"),
    "admin_client_new": Endpoint(
        "/admin/clients/new", ("GET", "POST"), "pages.admin.client_form:client_new", setting="admin"
    ),
    "admin_client": Endpoint("/admin/client", ("GET",), "pages.admin.clients:client", setting="admin"),
    "admin_client_edit": Endpoint(
        "/admin/client/edit", ("GET", "POST"), "pages.admin.client_form:client_edit", setting="admin"
    ),
    "admin_client_secret": Endpoint(
        "/admin/client/secret", ("POST",), "pages.admin.clients:client_secret", setting="admin"
    ),
    "admin_client_switch": Endpoint(
        "/admin/client/switch", ("POST",), "pages.admin.clients:client_switch", setting="admin"
    ),
    "admin_client_delete": Endpoint(
        "/admin/client/delete", ("GET", "POST"), "pages.admin.clients:client_delete", setting="admin"
    ),
    "admin_applications": Endpoint(
        "/admin/applications", ("GET",), "pages.admin.applications:applications", setting="admin"
    ),
    "admin_application_new": Endpoint(
        "/admin/applications/new", ("GET", "POST"), "pages.admin.applications:application_new", setting="admin"
    ),
    "admin_application": Endpoint(
        "/admin/application", ("GET",), "pages.admin.applications:application", setting="admin"
    ),
    "admin_application_edit": Endpoint(
        "/admin/application/edit", ("GET", "POST"), "pages.admin.applications:application_edit", setting="admin"
    ),
    "admin_application_status": Endpoint(
        "/admin/application/status", ("POST",), "pages.admin.applications:application_status", setting="admin"
    ),
    "admin_application_delete": Endpoint(
        "/admin/application/delete", ("GET", "POST"), "pages.admin.applications:application_delete", setting="admin"
    ),
    "admin_grants": Endpoint("/admin/grants", ("GET", "POST"), "pages.admin.tokens:grants", setting="admin"),
    "admin_tokens": Endpoint("/admin/tokens", ("GET", "POST"), "pages.admin.tokens:tokens", setting="admin"),
    "admin_revoke_all": Endpoint("/admin/revoke", ("POST",), "pages.admin.tokens:revoke_all", setting="admin"),
    "admin_keys": Endpoint("/admin/keys", ("GET", "POST"), "pages.admin.keys:keys", setting="admin"),
    "admin_issuers": Endpoint("/admin/issuers", ("GET",), "pages.admin.issuers:issuers", setting="admin"),
    "admin_audit": Endpoint("/admin/audit", ("GET",), "pages.admin.audit:audit", setting="admin"),
    "admin_audit_export": Endpoint("/admin/audit/export", ("GET",), "pages.admin.audit:audit_export", setting="admin"),
    "verify": Endpoint("/verify", (), "endpoints.verify:verify", setting="forward_auth", only_checks=True),
    "verify_root": Endpoint("/verify/", (), "endpoints.verify:verify_path", setting="forward_auth", only_checks=True),
    "verify_path": Endpoint(
        "/verify/<path:original>", (), "endpoints.verify:verify_path", setting="forward_auth", only_checks=True
    ),
    "metrics": Endpoint("/metrics", ("GET",), "endpoints.metrics:metrics", setting="metrics_scope", only_checks=True),
}


def make_blueprint(settings: Settings, *, issues_tokens: bool = True) -> Blueprint:
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
        if not endpoint.is_on(settings) or not (issues_tokens or endpoint.only_checks):
            continue
        module, _, function = endpoint.view.partition(":")
        view = getattr(import_module(f"{package}.{module}"), function)
        if not endpoint.methods:
            _answer_any_method(blueprint, endpoint.path, name, view)
            continue
        allowed = {*endpoint.methods, *(("HEAD",) if "GET" in endpoint.methods else ())}
        blueprint.add_url_rule(endpoint.path, name, view, methods=endpoint.methods, provide_automatic_options=False)
        if endpoint.cors:
            allowed.add("OPTIONS")
            blueprint.add_url_rule(
                endpoint.path, f"{name}_preflight", preflight, methods=["OPTIONS"], provide_automatic_options=False
            )
        _answer_any_method(blueprint, endpoint.path, f"{name}_method", _method_not_allowed, allowed=sorted(allowed))
    if settings.admin and issues_tokens:
        from ..management import add_management  # an app without it never loads it

        for number, (path, methods) in enumerate(add_management(blueprint).items()):
            name = f"management_method_{number}"
            _answer_any_method(blueprint, path, name, _method_not_allowed, allowed=sorted(methods))
    blueprint.record(_know_anything)
    for path in ("", "/", "/<oauth_anything:path>"):
        _answer_any_method(blueprint, path, "not_found", _not_found)
    readable = frozenset(f"oauth.{name}" for name, endpoint in ENDPOINTS.items() if endpoint.cors)
    blueprint.after_request(partial(allow_origin, endpoints=readable))
    if settings.compatibility is not None:
        blueprint.after_request(import_module(f"{package}.compatibility.{settings.compatibility}").rewrite)
    blueprint.register_error_handler(OAuth2Error, render_error)
    blueprint.register_error_handler(HTTPException, _http_error)
    return blueprint


def _know_anything(setup: BlueprintSetupState) -> None:
    setup.app.url_map.converters["oauth_anything"] = _Anything


class _Anything(BaseConverter):
    """The rest of a path, whatever is in it: Werkzeug's own `path` stops at a line break."""

    regex = "(?s:.+)"
    part_isolating = False


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

"""`GET /oauth/admin/api/openapi.json`: the management API in OpenAPI 3.1, made from its table of operations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flask import url_for

from ..config import ADMIN_SCOPE, APPS_SCOPE
from ..web.answers import json_response
from .applications import APPLICATION
from .clients import CLIENT
from .operation import Operation, Schema

if TYPE_CHECKING:
    from flask import Response

    from ..authorization_server import AuthorizationServer

PARAMETER = re.compile(r"<(?:path:)?(\w+)>")
ERROR: Schema = {
    "type": "object",
    "required": ["error", "error_description"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}
REASONS = {
    "400": "The request can't be read, or has an unknown member.",
    "401": "The token is missing or not valid.",
    "403": f"The token lacks the scope ({ADMIN_SCOPE}; {APPS_SCOPE} for one's own apps), or isn't of the kind that opens this.",
    "404": "There is nothing with this name.",
    "409": "There is already one with this name, or it is in use.",
    "412": "Somebody has changed it since it was read (If-Match).",
    "413": "The body is too large.",
    "422": "A value can't be used.",
    "429": "Too many requests: see Retry-After.",
    "503": "The database is out of reach, or a setting is missing: see Retry-After.",
}


def openapi(server: AuthorizationServer, operations: Iterable[Operation]) -> Response:
    """Answer with the document, which holds nothing beyond the documentation."""
    return json_response(200, describe(server, operations))


def describe(server: AuthorizationServer, operations: Iterable[Operation]) -> dict[str, Any]:
    """An OpenAPI 3.1 document of these operations."""
    paths: dict[str, dict[str, Any]] = {}
    operations = tuple(operations)
    for operation in operations:
        paths.setdefault(PARAMETER.sub(r"{\1}", operation.path), {})[operation.method.lower()] = _operation(operation)
    settings = server.settings
    own_url = url_for("oauth.own_openapi").removesuffix("/openapi.json") if settings.developer else None
    flows: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Error": dict(ERROR)}
    if settings.admin:
        schemas |= {"Client": _object(CLIENT), "Application": _object(APPLICATION)}
        token_url = {"tokenUrl": url_for("oauth.token")}
        flows["clientCredentials"] = {**token_url, "scopes": {ADMIN_SCOPE: settings.scopes[ADMIN_SCOPE]}}
    if own_url is not None:
        from .own_apps import APP

        schemas["App"] = _object(APP)
        for path in {PARAMETER.sub(r"{\1}", each.path) for each in operations if each.own}:
            paths[path]["servers"] = [{"url": own_url}]
        if "authorization_code" in settings.grant_types:
            flows["authorizationCode"] = {
                "authorizationUrl": url_for("oauth.authorize"), "tokenUrl": url_for("oauth.token"),
                "scopes": {APPS_SCOPE: settings.scopes[APPS_SCOPE]},
            }  # fmt: skip
    url = url_for("oauth.management_openapi").removesuffix("/openapi.json") if settings.admin else own_url
    return {
        "openapi": "3.1.0",
        "info": {"title": "OAuth gateway: management", "version": "1"},
        "servers": [{"url": url}],
        "security": [{"oauth2": [ADMIN_SCOPE]}],
        "paths": paths,
        "components": {
            "securitySchemes": {"oauth2": {"type": "oauth2", "flows": flows}},
            "schemas": schemas,
            "responses": {status: _error(reason) for status, reason in REASONS.items()},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in PARAMETER.findall(operation.path)
    ]
    parameters += [
        {"name": name, "in": "query", "schema": dict(schema), **({"required": True} if name in operation.needs else {})}
        for name, schema in operation.query.items()
    ]
    if operation.guarded or (operation.versioned and operation.body is not None and operation.finds):
        parameters.append({"name": "If-Match", "in": "header", "schema": {"type": "string"}})
    statuses = ["400", "401", "403", "413", "429", "503"]
    statuses += ["404"] if operation.finds else []
    statuses += ["409", "422"] if operation.checks else []
    statuses += ["412"] if operation.guarded or (operation.finds and operation.method in ("PATCH", "DELETE")) else []
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            str(operation.status): _answer(operation),
            **{status: {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)},
        },
    }
    if operation.own:
        found["security"] = [{"oauth2": [APPS_SCOPE]}]
    if operation.body is not None:
        schema = {**_object(operation.body), "additionalProperties": False}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return found


def _answer(operation: Operation) -> dict[str, Any]:
    if operation.answer is None:
        return {"description": "Done."}
    return {"description": "Done.", "content": {"application/json": {"schema": _object(operation.answer)}}}


def _object(properties: Mapping[str, Schema]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: dict(schema) for name, schema in properties.items()}}


def _error(reason: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": reason, "content": {"application/json": {"schema": schema}}}

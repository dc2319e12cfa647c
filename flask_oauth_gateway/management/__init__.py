"""The management API, `/oauth/admin/api/…`: does for programs what the administrator's pages do (`OAUTH_ADMIN`).

The routes, the checks of requests and the OpenAPI document are all made from one table of operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from ..web.answers import bound
from . import applications, audit, clients, issuers, keys, sessions, tokens
from .operation import Operation, serve

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..authorization_server import AuthorizationServer

OPERATIONS: tuple[Operation, ...] = (
    *clients.OPERATIONS,
    *applications.OPERATIONS,
    *tokens.OPERATIONS,
    *keys.OPERATIONS,
    *issuers.OPERATIONS,
    *audit.OPERATIONS,
)
PREFIX = "/admin/api"
Route = tuple[str, str, str, "Callable[..., Response]"]  # path, method, endpoint, view


def add_management(blueprint: Blueprint, server: AuthorizationServer) -> dict[str, list[str]]:
    """Route every operation, and the OpenAPI document; returns the methods that each path takes."""
    from .openapi import openapi

    taken: dict[str, list[str]] = {}
    operations = (*OPERATIONS, *sessions.OPERATIONS) if server.settings.oidc else OPERATIONS
    document: Route = (f"{PREFIX}/openapi.json", "GET", "management_openapi", bound(openapi, server, operations))
    served = [(PREFIX + each.path, each.method, f"management_{each.name}", serve(each, server)) for each in operations]
    for path, method, endpoint, view in (*served, document):
        blueprint.add_url_rule(path, endpoint, view, methods=[method], provide_automatic_options=False)
        taken.setdefault(path, []).extend((method, "HEAD") if method == "GET" else (method,))
    return taken

"""The management API, `/oauth/admin/api/…`: does for programs what the administrator's pages do (`OAUTH_ADMIN`).

`/oauth/developer/api/…` is the same for the apps of the token's user (`OAUTH_DEVELOPER`).

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
PREFIX, OWN_PREFIX = "/admin/api", "/developer/api"
Route = tuple[str, str, str, "Callable[..., Response]"]  # path, method, endpoint, view


def add_management(blueprint: Blueprint, server: AuthorizationServer) -> dict[str, list[str]]:
    """Route every operation, and the OpenAPI document; returns the methods that each path takes."""
    from .openapi import openapi

    settings = server.settings
    taken: dict[str, list[str]] = {}
    operations: tuple[Operation, ...] = ()
    if settings.admin:
        operations = (*OPERATIONS, *sessions.OPERATIONS) if settings.oidc else OPERATIONS
    served: list[Route] = [
        (PREFIX + each.path, each.method, f"management_{each.name}", serve(each, server)) for each in operations
    ]
    if settings.developer:
        from . import own_apps  # other apps never load it

        own = own_apps.OPERATIONS
        served += [(OWN_PREFIX + each.path, each.method, f"own_{each.name}", serve(each, server)) for each in own]
        served.append((f"{OWN_PREFIX}/openapi.json", "GET", "own_openapi", bound(openapi, server, own)))
        operations = (*operations, *own)
    if settings.admin:
        served.append((f"{PREFIX}/openapi.json", "GET", "management_openapi", bound(openapi, server, operations)))
    for path, method, endpoint, view in served:
        blueprint.add_url_rule(path, endpoint, view, methods=[method], provide_automatic_options=False)
        taken.setdefault(path, []).extend((method, "HEAD") if method == "GET" else (method,))
    return taken

"""`/oauth/developer/`: the list of a user's apps, one app, and its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...clients.developers.rules import kind_of
from ...clients.kinds import KINDS
from ...features import SECRET_METHODS
from ...stores.registration.user_apps import MAX_COUNTED
from . import Visit, go, page, stale_text
from .troubles import troubles_of

if TYPE_CHECKING:
    from flask import Response

    from ...stores.registered_client import Client
    from . import Answer

HOUR, DAY = 3600, 86400
OVERLAPS = (0, HOUR, DAY, 7 * DAY, 30 * DAY)


@page
def apps(visit: Visit) -> Response:
    """Show the user's apps."""
    found = visit.apps.of(visit.subject)
    return visit.render(
        "apps.html",
        apps=[(each, kind_of(each), each.state_for_owner) for each in found],
        kinds=KINDS,
        most=visit.server.settings.developer_max,
        approval=visit.server.settings.developer_approval,
    )


@page
def app(visit: Visit) -> Response:
    """Show one app: what it is, its secrets, who uses it, what went wrong within the last day."""
    return show(visit, visit.existing())


def show(visit: Visit, found: Client, problem: str | None = None) -> Response:
    kind = kind_of(found)
    return visit.render(
        "app.html",
        client=found,
        kind=KINDS.get(kind),
        state=found.state_for_owner,
        problem=problem,
        usage=counted(visit, found),
        troubles=troubles_of(visit.server, found),
        has_secrets=found.token_endpoint_auth_method in SECRET_METHODS,
        overlaps=OVERLAPS,
        now=time.time(),
    )


@page
def delete(visit: Visit) -> Answer:
    """Show what deleting an app would end, and delete it."""
    found = visit.existing()
    problem = None
    if visit.form is not None:
        if not visit.is_stale:
            visit.apps.delete(visit.subject, found.client_id)
            return go("apps", done="deleted")
        problem = stale_text()
    return visit.render("delete.html", client=found, usage=counted(visit, found), problem=problem)


def counted(visit: Visit, client: Client) -> dict[str, str]:
    """Who uses an app, in numbers as they are shown."""
    found = visit.apps.usage(client)
    return {name: f"{number}+" if number >= MAX_COUNTED else str(number) for name, number in found.items()}

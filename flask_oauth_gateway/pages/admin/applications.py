"""`/oauth/admin/applications`: lists, registers, approves, revokes and deletes partners' applications, with their clients."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import BadRequest

from ...clients.members import ClientMetadataError
from ...stores.applications import APPROVED, PENDING, STATUSES, ApplicationChanged, ApplicationInUse
from . import PAGE, Visit, go, not_there, page, stale_text

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as BaseResponse

    from ...stores.applications import Application

TEXTS = ("name", "owner", "plan", "attributes", "application_id", "status", "version")


@page
def applications(visit: Visit) -> Response:
    """Show the list, page by page, or a search in it."""
    asked = {name: visit.asked(name) for name in ("status", "owner")}
    text = visit.asked("q")
    try:
        found = visit.server.application_registry.find(text, **asked, after=visit.asked("after"), limit=PAGE)
    except ValueError as error:
        raise BadRequest(str(error)) from error
    return visit.render("applications.html", "applications", found=found, text=text, asked=asked, statuses=STATUSES)


@page
def application(visit: Visit) -> Response:
    """Show one application, its clients page by page, and the buttons to change it."""
    return _show(visit, _existing(visit))


@page
def application_new(visit: Visit) -> Response | BaseResponse:
    """Register an application."""
    if visit.form is None:
        return _form(visit, None, _as_sent(visit) | {"status": APPROVED})
    try:
        if visit.is_stale:
            raise ClientMetadataError(stale_text())
        made = visit.server.application_registry.create(
            application_id=visit.sent("application_id") or None, status=visit.sent("status"), **_values(visit)
        )
    except ClientMetadataError as error:
        return _form(visit, None, _as_sent(visit), str(error))
    return go("admin_application", application_id=made.application_id, done="changed")


@page
def application_edit(visit: Visit) -> Response | BaseResponse:
    """Change an application's name, owner, plan and attributes; not its status."""
    found = _existing(visit)
    if visit.form is None:
        return _form(visit, found, _as_stored(found))
    try:
        if visit.is_stale or visit.sent("version") != str(found.version):
            raise ClientMetadataError(stale_text())
        visit.server.application_registry.update(found.application_id, version=found.version, **_values(visit))
    except ApplicationChanged:
        return _form(visit, _existing(visit), _as_sent(visit), stale_text())
    except ClientMetadataError as error:
        return _form(visit, found, _as_sent(visit), str(error))
    return go("admin_application", application_id=found.application_id, done="changed")


@page
def application_status(visit: Visit) -> Response | BaseResponse:
    """Approve or revoke an application."""
    found = _existing(visit)
    if visit.is_stale:
        return _show(visit, found, stale_text())
    registry = visit.server.application_registry
    if visit.sent("action") == "approve":
        seen = visit.sent("version") or str(found.version)  # a template of the app's own may lack it
        if not re.fullmatch("[0-9]{1,18}", seen):
            return _show(visit, found, stale_text())
        try:
            registry.approve(found.application_id, version=int(seen))
        except ApplicationChanged:
            return _show(visit, _existing(visit), stale_text())
    elif visit.sent("action") == "revoke":
        registry.revoke(found.application_id)
    return go("admin_application", application_id=found.application_id, done="changed")


@page
def application_delete(visit: Visit) -> Response | BaseResponse:
    """Show what deleting an application would end, and delete it; where it has clients, only together with them."""
    found = _existing(visit)
    problem = None
    if visit.form is not None:
        problem = stale_text() if visit.is_stale else None
        if problem is None:
            with_clients = visit.sent("with_clients") == "yes"
            try:
                visit.server.application_registry.delete(found.application_id, with_clients=with_clients)
            except ApplicationInUse as error:
                problem = str(error)
            else:
                return go("admin_applications", done="application_deleted")
    clients = visit.server.client_registry.find(application=found.application_id, limit=PAGE)
    status = 200 if problem is None else 400
    return visit.render(
        "application_delete.html", "applications", status, application=found, clients=clients, problem=problem
    )


def _existing(visit: Visit) -> Application:
    """The application that the URL names. Raises `NotFound`."""
    found = visit.server.application_registry.get(visit.asked("application_id") or "")
    return not_there() if found is None else found


def _show(visit: Visit, found: Application, problem: str | None = None) -> Response:
    try:
        clients = visit.server.client_registry.find(
            application=found.application_id, after=visit.asked("after"), limit=PAGE
        )
    except ValueError as error:
        raise BadRequest(str(error)) from error
    status = 200 if problem is None else 400
    return visit.render("application.html", "applications", status, application=found, clients=clients, problem=problem)


def _form(visit: Visit, found: Application | None, values: dict[str, Any], problem: str | None = None) -> Response:
    plan = values.get("plan")
    return visit.render(
        "application_form.html",
        "applications",
        200 if problem is None else 400,
        application=found,
        values=values,
        problem=problem,
        plans=list(dict.fromkeys([*visit.server.settings.plans, *([plan] if plan else [])])),
        statuses=(PENDING, APPROVED),
    )


def _values(visit: Visit) -> dict[str, Any]:
    """The values in the form. Raises `ClientMetadataError`."""
    found: dict[str, Any] = {name: visit.sent(name) or None for name in ("owner", "plan")}
    try:
        found["attributes"] = json.loads(visit.sent("attributes")) if visit.sent("attributes") else None
    except (ValueError, RecursionError) as error:
        raise ClientMetadataError(f"attributes is a JSON object ({error}).") from error
    return {"name": visit.sent("name"), **found}


def _as_sent(visit: Visit) -> dict[str, Any]:
    return {name: visit.sent(name) for name in TEXTS}


def _as_stored(found: Application) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(found, name) for name in ("name", "owner", "plan")}
    attributes = json.dumps(found.attributes, indent=2, ensure_ascii=False) if found.attributes else ""
    return {**values, "attributes": attributes, "version": str(found.version)}

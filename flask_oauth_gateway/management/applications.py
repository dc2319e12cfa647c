"""The operations on applications: list, search, register, change, approve, revoke, delete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..descriptions.records import describe_application
from ..errors import InvalidRequestError, clean
from ..stores.applications import (
    PENDING,
    STATUSES,
    Application,
    ApplicationChanged,
    ApplicationInUse,
    ApplicationNotFound,
)
from .operation import (
    FLAG,
    PAGE,
    SECONDS,
    TEXT,
    Call,
    Conflict,
    Operation,
    PreconditionFailed,
    Schema,
    expected_version,
)

SHORT: Schema = {"type": "string", "minLength": 1, "maxLength": 255}
SHORT_OR_NULL: Schema = {"type": ["string", "null"], "maxLength": 255}
STATUS: Schema = {"type": "string", "minLength": 1, "maxLength": 16, "enum": list(STATUSES)}
OBJECT_OR_NULL: Schema = {"type": ["object", "null"]}
GIVEN: dict[str, Schema] = {
    "name": SHORT, "owner": SHORT_OR_NULL, "plan": SHORT_OR_NULL, "attributes": OBJECT_OR_NULL,
}  # fmt: skip
APPLICATION: dict[str, Schema] = {
    "application_id": TEXT, **GIVEN, "status": STATUS, "created_at": SECONDS, "updated_at": SECONDS,
}  # fmt: skip


def find(call: Call) -> dict[str, Any]:
    try:
        page = call.server.application_registry.find(**call.query)
    except ValueError as error:
        raise InvalidRequestError(str(error)) from error
    return {"applications": [describe_application(each) for each in page.applications], "next": page.next}


def create(call: Call) -> dict[str, Any]:
    given = {name: value for name, value in call.body.items() if value is not None}
    return _versioned(call.server.application_registry.create(given.pop("name", ""), **given))


def show(call: Call) -> dict[str, Any]:
    return _versioned(_existing(call))


def update(call: Call) -> dict[str, Any]:
    registry, application_id = call.server.application_registry, call.path["application_id"]
    with _unchanged():
        return _versioned(registry.update(application_id, version=expected_version(), **call.body))


def approve(call: Call) -> dict[str, Any]:
    registry, application_id = call.server.application_registry, call.path["application_id"]
    with _unchanged():
        return _versioned(registry.approve(application_id, version=expected_version()))


def revoke(call: Call) -> dict[str, Any]:
    return _versioned(call.server.application_registry.revoke(call.path["application_id"]))


def delete(call: Call) -> None:
    how = {"with_clients": call.query.get("with_clients", False), "version": expected_version()}
    try:
        with _unchanged():
            call.server.application_registry.delete(call.path["application_id"], **how)
    except ApplicationInUse as error:
        raise Conflict(clean(error)) from error


def _existing(call: Call) -> Application:
    found = call.server.application_registry.get(call.path["application_id"])
    if found is None:
        raise ApplicationNotFound(call.path["application_id"])
    return found


@contextmanager
def _unchanged() -> Iterator[None]:
    """Raises `PreconditionFailed` where somebody has changed the application since the caller read it (`If-Match`)."""
    try:
        yield
    except ApplicationChanged:
        raise PreconditionFailed from None


def _versioned(application: Application) -> dict[str, Any]:
    return {**describe_application(application), "version": application.version}


PATH = "/applications/<application_id>"
OPERATIONS = (
    Operation(
        name="list_applications", method="GET", path="/applications", summary="Search the applications, the oldest first",
        run=find,
        query={"text": {**TEXT, "description": "The beginning of the application_id, or a part of the name."}, "status": STATUS,
               "owner": TEXT, **PAGE},
        answer={"applications": {"type": "array", "items": {"$ref": "#/components/schemas/Application"}},
                "next": {"type": ["string", "null"]}},
    ),
    Operation(
        name="create_application", method="POST", path="/applications", summary="Register an application", run=create,
        body={**GIVEN, "application_id": {**TEXT, "type": ["string", "null"]},
              "status": {**STATUS, "default": "approved", "description": f"{PENDING}: its clients don't work yet."}},
        answer=APPLICATION, status=201, checks=True, versioned=True,
    ),
    Operation(
        name="show_application", method="GET", path=PATH, summary="Show an application", run=show, answer=APPLICATION,
        finds=True, versioned=True,
    ),
    Operation(
        name="update_application", method="PATCH", path=PATH, summary="Change the given members; null removes one", run=update,
        body=GIVEN, answer=APPLICATION, finds=True, checks=True, versioned=True,
    ),
    Operation(
        name="approve_application", method="POST", path=f"{PATH}/approve", run=approve, answer=APPLICATION, finds=True,
        summary="Let its clients work, except those that are disabled themselves", guarded=True, versioned=True,
    ),
    Operation(
        name="revoke_application", method="POST", path=f"{PATH}/revoke", run=revoke, answer=APPLICATION, finds=True,
        summary="Stop its clients and all their tokens at once", versioned=True,
    ),
    Operation(
        name="delete_application", method="DELETE", path=PATH, summary="Delete an application, and its clients if asked to",
        run=delete, query={"with_clients": {**FLAG, "default": False}}, status=204, finds=True, checks=True,
    ),
)  # fmt: skip

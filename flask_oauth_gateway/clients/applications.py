"""`gateway.applications`: the application registry. The command line, the pages and the management API call it too."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from ..errors import shown
from ..signals import application_changed, application_created, client_changed
from ..stores.applications import (
    APPROVED,
    NAME_LENGTH,
    REVOKED,
    STATUSES,
    Application,
    ApplicationChanged,
    ApplicationNotFound,
    is_application_id,
)
from ..web.environ import actor
from .members import ClientMetadataError, check_object, check_owner, check_page, check_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from ..config import Settings
    from ..stores.applications import ApplicationStore
    from ..stores.clients import ClientStore

FIELDS = ("name", "owner", "plan", "attributes")


@dataclass(frozen=True, slots=True)
class ApplicationPage:
    """Some applications. `next` is where the next page begins, `find(..., after=page.next)`; `None` on the last page."""

    applications: Sequence[Application]
    next: str | None


class ApplicationRegistry:
    """Creates, reads, changes and deletes applications."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        applications: ApplicationStore,
        clients: ClientStore,
        forget_tokens: Callable[[], None],
    ) -> None:
        self._app = app
        self._settings = settings
        self._applications = applications
        self._clients = clients
        self._forget_tokens = forget_tokens

    def create(
        self,
        name: str,
        *,
        application_id: str | None = None,
        owner: str | None = None,
        status: str = APPROVED,
        plan: str | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Application:
        """Register an application. Without an `application_id`, one is made; `owner` is a subject.

        `status` is "pending", "approved" or "revoked": the application's clients work only while it is approved. `plan`
        and `attributes` apply to those of its clients that have none of their own. Raises `ClientMetadataError`, which
        says what is wrong.
        """
        new_id = secrets.token_hex(16) if application_id is None else application_id
        values = self.check(new_id, {"name": name, "owner": owner, "plan": plan, "attributes": attributes}, status)
        try:
            self._applications.add(new_id, values)
        except IntegrityError:
            raise ClientMetadataError(f"There is an application {shown(new_id)} already.") from None
        application_created.send(self._app, application_id=new_id, actor=actor())
        return self._existing(new_id)

    def check(self, application_id: str, given: Mapping[str, Any], status: str) -> dict[str, Any]:
        """A whole application, checked and converted. Raises `ClientMetadataError`, which says what is wrong."""
        if not is_application_id(application_id):
            raise ClientMetadataError("An application_id is 1 to 64 letters, digits, or any of . _ ~ -")
        if status not in STATUSES:
            raise ClientMetadataError(f"status is one of {', '.join(STATUSES)}.")
        return {**self._checked(given), "status": status}

    def get(self, application_id: str) -> Application | None:
        """The application as it is stored now, or `None`."""
        return self._applications.get(application_id)

    def find(
        self,
        text: str | None = None,
        *,
        status: str | None = None,
        owner: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> ApplicationPage:
        """A page of the applications, the oldest first.

        `text` selects those whose `application_id` begins with it, or whose name contains it. Raises `ValueError` for
        an `after` that no page gave, or a `limit` below 1.
        """
        start = check_page(after, limit)
        text = text and text.replace("\0", "")  # PostgreSQL takes no null characters
        found = self._applications.page(text=text or None, status=status, owner=owner, after=start, limit=limit + 1)
        return ApplicationPage(found[:limit], str(found[limit - 1].key) if len(found) > limit else None)

    def update(self, application_id: str, *, version: int | None = None, **changes: Any) -> Application:
        """Change any of `name`, `owner`, `plan` and `attributes`; `None` removes any of the last three.

        `version`: what the application must still have. Raises `ApplicationNotFound`, `ApplicationChanged` or
        `ClientMetadataError`.
        """
        if changes:
            self._applications.change(application_id, self._checked(changes), version)
        found = self._existing(application_id)
        if not changes and version not in (None, found.version):
            raise ApplicationChanged
        self._changed(application_id, "update", sorted(changes))
        return found

    def approve(self, application_id: str, *, version: int | None = None) -> Application:
        """Let the application's clients work, except those that are disabled themselves.

        `version`: what the application must still have, as it was looked at. Where users registered it, every change of
        theirs counts as one of it. Raises `ApplicationNotFound` and `ApplicationChanged`.
        """
        return self._set_status(application_id, "approve", APPROVED, version)

    def revoke(self, application_id: str) -> Application:
        """Stop the application's clients and all their tokens at once; nothing is deleted. Raises `ApplicationNotFound`."""
        return self._set_status(application_id, "revoke", REVOKED)

    def delete(self, application_id: str, *, with_clients: bool = False, version: int | None = None) -> None:
        """Delete an application, and with `with_clients=True` its clients, whose tokens are dead at once.

        `version`: what the application must still have. Raises `ApplicationNotFound`, `ApplicationChanged`, or
        `ApplicationInUse` where it has clients that are not to be deleted with it.
        """
        for client_id in self._applications.remove(application_id, with_clients=with_clients, version=version):
            client_changed.send(self._app, client_id=client_id, change="delete", fields=[], actor=actor())
        self._changed(application_id, "delete", [])

    def _set_status(self, application_id: str, change: str, status: str, version: int | None = None) -> Application:
        self._applications.set_status(application_id, status, version)
        self._changed(application_id, change, ["status"])
        return self._existing(application_id)

    def _changed(self, application_id: str, change: str, fields: Sequence[str]) -> None:
        self._clients.forget_all()
        self._forget_tokens()
        application_changed.send(self._app, application_id=application_id, change=change, fields=fields, actor=actor())

    def _checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(given)
        for name in values:
            if name not in FIELDS:
                raise ClientMetadataError(f"{shown(name)} is not something that an application has.")
        if "name" in values and not _is_name(values["name"]):
            raise ClientMetadataError(f"name is a text of 1 to {NAME_LENGTH} characters, without control characters.")
        check_owner(values.get("owner"))
        if values.get("plan") is not None:
            values["plan"] = check_plan("plan", values["plan"], self._settings)
        if values.get("attributes") is not None:
            values["attributes"] = check_object("attributes", values["attributes"])
        return values

    def _existing(self, application_id: str) -> Application:
        found = self._applications.get(application_id)
        if found is None:
            raise ApplicationNotFound(application_id)
        return found


def _is_name(name: object) -> bool:
    return (
        isinstance(name, str) and re.fullmatch(rf"[^\x00-\x1f\x7f\ud800-\udfff]{{1,{NAME_LENGTH}}}", name) is not None
    )

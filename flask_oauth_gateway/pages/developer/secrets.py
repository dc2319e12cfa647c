"""`POST /oauth/developer/app/secret`, `…/secret/end`: another secret for an app, and the end of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...clients.developers.apps import OutOfDate
from ...clients.members import ClientMetadataError
from ..ready_settings import settings_for
from . import Visit, go, page, stale_text
from .apps import DAY, OVERLAPS, show
from .form import days_in, spend, version_in

if TYPE_CHECKING:
    from . import Answer


@page
def secret(visit: Visit) -> Answer:
    """Give an app another secret. Only the answer to this form shows it."""
    found = visit.existing()
    if visit.is_stale:
        return show(visit, found, stale_text())
    spend(visit)
    try:
        days = days_in(visit)
        overlap = next((each for each in OVERLAPS if str(each) == visit.sent("overlap")), 0)
        made = visit.apps.new_secret(
            visit.subject,
            found.client_id,
            overlap,
            expires_in=None if days is None else days * DAY,
            version=version_in(visit),
        )
    except OutOfDate:  # whoever loads the answer again would end the secret that it showed
        return show(visit, found, stale_text())
    except ClientMetadataError as error:
        return show(visit, found, str(error))
    return visit.render("secret.html", is_new=False, **settings_for(visit.server, made))


@page
def secret_end(visit: Visit) -> Answer:
    """End one secret at once."""
    found = visit.existing()
    if visit.is_stale:
        return show(visit, found, stale_text())
    number = visit.sent("secret")
    try:
        visit.apps.end_secret(
            visit.subject, found.client_id, int(number) if number.isdecimal() and len(number) < 18 else 0
        )
    except ClientMetadataError as error:
        return show(visit, found, str(error))
    return go("app", client_id=found.client_id, done="changed")

"""What needs an administrator's attention, each with a link to where it is mended. The worst comes first."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from flask import url_for

from ....database.purge import oldest_expired
from ....descriptions.issuers import describe_issuers
from ....doctor.examining import examine
from ....doctor.stored import of_client
from ....doctor.weakness import Weakness
from ....stores.figures.clients import last_secrets_that_end, names_of
from ....stores.figures.trail import MOST_REFUSALS, newest_refusals
from ...rendering import plain
from ...translations import date, translate, translate_plural
from ..sentences import reason_in_words

if TYPE_CHECKING:
    from ....authorization_server import AuthorizationServer
    from .. import Visit

DAY = 86400
SOON = 30 * DAY
PURGE_DAYS = 2  # a row that has waited for longer says that nobody purges
MOST = 5  # of a kind
MOST_FOUND = 10  # of the doctor's
MOST_CLIENTS = 500  # that the doctor looks at here
EXAMINED_SECONDS = 60
LONGEST_REASON = 300  # characters
REFUSED = ("client_rejected", "assertion_rejected")


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that needs attention. `level`: "off" where something doesn't work, "warn" where it soon won't, or isn't safe."""

    text: str
    url: str
    where: str  # the link's words
    level: str = "warn"


@dataclass(frozen=True, slots=True)
class Examined:
    """What the doctor found: of clients with their `client_id`. `is_all`: whether it looked at every client."""

    weaknesses: list[tuple[str | None, Weakness]]
    is_all: bool


_examined: WeakKeyDictionary[AuthorizationServer, tuple[float, Examined]] = WeakKeyDictionary()


def attention(visit: Visit, now: int) -> dict[str, object]:
    """The concerns, and what the doctor found (in English, as on the command line)."""
    concerns = [each for look in LOOKS for each in look(visit, now)]
    found = examined(visit.server)
    return {
        "concerns": sorted(concerns, key=lambda each: each.level != "off"),
        "found": found.weaknesses[:MOST_FOUND],
        "more": max(0, len(found.weaknesses) - MOST_FOUND),
        "is_all": found.is_all,
        "most_clients": MOST_CLIENTS,
    }


def examined(server: AuthorizationServer) -> Examined:
    """What the doctor finds, kept for a minute."""
    at, found = _examined.get(server, (0.0, None))
    if found is None or time.monotonic() - at > EXAMINED_SECONDS:
        weaknesses: list[tuple[str | None, Weakness]] = [(None, each) for each in examine(server, quick=True)]
        clients = server.client_registry.find(limit=MOST_CLIENTS)
        weaknesses += [(client.client_id, each) for client in clients.clients for each in of_client(server, client)]
        found = Examined(weaknesses, is_all=clients.next is None)
        _examined[server] = (time.monotonic(), found)
    return found


def _secrets(visit: Visit, now: int) -> Iterator[Concern]:
    for client_id, name, ends in last_secrets_that_end(visit.server.database, now + SOON, MOST):
        values = {"name": plain(name), "date": date(ends)}
        is_over = ends <= now
        text = (
            translate("%(name)s can't authenticate: its last secret ended on %(date)s.", **values)
            if is_over
            else translate("The last secret of %(name)s ends on %(date)s.", **values)
        )
        url = url_for("oauth.admin_client", client_id=client_id)
        yield Concern(text, url, translate("New secret"), "off" if is_over else "warn")


def _issuers(visit: Visit, now: int) -> Iterator[Concern]:
    url, where = url_for("oauth.admin_issuers"), translate("Issuers")
    for issuer in describe_issuers(visit.server, configured_only=True):
        name = plain(str(issuer["issuer"]))
        ends = [key["expires_at"] for key in issuer["keys"] if key.get("expires_at")]
        if ends and max(ends) <= now:
            yield Concern(
                translate("Every certificate of the issuer %(name)s has ended.", name=name), url, where, "off"
            )
        elif ends and min(ends) < now + SOON:
            values = {"name": name, "date": date(min(ends))}
            text = (
                translate("A certificate of the issuer %(name)s ended on %(date)s; take it out.", **values)
                if min(ends) <= now
                else translate("A certificate of the issuer %(name)s ends on %(date)s.", **values)
            )
            yield Concern(text, url, where)


def _refusals(visit: Visit, now: int) -> Iterator[Concern]:
    """Clients that were refused within the last day, by the reason; those that nobody has registered in one line."""
    rows = newest_refusals(visit.server.database, now - DAY, REFUSED)
    names = names_of(visit.server.database, {row.client_id for row in rows if row.client_id})
    counts: Counter[tuple[str | None, str]] = Counter()
    for row in rows:
        details = row.details if isinstance(row.details, dict) else {}
        client_id = row.client_id if row.client_id in names else None
        reason = reason_in_words(str(details.get("reason") or row.outcome)) if client_id else ""
        reason = plain(reason)[:LONGEST_REASON]
        repeated = details.get("repeated")
        counts[client_id, reason] += 1 + (repeated if isinstance(repeated, int) else 0)
    if len(rows) == MOST_REFUSALS:
        text = translate("There were many refusals in the last day; these are the newest.")
        yield Concern(text, url_for("oauth.admin_audit", event="refusals"), translate("Audit trail"))
    for (client_id, reason), number in counts.most_common(MOST):
        times = translate_plural("%(num)s refusal", "%(num)s refusals", number)
        if client_id is None:
            text = translate("%(times)s of clients that are not registered here.", times=times)
            url = url_for("oauth.admin_audit", event="refusals")
        else:
            text = translate(
                "%(times)s of %(name)s: %(reason)s", times=times, name=plain(names[client_id]), reason=reason
            )
            url = url_for("oauth.admin_audit", client_id=client_id, event="refusals")
        yield Concern(text, url, translate("Audit trail"))


def _keys(visit: Visit, now: int) -> Iterator[Concern]:
    server = visit.server
    keys = [each for each in server.key_ring.all() if each.is_published(now)]
    url, where = url_for("oauth.admin_keys"), translate("Keys")
    for key in keys:
        if not key.can_sign:
            text = translate(
                "The key %(key)s can't be opened: SECRET_KEY is another one than when it was made.", key=key.kid
            )
            yield Concern(text, url, where, "off")
    days = server.settings.key_rotation_days
    newest = max((each.active_from for each in keys if each.can_sign and each.retired_at is None), default=None)
    if days and newest is not None and newest + (days + 1) * DAY < now:
        text = translate("The signing key is older than OAUTH_KEY_ROTATION_DAYS: since then no token was signed.")
        yield Concern(text, url, where)


def _purge(visit: Visit, now: int) -> Iterator[Concern]:
    oldest = oldest_expired(visit.server.database)
    if oldest is not None and oldest < now - PURGE_DAYS * DAY:
        days = translate_plural("%(num)s day", "%(num)s days", (now - oldest) // DAY)
        text = translate(
            "Rows that expired %(days)s ago are still stored: let flask oauth token purge run each night.", days=days
        )
        yield Concern(text, url_for("oauth.admin_tokens"), translate("Tokens"))


def _applications(visit: Visit, now: int) -> Iterator[Concern]:
    found = visit.server.application_registry.find(status="pending", limit=MOST)
    for each in found.applications:
        text = translate("The application %(name)s waits for approval.", name=plain(each.name))
        url = url_for("oauth.admin_application", application_id=each.application_id)
        yield Concern(text, url, translate("Approve"))
    if found.next is not None:
        url = url_for("oauth.admin_applications", status="pending")
        yield Concern(translate("More applications wait for approval."), url, translate("Applications"))


LOOKS: tuple[Callable[[Visit, int], Iterator[Concern]], ...] = (
    _secrets,
    _issuers,
    _keys,
    _refusals,
    _applications,
    _purge,
)

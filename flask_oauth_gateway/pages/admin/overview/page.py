"""The page: what needs attention, three charts of the last day that lead into the audit trail, and the most active clients."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ....stores.figures.clients import names_of
from ....stores.figures.trail import MOST_LOOKED_AT, counts_between, most_active
from .. import Visit, page
from ..audit import GROUPS
from .attention import attention

if TYPE_CHECKING:
    from flask import Response

    from ....authorization_server import AuthorizationServer

HOUR, HOURS = 3600, 24
BAR, HEIGHT = 10, 60
MOST_CLIENTS = 5
#: So many seconds after its end an hour's count stands: entries are written within a second, unless the database was away.
SETTLED = 900
COUNTING_SECONDS = 0.12  # after which a view of the page leaves the hours before to the next one

Counts = dict[str, int]  # of each chart
_settled: WeakKeyDictionary[AuthorizationServer, dict[int, Counts]] = WeakKeyDictionary()


@page
def overview(visit: Visit) -> Response:
    """Show what needs attention, three charts of the last day that lead into the audit trail, and the most active clients."""
    now = int(time.time())
    newest = now // HOUR * HOUR
    hours = [newest - HOUR * back for back in reversed(range(HOURS))]
    found = counts_of(visit.server, hours, now)
    counts = {name: Counter({hour: each[name] for hour, each in found.items()}) for name in GROUPS}
    looked_at, active = most_active(visit.server.database, hours[0], GROUPS["tokens"], MOST_CLIENTS)
    names = names_of(visit.server.database, [client_id for client_id, _ in active])
    return visit.render(
        "overview.html",
        "overview",
        attention=attention(visit, now),
        hours=hours,
        uncounted=len(hours) - len(found),
        counts=counts,
        bars={name: bars(hours, each) for name, each in counts.items()},
        width=BAR * HOURS,
        height=HEIGHT,
        since=as_asked(hours[0]),
        as_asked=as_asked,
        next_hour=HOUR,
        active=[(each, names.get(each), number, round(100 * number / looked_at)) for each, number in active],
        most_looked_at=MOST_LOOKED_AT,
    )


def counts_of(server: AuthorizationServer, hours: list[int], now: int) -> dict[int, Counts]:
    """How many entries an hour has for each chart, as far as there is time to count them. One that is over is counted once."""
    known = {hour: each for hour, each in _settled.get(server, {}).items() if hour >= hours[0]}
    server.audit.flush()
    found, until = dict(known), time.monotonic() + COUNTING_SECONDS
    for hour in reversed(hours):
        if hour not in found:
            if time.monotonic() > until and hour != hours[-1]:
                break
            found[hour] = counts_between(server.database, hour, hour + HOUR, GROUPS)
    _settled[server] = {hour: each for hour, each in found.items() if hour < now - HOUR - SETTLED}
    return found


def as_asked(seconds: int) -> str:
    """A time as the audit trail's page is asked for it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M")


def bars(hours: list[int], counts: Counter[int]) -> list[tuple[int, float, float, int, int]]:
    """Each hour's bar: its position, its distance from the top, its height, the hour, and the number."""
    most = max(counts.values(), default=0) or 1
    found = []
    for place, hour in enumerate(hours):
        number = counts[hour]
        high = round(max(number / most * HEIGHT, 2), 1) if number else 0
        found.append((place * BAR, round(HEIGHT - high, 1), high, hour, number))
    return found

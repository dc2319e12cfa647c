"""`GET /oauth/admin/`: how many tokens were issued, refused and revoked in each of the last hours, as a chart and a table."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from . import Visit, page

if TYPE_CHECKING:
    from flask import Response

HOUR, HOURS = 3600, 48
SERIES = {
    "issued": ("token_issued", "token_refreshed"),
    "refused": ("token_rejected", "client_rejected", "assertion_rejected", "refresh_token_reused"),
    "revoked": ("token_revoked",),
}
BAR, HEIGHT = 10, 100


@page
def overview(visit: Visit) -> Response:
    newest = int(time.time()) // HOUR * HOUR
    hours = [newest - HOUR * back for back in reversed(range(HOURS))]
    series_of = {event: name for name, events in SERIES.items() for event in events}
    counts: dict[str, Counter[int]] = {name: Counter() for name in SERIES}
    for row in visit.server.audit.counts_by_hour(hours[0], list(series_of)):
        counts[series_of[row.event]][int(row.hour)] += row.entries
    return visit.render(
        "overview.html",
        "overview",
        hours=hours,
        counts=counts,
        bars={name: bars(hours, found) for name, found in counts.items()},
        width=BAR * HOURS,
        height=HEIGHT,
    )


def bars(hours: list[int], counts: Counter[int]) -> list[tuple[int, float, float, int, int]]:
    """Each hour's bar: its position, its distance from the top, its height, the hour, and the number."""
    most = max(counts.values(), default=0) or 1
    found = []
    for place, hour in enumerate(hours):
        number = counts[hour]
        high = round(max(number / most * HEIGHT, 2), 1) if number else 0
        found.append((place * BAR, round(HEIGHT - high, 1), high, hour, number))
    return found

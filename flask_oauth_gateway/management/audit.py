"""The operations on the audit trail: list entries, the newest first, and count them by the hour."""

from __future__ import annotations

import time
from typing import Any

from ..descriptions.records import describe_entry
from .operation import MAX_PAGE, SECONDS, TEXT, Call, Operation, Schema

ENTRY: dict[str, Schema] = {
    "id": SECONDS, "at": SECONDS, "event": TEXT, "outcome": TEXT,
    **{name: {"type": ["string", "null"]} for name in ("client_id", "subject", "actor", "address")},
    "details": {"type": ["object", "null"]},
}  # fmt: skip
FILTERS = ("client_id", "subject", "event", "actor")
COUNTED = ("token_issued", "token_refreshed", "token_rejected", "client_rejected", "token_revoked")
HOURS = 48


def find(call: Call) -> dict[str, Any]:
    limit = call.query.get("limit", 100)
    filters = {name: call.query[name] for name in FILTERS if name in call.query}
    times = {name: call.query[name] for name in ("since", "until", "before") if name in call.query}
    rows = call.server.audit.page(filters, **times, limit=limit + 1)
    return {
        "entries": [describe_entry(row) for row in rows[:limit]],
        "next": rows[limit - 1].id if len(rows) > limit else None,
    }


def overview(call: Call) -> dict[str, Any]:
    since = int(time.time()) // 3600 * 3600 - (HOURS - 1) * 3600
    rows = call.server.audit.counts_by_hour(since, COUNTED)
    return {"since": since, "counts": [{"hour": row.hour, "event": row.event, "entries": row.entries} for row in rows]}


NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": 2**53}
OPERATIONS = (
    Operation(
        name="list_audit", method="GET", path="/audit", summary="Read the audit trail, the newest entry first", run=find,
        query={**dict.fromkeys(FILTERS, TEXT), "since": SECONDS, "until": SECONDS,
               "before": {**NUMBER, "description": "The `next` of the page before."},
               "limit": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 100}},
        answer={"entries": {"type": "array", "items": {"type": "object", "properties": ENTRY}},
                "next": {"type": ["integer", "null"]}},
    ),
    Operation(
        name="overview", method="GET", path="/overview", summary="What happened in each of the last 48 hours", run=overview,
        answer={"since": SECONDS, "counts": {"type": "array", "items": {"type": "object", "properties": {
            "hour": SECONDS, "event": TEXT, "entries": SECONDS}}}},
    ),
)  # fmt: skip

"""`GET /oauth/admin/audit`, `…/audit/export`: the audit trail, with filters: page by page, or streamed as CSV or JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Response
from werkzeug.exceptions import BadRequest

from ...observing.audit import EVENTS
from ...stores.audit.chain import COLUMNS
from ...stores.figures.clients import names_of
from . import PAGE, Visit, page, when
from .sentences import sentence

if TYPE_CHECKING:
    from sqlalchemy.engine import Row

FILTERS = ("client_id", "subject", "event", "actor")
#: Several events by one name, which the filter takes as if it were an event's.
GROUPS = {
    "tokens": ("token_issued", "token_refreshed"),
    "refusals": (
        "token_rejected",
        "client_rejected",
        "request_refused",
        "assertion_rejected",
        "refresh_token_reused",
        "certificate_ignored",
    ),
    "approvals": ("authorization_granted",),
}
HEAD = ("id", *COLUMNS)
BATCH = 1000
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 (what a spreadsheet would run)


@page
def audit(visit: Visit) -> Response:
    filters, since, until = _asked(visit)
    before = visit.asked("before")
    if before is not None and not (before.isascii() and before.isdigit() and len(before) < 19):
        raise BadRequest("before is the number of an entry.")
    number = None if before is None else int(before)
    rows = visit.server.audit.page(filters, since=since, until=until, before=number, limit=PAGE + 1)
    asked = {name: value for name in (*FILTERS, "since", "until") if (value := visit.asked(name)) is not None}
    following = rows[PAGE - 1].id if len(rows) > PAGE else None
    names = names_of(visit.server.database, {row.client_id for row in rows[:PAGE] if row.client_id})
    return visit.render(
        "audit.html",
        "audit",
        rows=[(row, sentence(row, visit.server.settings, names)) for row in rows[:PAGE]],
        asked=asked,
        following=following,
        events=EVENTS,
        groups=GROUPS,
        in_parts=_in_parts,
    )


@page
def audit_export(visit: Visit) -> Response:
    """Export the entries that fit the filters, the newest first."""
    kind = visit.asked("format")
    if kind not in ("csv", "jsonl"):
        raise BadRequest("format is csv or jsonl.")
    filters, since, until = _asked(visit)
    visit.server.audit_trail.exported(kind, {**filters, "since": since, "until": until})
    rows = _rows(visit, filters, since, until)
    write, mimetype = (_csv, "text/csv") if kind == "csv" else (_lines, "application/jsonl")
    response = Response(write(rows), mimetype=mimetype)
    response.headers.update(
        {
            "Content-Disposition": f'attachment; filename="audit.{kind}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        }
    )
    return response


def _asked(visit: Visit) -> tuple[dict[str, Any], int | None, int | None]:
    filters: dict[str, Any] = {name: value for name in FILTERS if (value := visit.asked(name)) is not None}
    if filters.get("event") in GROUPS:
        filters["event"] = GROUPS[filters["event"]]
    return filters, _seconds(visit.asked("since")), _seconds(visit.asked("until"))


def _seconds(text: str | None) -> int | None:
    """A time as the form sends it, UTC: 2026-11-21T07:30."""
    if text is None:
        return None
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except (ValueError, OverflowError) as error:
        raise BadRequest("A time is written as 2026-11-21T07:30.") from error


def _rows(visit: Visit, filters: dict[str, Any], since: int | None, until: int | None) -> Iterator[Row[Any]]:
    before = None
    while rows := visit.server.audit.page(filters, since=since, until=until, before=before, limit=BATCH):
        yield from rows
        before = rows[-1].id


def _csv(rows: Iterator[Row[Any]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEAD)
    for row in rows:
        values = row._asdict() | {"at": when(row.at), "details": _as_json(row.details)}
        writer.writerow([_cell(values[name]) for name in HEAD])
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def _cell(value: object) -> object:
    """A cell of the CSV. An apostrophe comes before a text that a spreadsheet would take for a formula."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA) else value


def _lines(rows: Iterator[Row[Any]]) -> Iterator[str]:
    for row in rows:
        yield json.dumps({name: getattr(row, name) for name in HEAD}, ensure_ascii=False) + "\n"


def _as_json(details: object) -> str:
    return "" if not details else json.dumps(details, ensure_ascii=False, sort_keys=True)


def _in_parts(details: object) -> list[str]:
    """Details as JSON, in parts that stay on one line where there is room: an object's members, else all of it."""
    if not isinstance(details, dict) or not details:
        return [_as_json(details)]
    *others, last = (_as_json({name: value})[1:-1] for name, value in sorted(details.items()))
    first, *more = [f"{each}," for each in others] + [f"{last}}}"]
    return [f"{{{first}", *more]

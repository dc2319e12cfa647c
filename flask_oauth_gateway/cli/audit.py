"""`flask oauth audit …`: reads and verifies the audit trail."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from flask.cli import AppGroup, with_appcontext

from ..authorization_server import current_server
from ..observing.audit import EVENTS
from .output import as_json, print_json, print_table, when

if TYPE_CHECKING:
    from sqlalchemy.engine import Row

audit = AppGroup("audit", help="Read the audit trail.")


@audit.command("list")
@click.option("--client", "client_id", help="Only this client's.")
@click.option("--subject", help="Only this user's.")
@click.option("--event", type=click.Choice(EVENTS), metavar="EVENT", help=f"Only this event: {', '.join(EVENTS)}.")
@click.option("--limit", default=50, type=click.IntRange(1, 100_000), show_default=True)
@as_json
@with_appcontext
def list_audit(client_id: str | None, subject: str | None, event: str | None, limit: int, as_json: bool) -> None:
    """List the newest entries, the newest first."""
    asked = {"client_id": client_id, "subject": subject, "event": event}
    rows = current_server().audit.newest(limit, {name: value for name, value in asked.items() if value is not None})
    if as_json:
        print_json([row._asdict() for row in rows])
        return
    print_table(
        ("TIME", "EVENT", "OUTCOME", "CLIENT_ID", "SUBJECT", "FROM", "DETAILS"),
        (
            (when(r.at), r.event, r.outcome, r.client_id, r.subject, _origin(r), json.dumps(r.details or {}))
            for r in rows
        ),
    )


def _origin(row: Row[Any]) -> str | None:
    """Who did it, and from where: where nobody is named, it was the client or the user."""
    return f"{row.actor} ({row.address})" if row.actor and row.address else row.address or row.actor


@audit.command("verify")
@as_json
@with_appcontext
def verify(as_json: bool) -> None:
    """Check that no entry was changed, deleted or inserted. Ends with status 1 where one was."""
    verdict = current_server().audit.verify()
    if as_json:
        print_json(asdict(verdict))
    else:
        for found in verdict.findings:
            which = (
                f"Entry {found.first}"
                if found.first == found.last
                else f"Each of the entries {found.first} to {found.last}"
            )
            click.echo(f"{which} {found.what}.")
        click.echo(f"Entries: {verdict.entries}. The last number: {verdict.last}. Its hash: {verdict.hash}")
    if verdict.findings:
        raise click.ClickException("The audit trail is not as it was written.")

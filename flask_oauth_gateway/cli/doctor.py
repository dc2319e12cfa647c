"""`flask oauth doctor`: shows what is weak in the running configuration, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict

import click
from flask.cli import with_appcontext

from ..authorization_server import current_server
from ..doctor.examining import examine
from ..doctor.mcp.walk import walk
from ..doctor.notes import notes
from .output import as_json, print_json, visible


@click.command("doctor")
@click.option(
    "--mcp",
    metavar="URL",
    help="Walk the way of a client of the MCP server at this URL instead, whosever it is, and say what it would trip over.",
)
@as_json
@with_appcontext
def doctor(mcp: str | None, as_json: bool) -> None:
    """Check the running server against RFC 9700 and OAuth 2.1. Ends with status 1 where something is weak."""
    if mcp is not None:
        _walk(mcp, as_json=as_json)
        return
    server = current_server()
    found = examine(server)
    if as_json:
        print_json([asdict(weakness) for weakness in found])
    else:
        for weakness in found:
            click.echo(visible(f"{weakness.key}: {weakness.why}. Better: {weakness.fix}."))
        if not found:
            click.echo("Nothing weak was found.")
        for note in notes(server.settings):
            click.echo(f"To know: {note}.")
    if found:
        raise click.ClickException("One thing is weak." if len(found) == 1 else f"{len(found)} things are weak.")


def _walk(url: str, *, as_json: bool) -> None:
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter("it is the URL of an MCP server: https://api.example.com/mcp", param_hint="--mcp")
    found = walk(url)
    if as_json:
        print_json([asdict(hindrance) for hindrance in found])
    else:
        for each in sorted(found, key=lambda each: each.is_note):
            note = "Note: " if each.is_note else ""
            click.echo(visible(f"{note}{each.key}: {each.why}. Concerns {each.clients}. Better: {each.fix}."))
    count = sum(not each.is_note for each in found)
    if count:
        raise click.ClickException(
            "One thing is in clients' way." if count == 1 else f"{count} things are in clients' way."
        )
    if not as_json:
        click.echo("Nothing is in clients' way.")

"""`flask oauth doctor`: shows what is weak in the running configuration, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, cast

import click
from flask.cli import with_appcontext

from ..resource_server import any_server
from .output import as_json, print_json, visible

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer


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
    if not any_server().issues_tokens:
        raise click.UsageError(
            "In an app that only checks tokens, the doctor looks at MCP servers alone: give it --mcp URL."
        )
    from ..doctor.examining import examine  # a resource server, which has this command too, loads nothing of it
    from ..doctor.notes import notes

    server = cast("AuthorizationServer", any_server())
    found = examine(server)
    if as_json:
        print_json([asdict(weakness) for weakness in found])
    else:
        for weakness in found:
            click.echo(visible(f"{weakness.key}: {weakness.why}. Better: {weakness.fix}."))
        if not found:
            click.echo("Nothing weak was found.")
        for note in notes(server):
            click.echo(f"To know: {note}.")
    if found:
        raise click.ClickException("One thing is weak." if len(found) == 1 else f"{len(found)} things are weak.")


def _walk(url: str, *, as_json: bool) -> None:
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter("it is the URL of an MCP server: https://api.example.com/mcp", param_hint="--mcp")
    from ..doctor.mcp.walk import walk

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

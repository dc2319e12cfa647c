"""`flask oauth doctor`: shows what is weak in the running configuration, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict

import click
from flask.cli import with_appcontext

from ..authorization_server import current_server
from ..doctor.examining import examine
from .output import as_json, print_json, visible


@click.command("doctor")
@as_json
@with_appcontext
def doctor(as_json: bool) -> None:
    """Check the running server against RFC 9700 and OAuth 2.1. Ends with status 1 where something is weak."""
    found = examine(current_server())
    if as_json:
        print_json([asdict(weakness) for weakness in found])
    else:
        for weakness in found:
            click.echo(visible(f"{weakness.key}: {weakness.why}. Better: {weakness.fix}."))
        if not found:
            click.echo("Nothing weak was found.")
    if found:
        raise click.ClickException("One thing is weak." if len(found) == 1 else f"{len(found)} things are weak.")

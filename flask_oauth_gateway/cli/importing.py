"""`flask oauth client import` and `export`: move clients between registries."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path

import click
from flask.cli import with_appcontext

from ..authorization_server import current_server
from ..importing import SOURCES, Entry, Outcome, Unreadable, bring
from .hints import AppOption
from .output import as_json, print_json, print_table

OUTCOMES = {
    "new": "imported",
    "there": "was there already",
    "different": "was there already, and is left as it is",
    "skipped": "left out",
    "refused": "refused",
}


@click.command("export")
@with_appcontext
def export_clients() -> None:
    """Print all clients as JSON, with their secrets' digests and their applications: a backup that `import` reads.

    Keep it as safe as a backup of the database.
    """
    from ..importing.gateway import export

    server = current_server()
    clients = server.client_registry.list()
    names = dict.fromkeys(each.application for each in clients if each.application is not None)
    applications = [found for name in names if (found := server.applications.get(name)) is not None]
    print_json(export(clients, applications))


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--from", "source", type=click.Choice(list(SOURCES)), default="gateway", show_default=True, help="Its registry."
)
@click.option(
    "--grant",
    "grants",
    multiple=True,
    cls=AppOption,
    values=lambda settings: settings.grant_types,
    help="A grant type for clients whose registry names none.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    cls=AppOption,
    values=lambda settings: settings.scopes,
    help="A scope for clients whose registry names none.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would happen.")
@as_json
@with_appcontext
def import_clients(
    file: Path, source: str, grants: tuple[str, ...], scopes: tuple[str, ...], dry_run: bool, as_json: bool
) -> None:
    """Register the clients of another registry, with their secrets. Clients that exist already are left as they are."""
    server = current_server()
    module, _, function = SOURCES[source].partition(":")
    read = getattr(import_module(f"flask_oauth_gateway.importing.{module}"), function)
    try:
        entries = read(file, server.settings)
    except Unreadable as error:
        others = ", ".join(name for name in SOURCES if name != "gateway")
        hint = f" If it is another registry's, --from says which: {others}." if source == "gateway" else ""
        raise click.ClickException(f"Nothing was imported. {error}{hint}") from None
    outcomes = list(
        bring(
            server,
            [entry if isinstance(entry, Outcome) else _filled(entry, grants, scopes) for entry in entries],
            dry_run=dry_run,
        )
    )
    if as_json:
        print_json([asdict(outcome) for outcome in outcomes])
    else:
        _print(outcomes, dry_run)
    refused = [outcome for outcome in outcomes if outcome.what == "refused"]
    if refused:
        more = f" And {len(refused) - 1} more." if len(refused) > 1 else ""
        raise click.ClickException(f"{refused[0].where[:200]} is refused: {refused[0].notes[0]}{more}")


def _filled(entry: Entry, grants: tuple[str, ...], scopes: tuple[str, ...]) -> Entry:
    """An entry with the grants and scopes of the command line, where its registry doesn't name any."""
    metadata = dict(entry.metadata)
    if grants and not entry.says_grants:
        metadata["grant_types"] = list(grants)
    if scopes and not (entry.says_scopes and metadata.get("scope")):
        metadata["scope"] = list(scopes)
    return replace(entry, metadata=metadata)


def _print(outcomes: list[Outcome], dry_run: bool) -> None:
    words = {**OUTCOMES, "new": "would be imported"} if dry_run else OUTCOMES
    rows = (
        (o.client_id, o.where, words[o.what], " ".join(f"{note.rstrip('.')}." for note in o.notes)) for o in outcomes
    )
    print_table(("CLIENT_ID", "THERE", "HERE", "NOTES"), rows)
    counted = Counter(words[outcome.what] for outcome in outcomes)
    click.echo(", ".join(f"{count} {what}" for what, count in counted.items()) or "There was nothing to import.")

"""`flask oauth client inspect`: shows which client would be made of a metadata document, or why none; nothing is stored."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import click
from flask.cli import with_appcontext

from ...authorization_server import current_server
from ...clients.metadata_documents import Documents, NoClient
from ...crypto.fetching import MAX_SECONDS
from ..output import as_json, print_json, visible


@click.command("inspect")
@click.argument("url")
@as_json
@with_appcontext
def inspect_document(url: str, as_json: bool) -> None:
    """Read the metadata document at URL, and show what its client could have. Ends with status 1 where there is none."""
    server = current_server()
    documents = Documents(server.app, server.settings, server.hooks, lambda: server.client_registry)
    stored = server.clients.load(url)
    try:
        documents.check_url(url)
        found = documents.read(url, MAX_SECONDS)
    except NoClient as error:
        raise click.ClickException(f"No client would be made of {visible(url)}: {visible(error)}") from None
    about = {
        "client_id": url,
        "host": urlsplit(url).hostname,
        "fresh_for": found.seconds,
        **{name: value for name, value in found.values.items() if value not in (None, [], {}, "")},
    }
    notes = []
    if not server.settings.client_id_metadata:
        notes.append("OAUTH_CLIENT_ID_METADATA is off: no document is read.")
    if stored is not None and stored.origin is None:
        notes.append("This client_id is registered by hand: its document is not read.")
    if as_json:
        print_json({**about, "notes": notes})
        return
    for name, value in about.items():
        click.echo(f"{name + ':':28}{visible(_text(value))}")
    for note in notes:
        click.echo(note)


def _text(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)

"""`flask oauth key …`: lists, rotates and retires the keys that sign JWTs; those to encrypt to are listed and retired, too."""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext

from ..authorization_server import current_server
from ..descriptions.records import describe_keys
from ..errors import shown
from .output import Duration, as_json, print_json, print_table, visible, when

key = AppGroup("key", help="List, rotate and retire signing keys.")


@key.command("list")
@as_json
@with_appcontext
def list_keys(as_json: bool) -> None:
    """List all keys, the oldest first."""
    keys = describe_keys(current_server())
    if as_json:
        print_json(keys)
        return
    print_table(
        ("KID", "ALGORITHM", "MADE", "SIGNS FROM", "PUBLISHED UNTIL"),
        (
            (
                k["kid"],
                k["algorithm"],
                when(k["created_at"]),
                when(k["active_from"]),
                when(k["retired_at"]) or "further",
            )
            for k in keys
        ),
    )


@key.command("rotate")
@click.option("--publish-ahead", type=Duration(), default=3600, help="How long the key is published before it signs.")
@with_appcontext
def rotate(publish_ahead: int) -> None:
    """Make the next key. The old one stays published until its last token has expired."""
    made = current_server().key_ring.rotate(publish_ahead=publish_ahead)
    click.echo(f"The key {made.kid} signs from {when(made.active_from)}.")


@key.command("retire")
@click.argument("kid")
@with_appcontext
def retire(kid: str) -> None:
    """Retire a key: every token that it signed is refused, within OAUTH_REVOCATION_POLL_SECONDS in every process."""
    if not current_server().key_ring.retire(kid):
        raise click.ClickException(f"There is no key {shown(kid)}.")
    click.echo(f"The key {visible(kid)} is retired.")

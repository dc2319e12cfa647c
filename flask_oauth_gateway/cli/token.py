"""`flask oauth token …`: lists, inspects, revokes and purges tokens."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import click
from flask.cli import AppGroup, with_appcontext

from ..authorization_server import current_server
from ..descriptions.records import describe_token
from ..tokens.access_token import AccessToken
from .output import as_json, print_json, print_table, visible, when

token = AppGroup("token", help="List, inspect, revoke and purge tokens.")


@token.command("list")
@click.option("--client", "client_id", help="Only this client's.")
@click.option("--subject", help="Only this user's.")
@click.option("--all", "everything", is_flag=True, help="Revoked and expired tokens too.")
@click.option("--limit", default=50, type=click.IntRange(1, 10_000), show_default=True)
@click.option("--after", help="The place where the last page ended.")
@as_json
@with_appcontext
def list_tokens(
    client_id: str | None, subject: str | None, everything: bool, limit: int, after: str | None, as_json: bool
) -> None:
    """List tokens by their token_id. Only their holders know the tokens themselves."""
    try:
        page = current_server().token_registry.find(
            client_id=client_id, subject=subject, live=not everything, limit=limit, after=after
        )
    except ValueError as error:
        raise click.ClickException(f"--after: {error}") from error
    if as_json:
        print_json({"tokens": [describe_token(each) for each in page.tokens], "next": page.next})
        return
    rows = (
        (t.token_id, t.client_id, t.subject, t.scope, when(t.iat), when(t.exp), t.refusal or "live")
        for t in page.tokens
    )
    print_table(("TOKEN_ID", "CLIENT_ID", "SUBJECT", "SCOPE", "ISSUED", "EXPIRES", "STATUS"), rows)
    if page.next:
        click.echo(f"More: --after {page.next}")


@token.command("inspect")
@click.argument("token_or_id")
@as_json
@with_appcontext
def inspect(token_or_id: str, as_json: bool) -> None:
    """Show one token. TOKEN_OR_ID is a token, '-' to read it from standard input, or a token_id."""
    found = _find(token_or_id)
    if as_json:
        print_json(describe_token(found))
        return
    for name, value in describe_token(found).items():
        if value not in (None, [], {}, ""):
            click.echo(f"{name + ':':14}{visible(value)}")


@token.command("revoke")
@click.argument("token_or_id", required=False)
@click.option("--client", "client_id", help="Every token of this client.")
@click.option("--subject", help="Every token of this user.")
@click.option("--issued-before", type=click.DateTime(), help="Only tokens issued before this time, UTC.")
@with_appcontext
def revoke(token_or_id: str | None, client_id: str | None, subject: str | None, issued_before: datetime | None) -> None:
    """Revoke one token, or all that fit the options."""
    token_id = None if token_or_id is None else _find(token_or_id).token_id
    if (token_or_id, client_id, subject, issued_before) == (None,) * 4:
        raise click.ClickException("Name a token, --client, --subject or --issued-before.")
    before = None if issued_before is None else issued_before.replace(tzinfo=UTC)
    try:
        count = current_server().token_registry.revoke(
            token_id=token_id, client_id=client_id, subject=subject, issued_before=before
        )
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{count} revoked.")


@token.command("purge")
@click.option("--batch", default=1000, type=click.IntRange(1, 10_000), show_default=True, help="Rows a statement.")
@click.option(
    "--audit-older-than", type=click.IntRange(1), metavar="DAYS", help="Delete older entries of the audit trail too."
)
@with_appcontext
def purge(batch: int, audit_older_than: int | None) -> None:
    """Delete expired rows, in batches. This is safe while the server runs."""
    age = None if audit_older_than is None else timedelta(days=audit_older_than)
    deleted = current_server().token_registry.purge(batch=batch, audit_older_than=age)
    click.echo(f"{deleted} expired rows deleted.")


def _find(token_or_id: str) -> AccessToken:
    if token_or_id == "-":
        token_or_id = sys.stdin.readline().strip()
    registry = current_server().token_registry
    found = registry.get(token_id=token_or_id) or registry.get(token=token_or_id)
    if found is None:
        raise click.ClickException("There is no such token here; it may have been purged after it expired.")
    return found

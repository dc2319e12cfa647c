"""`flask oauth token …`: lists, inspects, revokes, purges and partitions tokens."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any

import click
from flask.cli import AppGroup, with_appcontext

from ..authorization_server import current_server
from ..crypto.hashing import token_key
from ..database.partitions.run import AnotherRun, NotPostgreSQL, partition
from ..descriptions.records import describe_token
from ..errors import shown
from ..tokens.access_token import AccessToken
from ..tokens.reading import is_jwt
from .hints import by_client_id, check_client
from .output import Moment, as_json, print_json, print_table, visible, when

token = AppGroup("token", help="List, inspect, revoke, purge and partition tokens.")


@token.command("list")
@click.option("--client", "client_id", help="Only this client's.")
@click.option("--subject", help="Only this user's.")
@click.option("--all", "everything", is_flag=True, help="Revoked and expired tokens too.")
@click.option("--limit", default=50, type=click.IntRange(1, 10_000), show_default=True)
@click.option("--after", help="The place where the last page ended.")
@as_json
@with_appcontext
@by_client_id
def list_tokens(
    client_id: str | None, subject: str | None, everything: bool, limit: int, after: str | None, as_json: bool
) -> None:
    """List tokens by their token_id. Only their holders know the tokens themselves; JWTs aren't stored, nor listed."""
    check_client(client_id)
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
    """Show one token, and whether it is refused.

    TOKEN_OR_ID is a token, '-' to read it from standard input, or a token_id. A JWT isn't stored: give it itself.
    """
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
@click.option(
    "--issued-before",
    type=Moment(),
    help="Only tokens issued before this time, UTC, and all of approvals that are older, also what was refreshed since.",
)
@with_appcontext
@by_client_id
def revoke(token_or_id: str | None, client_id: str | None, subject: str | None, issued_before: int | None) -> None:
    """Revoke one token, or all that fit the options.

    TOKEN_OR_ID is an access token, a refresh token, '-' to read one from standard input, or a token_id. What is counted
    are stored tokens and approvals. JWTs aren't stored: give one itself, or revoke all of a client or user.
    """
    if (token_or_id, client_id, subject, issued_before) == (None,) * 4:
        raise click.ClickException("Name a token, --client, --subject or --issued-before.")
    if issued_before is not None and issued_before > time.time():
        raise click.ClickException(
            "--issued-before lies in the future: tokens that are yet to come can't be revoked."
            " Leave it out, and all tokens issued until now are."
        )
    check_client(client_id)
    which = {} if token_or_id is None else _named(token_or_id)
    count = current_server().token_registry.revoke(
        **which, client_id=client_id, subject=subject, issued_before=issued_before
    )
    click.echo(f"{count} revoked.")
    if not which:
        until = "now" if issued_before is None else when(issued_before)
        click.echo(f"JWTs aren't counted: all that fit and were issued until {until} are refused too.")


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


@token.command("partition")
@click.option(
    "--ahead",
    default=7,
    type=click.IntRange(1, 366),
    show_default=True,
    metavar="DAYS",
    help="For how many days partitions are made.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@with_appcontext
def partition_tokens(ahead: int, dry_run: bool) -> None:
    """Keep the access tokens in a partition for each day, on PostgreSQL. Run it daily; it is safe while the server runs.

    The first run partitions the table, without rewriting it. Each run makes the partitions of the next days, and drops
    those that are past and whose tokens have expired, as a whole; a few live tokens are kept elsewhere.
    """
    done: str | None = None
    try:
        for done in partition(current_server().database, ahead=ahead, dry_run=dry_run):
            click.echo(done)
    except NotPostgreSQL:
        raise click.ClickException(
            "Only PostgreSQL has partitions that can be dropped for tokens: use 'flask oauth token purge' here."
        ) from None
    except AnotherRun:
        click.echo("Another process is doing this at the moment.")
    else:
        if not done:
            click.echo("Nothing was to be done.")


def _named(token_or_id: str) -> dict[str, str]:
    """What was given, as an argument of `tokens.revoke`. Raises `ClickException` where there is no such token here."""
    value = _read(token_or_id)
    registry = current_server().token_registry
    if registry.get(token_id=value) is not None:
        return {"token_id": value}
    if registry.get(token=value) is None and _refresh_token(value) is None:
        raise _no_such(value)
    return {"token": value}


def _find(token_or_id: str) -> AccessToken:
    value = _read(token_or_id)
    registry = current_server().token_registry
    found = registry.get(token_id=value) or registry.get(token=value)
    if found is None:
        refresh = _refresh_token(value)
        if refresh is not None:
            raise click.ClickException(f"This is a refresh token, of the client {shown(refresh.client_id)}.")
        raise _no_such(value)
    return found


def _read(value: str) -> str:
    return sys.stdin.readline().strip() if value == "-" else value


def _refresh_token(value: str) -> Any:
    return current_server().approvals.find_refresh_token(token_key(value))


def _no_such(value: str) -> click.ClickException:
    if is_jwt(value):
        return click.ClickException("This JWT is not an access token that this server signed.")
    return click.ClickException(
        "There is no such token here; it may have been purged after it expired."
        " A JWT isn't stored, and not found by its jti: give the JWT itself."
    )

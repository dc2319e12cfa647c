"""`flask oauth session …`: lists and ends users' sessions at clients, and tells the clients (`OAUTH_OIDC`)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup, with_appcontext

from ..authorization_server import current_server
from ..descriptions.records import describe_session
from ..errors import NotConfigured, TemporarilyUnavailable
from .hints import by_client_id, check_client
from .output import as_json, print_json, print_table, when

if TYPE_CHECKING:
    from ..oidc.provider import OpenidProvider

session = AppGroup(
    "session",
    help="List and end users' sessions at the clients at which they signed in by OpenID Connect, and tell the clients.",
)


@session.command("list")
@click.option("--client", "client_id", help="Only those at this client.")
@click.option("--subject", help="Only this user's.")
@click.option("--limit", default=50, type=click.IntRange(1, 10_000), show_default=True)
@click.option("--after", help="The place where the last page ended.")
@as_json
@with_appcontext
@by_client_id
def list_sessions(client_id: str | None, subject: str | None, limit: int, after: str | None, as_json: bool) -> None:
    """List the live sessions: who is signed in at which client, and since when."""
    sessions = provider().sessions
    check_client(client_id)
    try:
        page = sessions.find(client_id=client_id, subject=subject, limit=limit, after=after)
    except ValueError as error:
        raise click.ClickException(f"--after: {error}") from error
    if as_json:
        print_json({"sessions": [describe_session(each) for each in page.sessions], "next": page.next})
        return
    rows = ((s.sid, s.client_id, s.subject, when(s.began_at), when(s.expires_at)) for s in page.sessions)
    print_table(("SID", "CLIENT_ID", "SUBJECT", "SINCE", "EXPIRES"), rows)
    if page.next:
        click.echo(f"More: --after {page.next}")


@session.command("end")
@click.option("--subject", help="Those of this user.")
@click.option("--sid", help="The one with this sid, as the ID token has it.")
@as_json
@with_appcontext
def end(subject: str | None, sid: str | None, as_json: bool) -> None:
    """End a user's sessions at clients, or one.

    Their tokens end, save those that were allowed with offline_access; clients are told.

    The app's own session doesn't end: it signs the user in again at a client's next redirect. End that too.
    """
    if subject is None and sid is None:
        raise click.ClickException("Name --subject or --sid.")
    openid = provider()
    count = openid.sessions.end(subject=subject, sid=sid, by="the command line")
    with suppress(NotConfigured, TemporarilyUnavailable):  # what is not sent now, others send
        openid.backchannel_logout.deliver_due()
    if as_json:
        print_json({"ended": count})
    else:
        click.echo(f"{count} ended." if count else "0 ended: there is no such session (flask oauth session list).")


@session.command("deliver")
@as_json
@with_appcontext
def deliver(as_json: bool) -> None:
    """Tell the clients for which it is time that a session has ended. Servers do that by themselves; this is for cron."""
    openid = provider()
    delivered = openid.backchannel_logout.deliver_due()
    waiting, following = openid.logouts.how_many(), openid.logouts.soonest()
    if as_json:
        print_json({"told": delivered.told, "given_up": delivered.given_up, "waiting": waiting, "next": following})
    else:
        until = f" until {when(following)}" if following else ""
        click.echo(f"{delivered.told} told, {delivered.given_up} given up, {waiting} waiting{until}.")


def provider() -> OpenidProvider:
    """The parts of the app's OpenID provider. Raises `ClickException` where it is none."""
    server = current_server()
    if not server.settings.oidc:
        raise click.ClickException("There are no sessions without OpenID Connect: set OAUTH_OIDC = True.")
    return server.openid

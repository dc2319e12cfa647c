"""`flask oauth session …`: ends users' sessions at clients, and tells the clients (`OAUTH_OIDC`)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup, with_appcontext

from ..authorization_server import current_server
from ..errors import NotConfigured, TemporarilyUnavailable
from .output import as_json, print_json

if TYPE_CHECKING:
    from ..oidc.provider import OpenidProvider

session = AppGroup(
    "session",
    help="End users' sessions at the clients at which they signed in by OpenID Connect, and tell the clients.",
)


@session.command("end")
@click.option("--subject", help="Those of this user.")
@click.option("--sid", help="The one with this sid, as the ID token has it.")
@as_json
@with_appcontext
def end(subject: str | None, sid: str | None, as_json: bool) -> None:
    """End a user's sessions, or one. Their tokens end, save those that were allowed with offline_access; clients are told."""
    if subject is None and sid is None:
        raise click.ClickException("Name --subject or --sid.")
    openid = provider()
    count = openid.sessions.end(subject=subject, sid=sid, by="the command line")
    with suppress(NotConfigured, TemporarilyUnavailable):  # what is not sent now, others send
        openid.backchannel_logout.deliver_due()
    if as_json:
        print_json({"ended": count})
    else:
        click.echo(f"{count} ended.")


@session.command("deliver")
@as_json
@with_appcontext
def deliver(as_json: bool) -> None:
    """Tell the clients that are still to be told that a session has ended. Servers do that by themselves; this is for cron."""
    openid = provider()
    delivered = openid.backchannel_logout.deliver_due()
    waiting = openid.logouts.how_many()
    if as_json:
        print_json({"told": delivered.told, "given_up": delivered.given_up, "waiting": waiting})
    else:
        click.echo(f"{delivered.told} told, {delivered.given_up} given up, {waiting} waiting.")


def provider() -> OpenidProvider:
    """The parts of the app's OpenID provider. Raises `ClickException` where it is none."""
    server = current_server()
    if not server.settings.oidc:
        raise click.ClickException("There are no sessions without OpenID Connect: set OAUTH_OIDC = True.")
    return server.openid
